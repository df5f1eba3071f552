import { type EventLog, StoreError } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import { aMoment, answered } from "./asking.ts"
import { all, entries, ids, never, readAll, sizeOf } from "./entries.ts"
import type { Suite } from "./suite.ts"

type Log = EventLog.EventLog["Service"]

const append = (log: Log, from: number, to: number) => answered(log.append(entries(from, to)))

const isOutside = (call: Effect.Effect<unknown, StoreError>, resumeAt: Position.Position | undefined) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(answered(call))
    expect(error).toBeInstanceOf(StoreError)
    expect(error.reason).toMatchObject({ _tag: "OutOfRange", resumeAt })
  })

const last = (positions: ReadonlyArray<Position.Position>) => positions.at(-1) ?? Position.origin

const record = (position: Position.Position) => ({ position, index: 0, state: "" })

/** Entries up to 10 survive, and those from 11 to 15 are lost. */
const lose = Effect.fnUntraced(function* (
  log: Log,
  keep: Effect.Effect<void>,
  comeBack: Effect.Effect<void>,
) {
  const survivors = yield* append(log, 1, 10)
  yield* keep
  const lost = yield* append(log, 11, 15)
  yield* comeBack
  return { survivors, lost, fork: last(survivors) }
})

export const comingBack = ({ checkRewind }: Suite): void => {
  checkRewind("a position of what is lost is outside, and says where to go on", (open, { keep, comeBack }) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const { survivors, lost, fork } = yield* lose(log, keep, comeBack)
      for (const position of lost) {
        yield* isOutside(log.read(0, position, all), fork)
        yield* isOutside(log.stats(0, position), fork)
      }
      expect(yield* answered(log.bounds(0))).toMatchObject({ tail: Position.origin, head: fork })
      for (const [index, position] of survivors.entries()) {
        expect(ids(yield* log.read(0, position, all))).toEqual(ids(entries(index + 2, 10)))
        expect((yield* log.stats(0, position)).entries).toBe(index + 1)
      }
    }),
  )

  checkRewind(
    "appended over before its reader looks, a lost position still is no place in the log",
    (open, { keep, comeBack }) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const { survivors, lost, fork } = yield* lose(log, keep, comeBack)
        const added = yield* append(log, 21, 40)
        for (const position of lost) {
          yield* isOutside(log.read(0, position, all), fork)
          yield* isOutside(log.stats(0, position), fork)
        }
        const found = yield* readAll(log, { after: fork })
        expect(ids(found)).toEqual(ids(entries(21, 40)))
        expect(found.map(({ position }) => position)).toEqual(added)
        expect((yield* readAll(log)).map(({ position }) => position)).toEqual([...survivors, ...added])
        expect((yield* log.stats(0, last(added))).entries).toBe(30)
      }),
  )

  checkRewind(
    "no position is given again, and what is appended later is later than what is lost",
    (open, { keep, comeBack }) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const { survivors, lost } = yield* lose(log, keep, comeBack)
        const added = yield* append(log, 21, 30)
        const given = [...survivors, ...lost, ...added]
        expect(new Set(given).size).toBe(given.length)
        expect([...given].sort()).toEqual(given)
        expect(last(given) < Position.end).toBe(true)
        expect(yield* log.locate(0, never)).toBe(last(added))
      }),
  )

  checkRewind("an entry that is lost is stored when it is sent again", (open, { keep, comeBack }) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const { survivors } = yield* lose(log, keep, comeBack)
      const again = yield* append(log, 8, 13)
      expect(again.slice(0, 3)).toEqual(survivors.slice(7))
      expect(ids(yield* readAll(log))).toEqual(ids(entries(1, 13)))
      expect((yield* readAll(log)).map(({ position }) => position).slice(10)).toEqual(again.slice(3))
    }),
  )

  checkRewind("whoever waits behind the end is woken, and nobody else", (open, { keep, comeBack }) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      yield* append(log, 1, 10)
      yield* keep
      const lost = yield* append(log, 11, 15)
      const waiter = yield* Effect.forkChild(Effect.ignore(log.wait(0, last(lost))), {
        startImmediately: true,
      })
      yield* comeBack
      yield* Fiber.join(waiter)
      const { head } = yield* answered(log.bounds(0))
      const atHead = yield* Effect.forkChild(log.wait(0, head), { startImmediately: true })
      for (let turn = 0; turn < 5; turn++) yield* aMoment
      expect(atHead.pollUnsafe()).toBeUndefined()
      yield* append(log, 21, 21)
      yield* Fiber.join(atHead)
      expect(ids(yield* log.read(0, head, all))).toEqual(ids(entries(21, 21)))
    }),
  )

  checkRewind("it comes back with less again and again", (open, { keep, comeBack }) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const first = yield* append(log, 1, 10)
      yield* keep
      const gone: Array<Position.Position> = []
      for (let round = 1; round <= 4; round++) {
        gone.push(...(yield* append(log, 100 * round, 100 * round + round)))
        yield* comeBack
        for (const position of gone) yield* isOutside(log.read(0, position, all), last(first))
        expect(ids(yield* readAll(log))).toEqual(ids(entries(1, 10)))
      }
      const added = yield* append(log, 11, 12)
      yield* keep
      gone.push(...(yield* append(log, 13, 14)))
      yield* comeBack
      yield* isOutside(log.read(0, last(gone), all), last(added))
      yield* isOutside(log.read(0, gone[0]!, all), last(first))
      expect((yield* readAll(log)).map(({ position }) => position)).toEqual([...first, ...added])
    }),
  )

  checkRewind(
    "a cursor saved at what is lost is kept, and found to be outside, also after opening again",
    (open, { keep, comeBack }) =>
      Effect.gen(function* () {
        const [fork, lost] = yield* Effect.scoped(
          Effect.gen(function* () {
            const { log, cursors } = yield* open()
            const { lost, fork } = yield* lose(log, keep, comeBack)
            yield* append(log, 21, 30)
            const { name, epoch } = yield* cursors.acquire("a/0")
            const save = { name, epoch, record: record(last(lost)) }
            expect(yield* answered(cursors.save([save]))).toEqual(["saved"])
            return [fork, last(lost)] as const
          }),
        )
        const { log, cursors } = yield* open()
        const { record: found } = yield* cursors.acquire("a/0")
        expect(found).toEqual(record(lost))
        yield* isOutside(log.read(0, lost, all), fork)
        expect(ids(yield* readAll(log, { after: fork }))).toEqual(ids(entries(21, 30)))
      }),
    "reopens",
  )

  checkRewind("an owner is told apart from those whose ownership is lost", (open, { keep, comeBack }) =>
    Effect.gen(function* () {
      const { log, cursors } = yield* open()
      yield* cursors.acquire("a/0")
      yield* append(log, 1, 1)
      yield* keep
      const lost = [yield* cursors.acquire("a/0"), yield* cursors.acquire("a/0")]
      yield* append(log, 2, 2)
      yield* comeBack
      yield* answered(log.bounds(0))
      const owner = yield* answered(cursors.acquire("a/0"))
      for (const { name, epoch } of lost) {
        expect(yield* cursors.save([{ name, epoch, record: record(Position.origin) }])).toEqual(["fenced"])
      }
      const { name, epoch } = owner
      expect(yield* cursors.save([{ name, epoch, record: record(Position.origin) }])).toEqual(["saved"])
    }),
  )

  checkRewind(
    "a lost position releases what has survived, and nothing behind it",
    (open, { keep, comeBack }) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const { lost, fork } = yield* lose(log, keep, comeBack)
        yield* append(log, 21, 30)
        yield* log.trim(0, last(lost), never)
        expect((yield* log.bounds(0)).tail).toBe(fork)
        yield* isOutside(log.read(0, last(lost), all), fork)
        expect(ids(yield* readAll(log, { after: fork }))).toEqual(ids(entries(21, 30)))
        const added = entries(21, 30).reduce((sum, one) => sum + sizeOf(one), 0)
        expect((yield* log.bounds(0)).bytes).toBe(added)
      }),
  )

  checkRewind(
    "when all that survived has been trimmed, a lost position leads to the first entry kept",
    (open, { keep, comeBack }) =>
      Effect.gen(function* () {
        const { log } = yield* open()
        const { lost } = yield* lose(log, keep, comeBack)
        const added = yield* append(log, 21, 30)
        yield* log.trim(0, added[2]!, never)
        yield* isOutside(log.read(0, last(lost), all), added[2])
        yield* isOutside(log.stats(0, lost[0]!), added[2])
        expect(ids(yield* readAll(log, { after: added[2]! }))).toEqual(ids(entries(24, 30)))
      }),
  )
}
