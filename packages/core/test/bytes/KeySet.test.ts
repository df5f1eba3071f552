import * as fc from "fast-check"
import { expect, test } from "vitest"
import { KeySet } from "../../src/bytes/KeySet.ts"
import { bytesOf } from "../support/wire.ts"

test("a set of keys knows those of each object, and forgets those of earlier events", () => {
  let again = 0
  const key = fc.stringMatching(/^[ab]{0,3}$/)
  fc.assert(
    fc.property(fc.array(fc.array(fc.tuple(fc.nat(2), key))), (events) => {
      const set = new KeySet()
      for (let body = 0; body < 2; body++) {
        set.clear()
        let text = " "
        for (const keys of events) {
          set.forget(text.length)
          const known = new Set<string>()
          for (const [scope, name] of keys) {
            const start = text.length
            text += name
            const isNew = !known.has(`${scope} ${name}`)
            if (!isNew) again += 1
            known.add(`${scope} ${name}`)
            expect(set.add(bytesOf(text), scope, start, name.length)).toBe(isNew)
          }
          text += " "
        }
      }
    }),
  )
  expect(again).toBeGreaterThan(50)
})

test("a set of keys takes no longer when it is full: it says that it may know what it has no place for", () => {
  const set = new KeySet()
  const keys = Array.from({ length: 10_000 }, (_, n) => String(n).padStart(4, "0"))
  const bytes = bytesOf(` ${keys.join("")}`)
  const added = keys.filter((_, n) => set.add(bytes, 0, 1 + n * 4, 4)).length
  expect(added).toBeGreaterThan(512)
  expect(added).toBeLessThanOrEqual(1024)
})
