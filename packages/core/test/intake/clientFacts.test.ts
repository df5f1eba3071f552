import { createHmac } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import type { InvalidOptions } from "../../src/base/InvalidOptions.ts"
import * as Entry from "../../src/entry/Entry.ts"
import { type ClientOptions, clientProblems } from "../../src/intake/clientFacts.ts"
import type { HttpIngestOptions } from "../../src/intake/HttpIngest.ts"
import {
  capturedLogs,
  event,
  keys,
  open,
  type RequestInit,
  request,
  run,
  sdkBody,
  serverKey,
} from "../support/intake.ts"

const hashKey = new TextEncoder().encode("sixteen bytes at least")

/** The user of one event that has come in by a request, and its entry's envelope. */
const kept = (
  client: ClientOptions | undefined,
  init: RequestInit = {},
  more: Partial<HttpIngestOptions> = {},
) =>
  run(
    Effect.gen(function* () {
      const options = client === undefined ? { keys, ...more } : { keys, client, hashKey, ...more }
      const { http, stored } = yield* open(options)
      const { headers = {}, ...rest } = init
      const reply = yield* http.handle(
        request({ peer: "192.0.2.77", ...rest, headers: { "statsig-api-key": serverKey, ...headers } }),
      )
      expect(reply.status).toBe(202)
      const [entry] = yield* stored
      const { user } = Result.getOrThrow(Entry.decode(entry!)).events[0]!
      return { user, envelope: JSON.parse(entry!.envelope) as Record<string, unknown> }
    }),
  )

const userOf = async (client: ClientOptions, init?: RequestInit) => (await kept(client, init)).user

const hmac = (text: string) => createHmac("sha256", hashKey).update(text).digest("hex")

describe("of a request's client", () => {
  it("nothing is kept by default", async () => {
    const headers = { "x-forwarded-for": "198.51.100.1", "user-agent": "agent" }
    for (const client of [undefined, {}, { ip: "off", userAgent: false, trust: ["192.0.2.0/24"] }] as const) {
      const { user, envelope } = await kept(client, { headers })
      expect(user).toEqual({ userID: "u" })
      expect(Object.keys(envelope)).toEqual(Object.keys((await kept(undefined)).envelope))
    }
  })

  it.each<readonly [string, ClientOptions["ip"] & string, string]>([
    ["192.0.2.77", "keep", "192.0.2.77"],
    ["192.0.2.77", "truncate", "192.0.2.0"],
    ["::ffff:192.0.2.77", "truncate", "192.0.2.0"],
    ["2001:db8:1:2:3::77", "keep", "2001:db8:1:2:3::77"],
    ["2001:db8:1:2:3::77", "truncate", "2001:db8:1::"],
    ["192.0.2.77", "hash", hmac("192.0.2.77")],
    ["2001:DB8::0077", "hash", hmac("2001:db8::77")],
  ])("the address %s, with %j, is kept as %s", async (peer, ip, shown) => {
    const { user, envelope } = await kept({ ip }, { peer })
    expect(user).toEqual({ userID: "u", ip: shown })
    expect(JSON.stringify(envelope).includes(peer)).toBe(shown === peer)
  })

  it("the address of a host that does not know it is none", async () => {
    const stream = { peer: "/run/millrace.sock" }
    expect(await userOf({ ip: "keep", trust: ["0.0.0.0/0"] }, stream)).toEqual({ userID: "u" })
  })

  it("the agent is kept, 512 bytes of it", async () => {
    const long = `${"a".repeat(511)}ü and more`
    expect(await userOf({ userAgent: true }, { headers: { "user-agent": "an agent" } })).toEqual({
      userID: "u",
      userAgent: "an agent",
    })
    expect(
      await userOf(
        { userAgent: true },
        { headers: { "user-agent": long }, body: sdkBody(...Array(9).fill(event())) },
      ),
    ).toEqual({ userID: "u", userAgent: "a".repeat(511) })
    expect(await userOf({ userAgent: true })).toEqual({ userID: "u" })
  })

  it("the country is what the function says of the whole address", async () => {
    const asked: Array<string> = []
    const country = (ip: string) => {
      asked.push(ip)
      return "NZ"
    }
    expect(await userOf({ ip: "truncate", country })).toEqual({ userID: "u", ip: "192.0.2.0", country: "NZ" })
    expect(await userOf({ country }, { peer: "::ffff:192.0.2.77" })).toEqual({ userID: "u", country: "NZ" })
    expect(asked).toEqual(["192.0.2.77", "192.0.2.77"])
  })

  it.each<readonly [string, () => unknown]>([
    [
      "throws",
      () => {
        throw new Error("no database")
      },
    ],
    ["says nothing", () => undefined],
    ["says an empty text", () => ""],
    ["returns a promise", () => Promise.resolve("NZ")],
  ])("there is no country where the function %s", async (_, country) => {
    expect(await userOf({ ip: "keep", country: country as () => string })).toEqual({
      userID: "u",
      ip: "192.0.2.77",
    })
  })

  it("what the SDK says itself stays", async () => {
    const user = { userID: "u", ip: "198.51.100.9", userAgent: null, country: "" }
    const body = sdkBody({ ...event(), user })
    const client = { ip: "keep", userAgent: true, country: () => "NZ" } as const
    expect(await userOf(client, { body, headers: { "user-agent": "agent" } })).toEqual({
      ...user,
      userAgent: "agent",
      country: "NZ",
    })
  })

  it.each<readonly [string, RequestInit]>([
    ["a server's SDK", { headers: { "statsig-server-session-id": "s" } }],
    [
      "a webhook",
      { url: "/v1/webhooks/event_webhook", body: JSON.stringify({ event: "e", user: { userID: "u" } }) },
    ],
  ])("nothing is kept where it is %s: its users are elsewhere", async (_, init) => {
    const country = () => "NZ"
    expect(await userOf({ ip: "keep", userAgent: true, country }, init)).toEqual({ userID: "u" })
  })

  it("nothing is logged, also when its request fails", async () => {
    const { lines, layer } = capturedLogs()
    await run(
      Effect.gen(function* () {
        const country = () => {
          throw new Error("192.0.2.77")
        }
        const { http } = yield* open(
          { keys, client: { ip: "keep", userAgent: true, country } },
          {
            log: (log) => ({ ...log, append: () => Effect.die(new Error("a defect")) }),
          },
        )
        const headers = { "statsig-api-key": serverKey, "user-agent": "an agent" }
        expect((yield* http.handle(request({ peer: "192.0.2.77", headers }))).status).toBe(500)
      }).pipe(Effect.provide(layer)),
    )
    expect(lines.length).toBeGreaterThan(0)
    expect(lines.join()).not.toMatch(/192\.0\.2|an agent/)
  })

  it("nothing makes a small body send a lot", async () => {
    const client = { ip: "keep", userAgent: true } as const
    const small = Array.from({ length: 100 }, () => ({ eventName: "e" }))
    const body = sdkBody(...small)
    expect(await userOf(client, { body, headers: { "user-agent": "a".repeat(512) } })).toEqual({})
    expect(await userOf(client, { body, headers: { "user-agent": "a".repeat(150) } })).not.toEqual({})
  })
})

