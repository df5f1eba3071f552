import { createHash } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { hex } from "../../src/base/hex.ts"
import { makeKeyRing, makeKnownKeys } from "../../src/intake/keyRing.ts"

const digestOf = (key: string): Uint8Array => createHash("sha256").update(key).digest()
const hashed = (key: string, kind: "server" | "client") => ({ hash: hex(digestOf(key)), kind })

describe("makeKeyRing", () => {
  it("finds the keys given and no others, wherever they stand", () => {
    const keys = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(keys, fc.string(), (given, other) => {
        const ring = makeKeyRing(given.map((key) => hashed(key, "client")))
        expect(ring.size).toBe(given.length)
        for (const key of given) {
          expect(ring.find(digestOf(key))).toEqual({ kind: "client", id: hex(digestOf(key)).slice(0, 8) })
        }
        expect(ring.find(digestOf(other)) !== null).toBe(given.includes(other))
      }),
    )
  })

  it("sees every bit of a hash", () => {
    const ring = makeKeyRing([hashed("key", "server")])
    for (let bit = 0; bit < 256; bit++) {
      const digest = Uint8Array.from(digestOf("key"))
      digest[bit >> 3]! ^= 1 << (bit & 7)
      expect(ring.find(digest)).toBeNull()
    }
  })

  it("reads a digest that is a view into something larger", () => {
    const bytes = new Uint8Array(40)
    bytes.set(digestOf("key"), 3)
    expect(makeKeyRing([hashed("key", "server")]).find(bytes.subarray(3, 35))?.kind).toBe("server")
  })

  it("takes a key that is both for a server key", () => {
    for (const kinds of [["server", "client"] as const, ["client", "server"] as const]) {
      const ring = makeKeyRing(kinds.map((kind) => hashed("key", kind)))
      expect(ring.find(digestOf("key"))?.kind).toBe("server")
      expect(ring.size).toBe(1)
    }
  })

  it("leaves out what is no hash", () => {
    expect(
      makeKeyRing([
        { hash: "", kind: "server" },
        { hash: "z".repeat(64), kind: "server" },
      ]).size,
    ).toBe(0)
    expect(makeKeyRing([]).find(digestOf(""))).toBeNull()
  })
})

describe("makeKnownKeys", () => {
  it("finds the keys given and no others", () => {
    const keys = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(keys, fc.string(), (given, other) => {
        const owners = given.map((key, index) => [key, { kind: "server", id: String(index) }] as const)
        const known = makeKnownKeys(owners)
        for (const [key, owner] of owners) expect(known.find(key)).toBe(owner)
        expect(known.find(other) !== null).toBe(given.includes(other))
        const [first] = given as [string]
        for (const near of ["", first.slice(1), `${first}${first}`, `${first} `]) {
          expect(known.find(near) !== null).toBe(given.includes(near))
        }
      }),
    )
  })
})
