import * as fc from "fast-check"
import { expect, test } from "vitest"
import { dealtTo } from "../../../src/deliver/dispatcher/rendezvous.ts"

const id = fc.stringMatching(/^[0-9a-f]{8,32}$/)
const members = fc.uniqueArray(id, { minLength: 1, maxLength: 12 })
const key = fc
  .tuple(fc.stringMatching(/^[a-z0-9-]{1,20}$/), fc.nat({ max: 63 }))
  .map((parts) => parts.join("/"))
const keys = fc.uniqueArray(key, { minLength: 1, maxLength: 50 })

test("nobody gets anything when nobody is there", () => {
  expect(dealtTo("a/0", [])).toBeUndefined()
})

test("everybody deals alike, in whatever order the members are known", () => {
  fc.assert(
    fc.property(members, keys, fc.nat(), (all, keys, seed) => {
      const shuffled = all.map((_, at) => all[(at + seed) % all.length]!).reverse()
      for (const key of keys) {
        const owner = dealtTo(key, all)
        expect(all).toContain(owner)
        expect(dealtTo(key, shuffled)).toBe(owner)
      }
    }),
  )
})

test("when a member goes, only its keys move; when one comes, keys move to it only", () => {
  fc.assert(
    fc.property(members, id, keys, (all, other, keys) => {
      const fewer = all.filter((member) => member !== other)
      const more = [...fewer, other]
      for (const key of keys) {
        const owner = dealtTo(key, more)
        if (owner !== other) expect(dealtTo(key, fewer)).toBe(owner)
      }
    }),
  )
})

test("every member gets about as much as any other, of keys that hardly differ and of members that hardly differ", () => {
  const deal = (members: ReadonlyArray<string>, keys: ReadonlyArray<string>) => {
    const loads = new Map(members.map((member) => [member, 0]))
    for (const key of keys) {
      const owner = dealtTo(key, members)!
      loads.set(owner, loads.get(owner)! + 1)
    }
    return [...loads.values()]
  }
  const partitions = Array.from({ length: 4000 }, (_, at) => `warehouse/${at}`)
  const destinations = Array.from({ length: 4000 }, (_, at) => `webhook-${at}/0`)
  for (const count of [2, 3, 5, 8]) {
    const hex = Array.from({ length: count }, (_, at) => (at + 1).toString(16).padStart(32, "0"))
    for (const keys of [partitions, destinations]) {
      for (const load of deal(hex, keys)) {
        expect(load).toBeGreaterThan((keys.length / count) * 0.85)
        expect(load).toBeLessThan((keys.length / count) * 1.15)
      }
    }
  }
})
