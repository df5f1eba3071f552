import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { record } from "./cursors.ts"
import { letter } from "./deadLetters.ts"
import { destination } from "./destinations.ts"
import { document } from "./documents.ts"
import { appendOne, entry, ids, readAll } from "./entries.ts"
import { key } from "./keys.ts"
import type { Ports, Suite } from "./suite.ts"

const size = 256 * 1024

/** What finds room where one of {@link size} does not. */
const smallSize = 16 * 1024

/** More than any place with little room holds. */
const most = 400

/** Appends until nothing more is taken. Returns the positions of what was, in order. */
const fill = Effect.fnUntraced(function* ({ log }: Ports, from: number) {
  const positions: Array<Position.Position> = []
  for (const one of [size, smallSize]) {
    for (let isFull = false; !isFull; ) {
      const number = from + positions.length
      expect(number).toBeLessThan(from + most)
      const taken = yield* Effect.result(appendOne(log, entry(number, { size: one })))
      isFull = taken._tag === "Failure"
      if (taken._tag === "Success") positions.push(taken.success)
      else expect(taken.failure.reason._tag).toBe("Full")
    }
  }
  return positions
})

/** Once the store says that an append would succeed. */
const ready = ({ health }: Ports) =>
  Effect.gen(function* () {
    for (;;) {
      const answer = yield* Effect.result(health.probe)
      if (answer._tag === "Success") return
      expect(answer.failure.reason._tag).toBe("Full")
      yield* TestClock.withLive(Effect.sleep("20 millis"))
    }
  })

const keptIn = ({ log }: Ports) =>
  Effect.gen(function* () {
    const { tail } = yield* log.bounds(0)
    return ids(yield* readAll(log, { after: tail }))
  })

/** What is done with a store that is being emptied, and what a person does who looks at it. */
const goOn = Effect.fnUntraced(function* (ports: Ports, name: string, position: Position.Position) {
  const { cursors, members, destinations, deadLetters, keys } = ports
  expect(yield* members.beat("me", 60_000)).toEqual(["me"])
  const { epoch } = yield* cursors.acquire(name)
  const save = { name, epoch, record: { ...record(0), position } }
  expect(yield* cursors.save([save])).toEqual(["saved"])
  expect((yield* cursors.list).find((one) => one.name === name)?.record).toEqual(save.record)
  yield* destinations.put(destination("lake"))
  yield* keys.put(key("a"))
  yield* deadLetters.put([letter(1)])
  expect((yield* deadLetters.list({})).letters).toHaveLength(1)
  expect(yield* deadLetters.markReplayed({}, 1)).toBe(1)
  expect(yield* deadLetters.purge({})).toBe(1)
  yield* members.leave("me")
})

export const filling = ({ checkSmall }: Suite): void => {
  checkSmall("full of what is pending it goes on with everything else, and is emptied by that", (open) =>
    Effect.gen(function* () {
      const ports = yield* open()
      const { log } = ports
      const taken = yield* fill(ports, 1)
      expect(taken.length).toBeGreaterThan(10)
      const all = ids(yield* readAll(log))
      expect(all).toHaveLength(taken.length)
      const half = Math.floor(taken.length / 2)
      const released = taken[half - 1] ?? Position.origin
      yield* goOn(ports, "a/0", released)

      // Kept for replay, but for the room that intake needs.
      yield* log.trim(0, released, 0)
      expect(yield* keptIn(ports)).toEqual(all)
      yield* ready(ports)
      const more = yield* fill(ports, 1_000)
      expect(more.length).toBeGreaterThan(3)
      expect((yield* log.bounds(0)).tail).toBe(released)
      expect((yield* keptIn(ports)).slice(0, taken.length - half)).toEqual(all.slice(half))
      expect(yield* keptIn(ports)).toHaveLength(taken.length - half + more.length)

      yield* log.trim(0, Position.end, 0)
      yield* ready(ports)
      yield* log.append([entry(9_999, { size })])
    }),
  )

  checkSmall("full, it may refuse a document, and goes on with everything else", (open) =>
    Effect.gen(function* () {
      const ports = yield* open()
      const taken = yield* fill(ports, 1)
      const large = document("specs", { body: new Uint8Array(4 * 1024 * 1024).fill(1) })
      for (let tries = 0; tries < 3; tries++) {
        const outcome = yield* Effect.result(ports.documents.put(large))
        if (outcome._tag === "Failure") expect(outcome.failure.reason._tag).toBe("Full")
        const found = yield* ports.documents.get("specs")
        expect(found === null ? outcome._tag : found.body.length).toBe(
          found === null ? "Failure" : large.body.length,
        )
      }
      expect(yield* keptIn(ports)).toHaveLength(taken.length)
      const released = taken.at(-1) ?? Position.origin
      yield* goOn(ports, "a/0", released)
      yield* ports.log.trim(0, released, 0)
      yield* ready(ports)
      yield* ports.log.append([entry(9_999, { size })])
    }),
  )

  checkSmall("full, it can be closed, opened and looked at, and is emptied", (open) =>
    Effect.gen(function* () {
      const before = yield* Effect.scoped(
        Effect.gen(function* () {
          const ports = yield* open()
          const taken = yield* fill(ports, 1)
          return { taken, all: yield* keptIn(ports) }
        }),
      )
      const { taken, all } = before
      const third = taken[Math.floor(taken.length / 3) - 1] ?? Position.origin
      for (const name of ["a/0", "b/0"]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const ports = yield* open()
            expect(yield* keptIn(ports)).toEqual(all)
            yield* goOn(ports, name, third)
          }),
        )
      }
      const ports = yield* open()
      yield* ports.log.trim(0, third, 0)
      yield* ready(ports)
      expect((yield* fill(ports, 1_000)).length).toBeGreaterThan(2)
      expect((yield* ports.log.bounds(0)).tail).toBe(third)
      expect((yield* ports.cursors.list).map(({ name }) => name)).toEqual(["a/0", "b/0"])
    }),
  )

  checkSmall("it takes entries for as long as what it has is released, however many that are", (open) =>
    Effect.gen(function* () {
      const positions: Array<Position.Position> = []
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { log } = yield* open()
          for (let number = 0; number < most; number++) {
            const position = yield* appendOne(log, entry(number, { size }))
            positions.push(position)
            yield* log.trim(0, position, 0)
          }
        }),
      )
      const { log } = yield* open()
      expect((yield* log.bounds(0)).head).toBe(positions.at(-1))
      // A retry is known also where its entry has given way.
      for (const number of [0, most / 2, most - 1]) {
        expect(yield* appendOne(log, entry(number, { size }))).toBe(positions[number])
      }
      expect((yield* log.stats(0, (yield* log.bounds(0)).head)).entries).toBe(most)
    }),
  )
}
