import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { contents } from "./contents.ts"
import { entries, entry, never } from "./entries.ts"
import type { Suite } from "./suite.ts"

export const health = ({ check }: Suite): void => {
  check("a probe succeeds, as often as it is made, and leaves nothing behind", (open) =>
    Effect.gen(function* () {
      const ports = yield* open()
      yield* ports.health.probe
      yield* ports.log.append(entries(1, 3))
      const before = yield* contents(ports)
      for (let probes = 0; probes < 20; probes++) yield* ports.health.probe
      expect(yield* contents(ports)).toEqual(before)
    }),
  )

  check(
    "a probe says that the log is full for as long as it is",
    (open) =>
      Effect.gen(function* () {
        const { log, health: port } = yield* open({ maxBytes: 1000 })
        yield* log.append(entries(1, 5, 100))
        yield* port.probe
        yield* log.append(entries(6, 10, 100))
        expect((yield* Effect.flip(log.append([entry(11, { size: 100 })]))).reason._tag).toBe("Full")
        expect((yield* Effect.flip(port.probe)).reason._tag).toBe("Full")
        // What is released gives way to an append, so there is room.
        yield* log.trim(0, Position.end, 0)
        yield* port.probe
        yield* log.append([entry(11, { size: 100 })])
        yield* log.trim(0, Position.end, never)
        yield* port.probe
      }),
    "probesRoom",
  )

  check(
    "it says what the log may take",
    (open) =>
      Effect.gen(function* () {
        const { log, health: port } = yield* open({ maxBytes: 1000 })
        // Bindings of several partitions mean one of them.
        expect([1000, 1000 * log.partitions]).toContain(port.cap)
        yield* log.append(entries(1, 2, 100))
        const { bytes } = yield* log.bounds(0)
        expect(bytes > 0 && bytes <= 1000).toBe(true)
      }),
    "capped",
  )

  check("a store in use, of which nothing is wrong, says nothing that is", (open) =>
    Effect.gen(function* () {
      const { log, cursors, health: port } = yield* open()
      yield* log.append(entries(1, 10))
      yield* cursors.acquire("a/0")
      expect((yield* port.examine).filter(({ level }) => level === "wrong")).toEqual([])
    }),
  )
}
