import type { Members } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import type { Suite } from "./suite.ts"

/**
 * Until a beat no longer finds the member: by the test's clock for a store in memory, by its own
 * for a server's.
 */
const untilGone = Effect.fnUntraced(function* (
  members: Members.Members["Service"],
  asking: string,
  gone: string,
) {
  while ((yield* members.beat(asking, 60_000)).includes(gone)) {
    yield* TestClock.adjust("100 millis")
    yield* TestClock.withLive(Effect.sleep("20 millis"))
  }
})

export const members = ({ check }: Suite): void => {
  check("a beat makes a member, and tells all there are, sorted", (open) =>
    Effect.gen(function* () {
      const { members: port } = yield* open()
      expect(yield* port.beat("b", 60_000)).toEqual(["b"])
      expect(yield* port.beat("a", 60_000)).toEqual(["a", "b"])
      expect(yield* port.beat("c", 60_000)).toEqual(["a", "b", "c"])
      expect(yield* port.beat("a", 60_000)).toEqual(["a", "b", "c"])
    }),
  )

  check("asking who is there makes nobody a member", (open) =>
    Effect.gen(function* () {
      const { members: port } = yield* open()
      expect(yield* port.list).toEqual([])
      yield* port.beat("b", 60_000)
      yield* port.beat("a", 60_000)
      expect(yield* port.list).toEqual(["a", "b"])
      yield* port.leave("b")
      expect(yield* port.list).toEqual(["a"])
      expect(yield* port.beat("c", 200)).toEqual(["a", "c"])
      yield* untilGone(port, "a", "c")
      expect(yield* port.list).toEqual(["a"])
    }),
  )

  check("one that leaves is gone at once, and may come back", (open) =>
    Effect.gen(function* () {
      const { members: port } = yield* open()
      yield* port.beat("a", 60_000)
      yield* port.beat("b", 60_000)
      yield* port.leave("b")
      yield* port.leave("never there")
      expect(yield* port.beat("a", 60_000)).toEqual(["a"])
      expect(yield* port.beat("b", 60_000)).toEqual(["a", "b"])
    }),
  )

  check("one that beats no more is gone when its lease has ended", (open) =>
    Effect.gen(function* () {
      const { members: port } = yield* open()
      yield* port.beat("silent", 200)
      yield* untilGone(port, "a", "silent")
      expect(yield* port.beat("a", 60_000)).toEqual(["a"])
    }),
  )

  check("the last beat counts, not an earlier one with a longer or a shorter lease", (open) =>
    Effect.gen(function* () {
      const { members: port } = yield* open()
      yield* port.beat("shortened", 60_000)
      yield* port.beat("lengthened", 200)
      yield* port.beat("shortened", 200)
      yield* port.beat("lengthened", 60_000)
      yield* untilGone(port, "a", "shortened")
      expect(yield* port.beat("a", 60_000)).toEqual(["a", "lengthened"])
    }),
  )

  check(
    "all openings of a shared store see the same members",
    (open) =>
      Effect.gen(function* () {
        const { members: one } = yield* open()
        const { members: other } = yield* open()
        if (!one.shared) return
        yield* one.beat("a", 60_000)
        expect(yield* other.beat("b", 60_000)).toEqual(["a", "b"])
        yield* other.leave("a")
        expect(yield* one.beat("c", 60_000)).toEqual(["b", "c"])
      }),
    "shared",
  )
}
