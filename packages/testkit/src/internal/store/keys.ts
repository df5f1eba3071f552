import type { Keys } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { type Suite, start } from "./suite.ts"

export const key = (digit: string, changes: Partial<Keys.KeyRecord> = {}): Keys.KeyRecord => ({
  hash: digit.repeat(64),
  kind: "server",
  createdAt: start,
  ...changes,
})

export const keys = ({ check }: Suite): void => {
  check("keeps keys, by when they were made", (open) =>
    Effect.gen(function* () {
      const { keys: port } = yield* open()
      expect(yield* port.list).toEqual([])
      const records = [
        key("a", { createdAt: start + 2 }),
        key("c", { kind: "client" }),
        key("b", { createdAt: start }),
        key("d", { createdAt: start + 1 }),
      ]
      for (const record of records) yield* port.put(record)
      expect((yield* port.list).map(({ hash }) => hash.charAt(0))).toEqual(["b", "c", "d", "a"])
      expect(yield* port.list).toEqual(expect.arrayContaining(records))
    }),
  )

  check("keeps what a key is for, and what it ends with, where that is said", (open) =>
    Effect.gen(function* () {
      const { keys: port } = yield* open()
      const named = key("a", { name: "the \u0000 shop, über", hint: "9f2c" })
      yield* port.put(named)
      yield* port.put(key("b", { name: "only a name", createdAt: start + 1 }))
      yield* port.put(key("c", { createdAt: start + 2 }))
      const [first, second, third] = yield* port.list
      expect(first).toEqual(named)
      expect(second).not.toHaveProperty("hint")
      expect(third).toEqual(key("c", { createdAt: start + 2 }))
      yield* port.put(key("a"))
      expect((yield* port.list)[0]).toEqual(key("a"))
    }),
  )

  check("put is an upsert by hash, remove takes a key away", (open) =>
    Effect.gen(function* () {
      const { keys: port } = yield* open()
      yield* port.put(key("a"))
      yield* port.put(key("a", { kind: "client", createdAt: start + 7 }))
      yield* port.put(key("b"))
      yield* port.remove(key("b").hash)
      yield* port.remove(key("f").hash)
      expect(yield* port.list).toEqual([key("a", { kind: "client", createdAt: start + 7 })])
    }),
  )
}