describe("the options of it", () => {
  const problems = (client: unknown, key?: Uint8Array) =>
    clientProblems({ client: client as ClientOptions, ...(key === undefined ? {} : { hashKey: key }) }).map(
      ({ path, message }) => `${path}: ${message}`,
    )

  it.each<readonly [unknown, ReadonlyArray<string>]>([
    [{}, []],
    [{ ip: "keep", trust: ["10.0.0.0/8", "::1"], userAgent: true, country: () => "NZ" }, []],
    [{ ip: "all" }, ['client.ip: expected "off" | "keep" | "truncate" | "hash"']],
    [
      { trust: ["10.0.0.0/8", "10.0.0.1/8", "proxy"] },
      [
        "client.trust[1]: expected the first address of the range before the slash",
        "client.trust[2]: expected an address, or a range like 10.0.0.0/8 or fd00::/8",
      ],
    ],
    [{ userAgent: "yes" }, ["client.userAgent: expected boolean"]],
    [{ agent: true }, ["client.agent: unknown key"]],
    [{ country: "NZ" }, ["client.country: expected a function"]],
    [{ ip: "hash" }, ["client.ip: needs the option hashKey"]],
  ])("%j: %j", (client, expected) => {
    expect(problems(client)).toEqual(expected)
  })

  it("a key that is too short is told", () => {
    expect(problems({ ip: "hash" }, new Uint8Array(15))).toEqual(["hashKey: expected 16 bytes at least"])
    expect(problems({ ip: "hash" }, new Uint8Array(16))).toEqual([])
  })

  it("that are wrong end the start", async () => {
    const error = await run(Effect.flip(open({ keys, client: { trust: ["proxy"] } })))
    expect((error as InvalidOptions).problems).toMatchObject([{ path: "client.trust[0]" }])
  })
})
