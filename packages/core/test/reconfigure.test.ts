import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import * as Millrace from "../src/Millrace.ts"
import * as Store from "../src/ports/Store.ts"
import { Transport } from "../src/ports/Transport.ts"
import { layerTest } from "./support/codec.ts"
import { request, serverKey } from "./support/intake.ts"

const destination = (id: string, path = id) => ({
  id,
  url: `https://${id}.test/${path}`,
  batch: { maxDelay: 0 },
})

const event = (eventName: string) => ({ eventName, user: { userID: "u" }, time: 1 })

/** A Millrace whose receivers note what they get; what goes to `slow` waits until it is let go. */
const setUp = async (...ids: ReadonlyArray<string>) => {
  const got: Array<string> = []
  const gate = Deferred.makeUnsafe<void>()
  const held = { interrupted: 0, begun: 0 }
  const transport = Layer.succeed(Transport, {
    send: ({ url, body }) =>
      Effect.gen(function* () {
        if (url.includes("slow")) {
          held.begun += 1
          yield* Effect.onInterrupt(Deferred.await(gate), () => Effect.sync(() => (held.interrupted += 1)))
        }
        const events = JSON.parse(new TextDecoder().decode(body)) as ReadonlyArray<{ eventName: string }>
        for (const { eventName } of events) got.push(`${url} ${eventName}`)
        return { status: 200, retryAfter: null, body: "" }
      }),
  })
  const millrace = await Millrace.make({
    keys: { server: [serverKey] },
    destinations: ids.map((id) => destination(id)),
    store: Store.layerMemory(),
    transport,
    codec: layerTest,
  })
  onTestFinished(async () => void (await millrace.close({ deadline: 0 })))
  const post = async (name: string, key = serverKey): Promise<number> => {
    const body = JSON.stringify({ events: [event(name)], statsigMetadata: { sdkType: "any" } })
    return (await millrace.handle(request({ body, headers: { "statsig-api-key": key } }))).status
  }
  const arrived = (...expected: ReadonlyArray<string>) =>
    vi.waitFor(() => expect([...got].sort()).toEqual([...expected].sort()), { timeout: 10_000 })
  return { millrace, post, arrived, held, letGo: () => Deferred.doneUnsafe(gate, Effect.void) }
}

describe("while it runs", () => {
  test("destinations come, change and go; what stays is not touched", async () => {
    const { millrace, post, arrived, held, letGo } = await setUp("slow", "moved", "gone")
    await post("a")
    await arrived("https://moved.test/moved a", "https://gone.test/gone a")
    await vi.waitFor(() => expect(held.begun).toBe(1))

    const next = [destination("slow"), destination("moved", "new"), destination("new")]
    expect(await millrace.reconfigure({ destinations: next })).toEqual({
      added: ["new"],
      changed: ["moved"],
      removed: ["gone"],
    })
    await post("b")
    letGo()
    await arrived(
      "https://moved.test/moved a",
      "https://gone.test/gone a",
      "https://moved.test/new b",
      "https://new.test/new b",
      "https://slow.test/slow a",
      "https://slow.test/slow b",
    )
    expect(held).toEqual({ begun: 2, interrupted: 0 })
    const rows = await millrace.destinations()
    expect(rows.map(({ id, disabled }) => [id, disabled?.reason ?? null])).toEqual([
      ["gone", "unconfigured"],
      ["moved", null],
      ["new", null],
      ["slow", null],
    ])
    expect(rows.filter(({ pending }) => pending > 0).map(({ id }) => id)).toEqual(["gone"])

    expect(await millrace.reconfigure({ destinations: next })).toEqual({
      added: [],
      changed: [],
      removed: [],
    })
    await millrace.reconfigure({ destinations: [destination("gone")] })
    await vi.waitFor(async () => {
      const [gone] = await millrace.destinations()
      expect(gone).toMatchObject({ id: "gone", disabled: null, pending: 0, delivered: 2 })
    })
  })

  test("one that was added is the configuration's from then on, and is the store's again after it", async () => {
    const { millrace, post, arrived } = await setUp()
    await millrace.addDestination(destination("both", "added"))
    await millrace.reconfigure({ destinations: [destination("both", "configured")] })
    await post("a")
    await arrived("https://both.test/configured a")
    await expect(millrace.removeDestination("both")).rejects.toMatchObject({ _tag: "DestinationConfigured" })
    await millrace.reconfigure({ destinations: [] })
    await post("b")
    await arrived("https://both.test/configured a", "https://both.test/added b")
  })

  test("what is wrong changes nothing", async () => {
    const { millrace, post, arrived } = await setUp("kept")
    await expect(
      millrace.reconfigure({
        destinations: [destination("other"), { id: "wrong", url: "ftp://wrong.test" }],
        keys: { server: ["secret-other"] },
      }),
    ).rejects.toMatchObject({ _tag: "InvalidOptions", problems: [{ path: "destinations[1].url" }] })
    await expect(millrace.reconfigure({ keys: {} })).rejects.toMatchObject({
      _tag: "InvalidOptions",
      problems: [{ path: "keys" }],
    })
    await expect(millrace.reconfigure({ destinations: [], keys: { server: ["a b"] } })).rejects.toMatchObject(
      {
        problems: [{ path: "keys.server[0]" }],
      },
    )
    expect(await post("a")).toBe(202)
    expect(await post("b", "secret-other")).toBe(401)
    await arrived("https://kept.test/kept a")
  })

  test("keys are others, and those of the store stay", async () => {
    const { millrace, post } = await setUp()
    const { key: stored } = await millrace.createKey("shop", "server")
    await millrace.reconfigure({ keys: { server: ["secret-new"] } })
    expect(await Promise.all(["secret-new", stored, serverKey].map((key) => post("a", key)))).toEqual([
      202, 202, 401,
    ])
    const { id } = (await millrace.keys()).find(({ origin }) => origin === "added")!
    expect((await millrace.keys()).map(({ origin }) => origin)).toEqual(["configured", "added"])
    await millrace.revokeKey(id)
    expect(await Promise.all(["secret-new", stored].map((key) => post("a", key)))).toEqual([202, 401])
  })
})
