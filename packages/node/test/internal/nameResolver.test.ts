import type { LookupAddress } from "node:dns"
import { describe, expect, it } from "vitest"
import { candidatesOf, parseHosts, parseSearch } from "../../src/internal/hostsFile.ts"
import { keep, keepFailure, NameResolver, type NameSources } from "../../src/internal/nameResolver.ts"
import { dnsServer, type Zone } from "../support/dnsServer.ts"

const notFound = () => Promise.reject(Object.assign(new Error("none"), { code: "ENOTFOUND" }))

const setUp = async (zone: Zone, more: Partial<NameSources> = {}) => {
  const state = { zone, now: 0 }
  const server = await dnsServer(() => state.zone)
  const resolver = new NameResolver({
    hosts: () => new Map(),
    search: () => ({ domains: [], dots: 1 }),
    system: notFound,
    now: () => state.now,
    resolve4: server.resolve4,
    resolve6: server.resolve6,
    ...more,
  })
  const look = (name: string) =>
    new Promise<ReadonlyArray<string> | string>((resolve) =>
      resolver.lookup(name, { all: true }, (error, found) =>
        resolve(
          error === null
            ? (found as ReadonlyArray<LookupAddress>).map(({ address }) => address)
            : (error.code ?? "no code"),
        ),
      ),
    )
  return { state, look, asked: server.asked }
}

describe("a name", () => {
  it("has the addresses of both families, and is asked for once by all who want it at once", async () => {
    const { look, asked } = await setUp({ "both.test": { ttl: 30, addresses: ["10.0.0.1", "2001:db8::1"] } })
    const answers = await Promise.all(Array.from({ length: 20 }, () => look("Both.test")))
    for (const answer of answers) expect(answer).toEqual(["2001:db8::1", "10.0.0.1"])
    expect([...asked].sort()).toEqual(["both.test A", "both.test AAAA"])
  })

  it("is kept for as long as its answer allows, and not longer", async () => {
    const { state, look, asked } = await setUp({ "moves.test": { ttl: 30, addresses: ["10.0.0.1"] } })
    expect(await look("moves.test")).toEqual(["10.0.0.1"])
    state.zone = { "moves.test": { ttl: 30, addresses: ["10.0.0.2"] } }
    state.now = 29_999
    expect(await look("moves.test")).toEqual(["10.0.0.1"])
    state.now = 30_000
    expect(await look("moves.test")).toEqual(["10.0.0.2"])
    expect(asked).toHaveLength(4)
  })

  it.each([
    [0, keep.atLeast],
    [86_400, keep.atMost],
  ])("whose answer holds %i s is kept %i ms", async (ttl, kept) => {
    const { state, look, asked } = await setUp({ "a.test": { ttl, addresses: ["10.0.0.1"] } })
    await look("a.test")
    state.now = kept - 1
    await look("a.test")
    expect(asked).toHaveLength(2)
    state.now = kept
    await look("a.test")
    expect(asked).toHaveLength(4)
  })

  it("that does not exist is not asked for again at once, and found once it does", async () => {
    const { state, look, asked } = await setUp({})
    expect(await look("new.test")).toBe("ENOTFOUND")
    state.zone = { "new.test": { ttl: 1, addresses: ["10.0.0.1"] } }
    state.now = keepFailure - 1
    expect(await look("new.test")).toBe("ENOTFOUND")
    expect(asked).toHaveLength(2)
    state.now = keepFailure
    expect(await look("new.test")).toEqual(["10.0.0.1"])
  })

  it("that DNS does not know may be one of the system's; the system is never asked by more than two at once", async () => {
    let asking = 0
    let most = 0
    const release: Array<() => void> = []
    const { look } = await setUp(
      {},
      {
        system: async (name) => {
          asking += 1
          most = Math.max(most, asking)
          await new Promise<void>((resolve) => release.push(resolve))
          asking -= 1
          return [{ address: `10.0.0.${name.at(-1)}`, family: 4 }]
        },
      },
    )
    const answers = Promise.all(["printer1", "printer2", "printer3", "printer1"].map(look))
    for (let asked = 0; asked < 3; asked++) {
      while (release.length === 0) await new Promise((resolve) => setImmediate(resolve))
      release.shift()!()
    }
    expect(await answers).toEqual([["10.0.0.1"], ["10.0.0.2"], ["10.0.0.3"], ["10.0.0.1"]])
    expect(most).toBe(2)
  })

  it("that nobody answers for is not asked of the system, and delays no other", async () => {
    const dead = Array.from({ length: 20 }, (_, n) => `dead${n}.test`)
    const zone: Zone = {
      ...Object.fromEntries(dead.map((name) => [name, "silence"] as const)),
      "well.test": { ttl: 0, addresses: ["10.0.0.1"] },
    }
    const { state, look } = await setUp(zone, { system: () => Promise.reject(new Error("asked")) })
    let over = 0
    const answers = dead.map(async (name) => {
      const answer = await look(name)
      over += 1
      return answer
    })
    for (let round = 0; round < 20; round++) {
      state.now += keep.atLeast
      expect(await look("well.test")).toEqual(["10.0.0.1"])
    }
    expect(over).toBe(0)
    for (const answer of await Promise.all(answers)) expect(answer).toBe("ETIMEOUT")
  })

  it("with one family that is never answered for has the other", async () => {
    const { look } = await setUp(
      { "half.test": { ttl: 5, addresses: ["10.0.0.1"] } },
      { resolve6: () => new Promise(() => {}) },
    )
    expect(await look("half.test")).toEqual(["10.0.0.1"])
  })

  it("of the hosts file, and localhost, are nobody's to answer", async () => {
    const hosts = parseHosts(
      "# own\n127.0.0.7 near.test Other.test # here\n::1 near.test\nnonsense near.test\n",
    )
    const { look, asked } = await setUp({}, { hosts: () => hosts })
    expect(await look("near.test")).toEqual(["127.0.0.7", "::1"])
    expect(await look("OTHER.test.")).toEqual(["127.0.0.7"])
    expect(await look("localhost")).toEqual(["127.0.0.1", "::1"])
    expect(await look("a.localhost")).toEqual(["127.0.0.1", "::1"])
    expect(asked).toEqual([])
  })

  it("is completed as resolv.conf says, and never asked for elsewhere when that gets no answer", async () => {
    const search = parseSearch(
      "nameserver 10.0.0.10\nsearch app.svc.test. svc.test\noptions ndots:2 timeout:1\n",
    )
    const zone: Zone = {
      "hooks.svc.test": { ttl: 5, addresses: ["10.0.0.1"] },
      "hooks.app": { ttl: 5, addresses: ["10.0.0.2"] },
      "secret.app.svc.test": "silence",
      "secret.app": { ttl: 5, addresses: ["10.0.0.3"] },
      "a.b.test": { ttl: 5, addresses: ["10.0.0.4"] },
    }
    const { look, asked } = await setUp(zone, { search: () => search })
    expect(await look("hooks")).toEqual(["10.0.0.1"])
    expect(await look("hooks.app")).toEqual(["10.0.0.2"])
    expect(await look("a.b.test")).toEqual(["10.0.0.4"])
    expect(await look("missing")).toBe("ENOTFOUND")
    asked.length = 0
    // It may be a name inside, so a silent server must not send it to somebody of the same name
    // outside.
    expect(candidatesOf("secret.app", search)).toEqual([
      "secret.app.app.svc.test",
      "secret.app.svc.test",
      "secret.app",
    ])
    expect(await look("secret.app")).toBe("ETIMEOUT")
    expect(asked.filter((question) => question.startsWith("secret.app "))).toEqual([])
  })
})
