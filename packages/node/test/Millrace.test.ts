import { Attempts, InvalidOptions, Store, Transport } from "@millrace/core"
import { Millrace } from "@millrace/node"
import { rawReply, scriptedReceiver } from "@millrace/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { describe, expect, it, onTestFinished } from "vitest"

const warningsOf = async (options: Millrace.MakeOptions) => {
  const lines: Array<Millrace.LogLine> = []
  const millrace = await Millrace.make({ keys: "none", ...options, log: (line) => lines.push(line) })
  await millrace.close()
  return lines.filter(({ level }) => level === "Warn").map(({ fields }) => fields["destination"])
}

const problemsOf = async (options: Millrace.MakeOptions) => {
  const error: unknown = await Millrace.make({ keys: "none", ...options }).catch((reason: unknown) => reason)
  return error instanceof InvalidOptions ? error.problems : error
}

/** Sends one event to a receiver on this machine; resolves when it is delivered or cannot be. */
const deliver = async (options: Pick<Millrace.MakeOptions, "allowPrivateDestinations">) => {
  const receiver = await scriptedReceiver((socket) => socket.write(rawReply(200)))
  onTestFinished(() => receiver.close())
  const store = await Effect.runPromise(Layer.buildWithScope(Store.layerMemory(), Scope.makeUnsafe()))
  const millrace = await Millrace.make({
    keys: "none",
    store: Layer.succeedContext(store),
    destinations: [{ id: "here", url: `${receiver.url}/hook?token=s3cret` }],
    ...options,
  })
  const reply = await millrace.handle({
    method: "POST",
    url: "/v1/webhooks/event_webhook",
    headers: {},
    body: () =>
      Effect.succeed({
        bytes: new TextEncoder().encode('{"user":{"userID":"u"},"event":"e"}'),
        inflated: false,
      }),
  })
  expect(reply.status).toBe(202)
  const { pending } = await millrace.close()
  const attempts = await Effect.runPromise(Context.get(store, Attempts.Attempts).list({}))
  return { requests: receiver.requests.length, pending, attempts }
}

const local = [
  { id: "address", url: "http://127.0.0.1:9000/" },
  { id: "odd", url: "http://0x7f.1/" },
  { id: "name", url: "http://localhost/" },
  { id: "off", url: "http://10.0.0.1/", enabled: false },
  { id: "public", url: "https://example.com/" },
]

describe("private destinations", () => {
  it("get nothing by default, and keep it", async () => {
    expect(await deliver({})).toMatchObject({
      requests: 0,
      pending: [{ destination: "here", events: 1 }],
      attempts: [
        {
          outcome: "misconfigured",
          error: "127.0.0.1 is not on the public Internet, and private destinations are not allowed",
        },
      ],
    })
  })

  it.each([[true], [["127.0.0.0/8"]]])("get theirs with %j", async (allowPrivateDestinations) => {
    expect(await deliver({ allowPrivateDestinations })).toMatchObject({
      requests: 1,
      pending: [],
      attempts: [{ outcome: "delivered" }],
    })
  })

  it("that are sure to be refused are warned of at the start", async () => {
    expect(await warningsOf({ destinations: local })).toEqual(["address", "odd", "name"])
    expect(await warningsOf({ destinations: local, allowPrivateDestinations: ["127.0.0.1"] })).toEqual([])
    expect(await warningsOf({ destinations: local, allowPrivateDestinations: true })).toEqual([])
  })

  it("a receiver of alerts that is sure to be refused is warned of, too", async () => {
    const alerts = { url: "http://127.0.0.1:9000/" }
    expect(await warningsOf({ alerts })).toHaveLength(1)
    expect(await warningsOf({ alerts, allowPrivateDestinations: true })).toEqual([])
  })

  it("a list that is wrong is InvalidOptions", async () => {
    expect(await problemsOf({ allowPrivateDestinations: ["::1", "10.0.0.0/99", "*.internal"] })).toEqual([
      {
        path: "allowPrivateDestinations[1]",
        message: "expected a range like 10.0.0.0/8 or fd00::/8",
      },
      {
        path: "allowPrivateDestinations[2]",
        message: "expected an address, a range like 10.0.0.0/8, or an exact host name",
      },
    ])
  })

  it("are the business of a transport that is given", async () => {
    const transport = Layer.succeed(Transport.Transport, {
      send: () => Effect.succeed({ status: 200, retryAfter: null, body: "" }),
    })
    expect(await problemsOf({ transport, allowPrivateDestinations: false })).toEqual([
      { path: "allowPrivateDestinations", message: "has no effect on a transport of your own" },
    ])
    expect(await warningsOf({ transport, destinations: local })).toEqual([])
  })
})
