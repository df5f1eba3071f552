import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { evaluatingSdks, keys, names, startStandIn, users } from "@millrace/test-sdks"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const [clientKey] = keys.client
const [serverKey] = keys.server

const specsOf = (url: string) => fetch(`${url}/v1/download_config_specs/${serverKey}.json`)

const initialize = (url: string, path: string) =>
  fetch(`${url}${path}?k=${clientKey}`, { method: "POST", body: JSON.stringify({ user: users[0] }) })

const exposure = "statsig::layer_exposure"

const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

describe.each([
  ["one process", []],
  ["workers", ["--workers", "2"]],
] as const)("in front of Statsig, %s", (_, flags) => {
  test("servers have their gates, and Statsig their events, though it is away and Millrace was killed", async () => {
    const standIn = await startStandIn({ keys })
    onTestFinished(standIn.close)
    const receiver = await receive()
    const directory = tempDir()
    const { url: statsig } = standIn
    writeFileSync(
      join(directory, "millrace.config.json"),
      JSON.stringify({
        keys,
        destinations: [{ id: "receiver", url: receiver.url, batch: { maxDelay: "20 millis" } }],
        paths: { initialize: ["/v1/my-start"] },
        statsig: {
          passThrough: true,
          relay: true,
          upstream: { events: statsig, api: statsig, cdn: statsig },
        },
      }),
    )
    const servers = evaluatingSdks.filter(({ isServer }) => isServer)
    const readings = async (url: string) => {
      const all = []
      for (const { start } of servers) {
        const sdk = await start(url)
        for (const user of users) all.push(await sdk.read(user))
        await sdk.shutdown()
      }
      return JSON.stringify(all)
    }

    const straight = await startStandIn({ keys })
    onTestFinished(straight.close)
    const wanted = await readings(straight.url)
    const first = await serve(flags, { cwd: directory })
    expect(await readings(first.url)).toBe(wanted)
    expect((await initialize(first.url, "/v1/my-start")).status).toBe(200)
    const fresh = await specsOf(first.url)
    expect([fresh.status, fresh.headers.get("age")]).toEqual([200, null])
    first.kill("SIGKILL")
    await first.ended

    await standIn.away()
    const second = await serve(flags, { cwd: directory })
    expect(await readings(second.url)).toBe(wanted)
    const old = await specsOf(second.url)
    expect([old.status, old.headers.get("warning")]).toEqual([200, expect.stringContaining("Stale")])
    expect(await old.text()).toBe(await fresh.text())
    expect((await initialize(second.url, "/v1/initialize")).status).toBe(503)

    await standIn.back()
    await vi.waitFor(async () => expect((await initialize(second.url, "/v1/my-start")).status).toBe(200), {
      timeout: 20_000,
      interval: 200,
    })
    // The kill may have had some of them sent twice.
    const idsIn = (events: ReadonlyArray<{ readonly eventName: string; readonly timeUUID?: unknown }>) =>
      new Set(events.filter(({ eventName }) => eventName === exposure).map(({ timeUUID }) => timeUUID))
    const parameters = Object.values(names.layers).flat()
    const count = 2 * servers.length * users.length * parameters.length
    await vi.waitFor(() => expect(idsIn(standIn.events()).size).toBe(count), { timeout: 40_000 })
    await stop(second)
    expect(idsIn(receiver.events).size).toBe(count)
    expect(idsIn(standIn.events())).toEqual(idsIn(receiver.events))
    expect(`${first.stderr()}${second.stderr()}`).not.toContain(serverKey)
  })
})
