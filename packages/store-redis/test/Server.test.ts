import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { evicting, type Facts, safetyOf, unfit } from "../src/Server.ts"

const safe: Facts = {
  version: "7.0.15",
  run: "a",
  isLoading: false,
  isReplica: false,
  appendonly: true,
  appendfsync: "always",
  noAppendfsyncOnRewrite: false,
  maxmemory: 0,
  evicts: "noeviction",
}

describe("what an acknowledged write has survived", () => {
  it("is a sync of the disk when the server syncs before it answers", () => {
    expect(safetyOf(safe, false)).toEqual({ durability: "disk", doubt: null })
  })

  it.each<[Partial<Facts>, boolean, RegExp]>([
    [{ appendonly: false }, true, /appendonly is off.*set appendonly yes and appendfsync always/],
    [{ appendfsync: "everysec" }, true, /appendfsync is everysec, so the last second's or two/],
    [{ appendfsync: "no" }, true, /appendfsync is no, so the last half minute's/],
    [{ noAppendfsyncOnRewrite: true }, true, /no-appendfsync-on-rewrite is yes.*set it to no/],
    [{ appendfsync: null }, false, /does not tell its appendfsync.*\?appendfsync=always/],
  ])("is nothing with %o", (change, asserted, doubt) => {
    const found = safetyOf({ ...safe, ...change }, asserted)
    expect(found.durability).toBe("memory")
    expect(found.doubt).toMatch(doubt)
  })

  it("is what the user says of a server that does not tell, as far as it tells nothing else", () => {
    expect(safetyOf({ ...safe, appendfsync: null }, true).durability).toBe("disk")
    expect(safetyOf({ ...safe, appendfsync: null, appendonly: false }, true).durability).toBe("memory")
  })
})

describe("a server is unfit", () => {
  const why = (change: Partial<Facts>): string =>
    Result.match(unfit({ ...safe, ...change }), { onSuccess: () => "", onFailure: (text) => text })

  it("when it is too old", () => {
    expect(why({ version: "6.0.16" })).toMatch(/Redis 6.0.16: 6.2 or later/)
    expect(why({ version: "5.9.9" })).toMatch(/6.2 or later/)
    for (const version of ["6.2.0", "6.10.1", "7.0.0", "10.0.0"]) expect(why({ version })).toBe("")
  })

  it("while it is loading its data, when it says of itself what is not so", () =>
    expect(why({ isLoading: true, appendonly: false })).toMatch(/loading/))

  it("when it is a replica", () => expect(why({ isReplica: true })).toMatch(/replica/))
})

it("a server drops stored events when it evicts keys that never expire, and has a limit to do so at", () => {
  const why = (change: Partial<Facts>) => evicting({ ...safe, ...change })
  expect(why({ evicts: "allkeys-lru", maxmemory: 1e9 })).toMatch(/allkeys-lru.*set it to noeviction/)
  expect(why({ evicts: "allkeys-lru" })).toBeNull()
  expect(why({ evicts: "volatile-lru", maxmemory: 1e9 })).toBeNull()
  expect(why({ evicts: "noeviction", maxmemory: 1e9 })).toBeNull()
})
