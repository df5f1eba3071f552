import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, test } from "vitest"
import * as LaneState from "../../../src/deliver/LaneState.ts"
import { makeBook } from "../../../src/deliver/lane/progress.ts"
import { batchOpened } from "../../../src/deliver/lane/transitions.ts"
import { Feed } from "../../../src/deliver/read/Feed.ts"
import type { CursorSave, Cursors } from "../../../src/ports/Cursors.ts"
import * as Position from "../../../src/ports/Position.ts"

/** A book over a store that answers when it is told to. */
const setUp = () => {
  const asked: Array<{ readonly save: CursorSave; readonly answer: Deferred.Deferred<"saved" | "fenced"> }> =
    []
  const save = (saves: ReadonlyArray<CursorSave>) =>
    Effect.suspend(() => {
      const answer = Deferred.makeUnsafe<"saved" | "fenced">()
      asked.push({ save: saves[0]!, answer })
      return Effect.map(Deferred.await(answer), (outcome) => [outcome])
    })
  const feed = new Feed(
    { name: () => true, event: null },
    1,
    { position: Position.origin, index: 0 },
    () => {},
    null,
  )
  const state = LaneState.initial(0)
  const record = { position: Position.origin, index: 0, state: LaneState.encode(state) }
  const book = makeBook(
    { cursors: { save } as Partial<Cursors["Service"]> as Cursors["Service"], onChange: () => {} },
    { name: "a", epoch: 1, record },
    state,
    feed,
  )
  /** The lane has read an entry, and all of its events are settled. */
  const settle = (position: Position.Position, events: number) => {
    const start = feed.ahead
    feed.pass({ position, events })
    const last = [position, events - 1] as const
    book.change(batchOpened(start, { count: events, buckets: 1, last, todo: [] }))
    return book.settle
  }
  return { asked, feed, book, settle }
}

const at = Position.fromNumber

test("a settled batch is saved where the lane stood then, while the lane goes on", () =>
  Effect.gen(function* () {
    const { asked, feed, book, settle } = setUp()
    yield* settle(at(1), 2)
    expect(asked.length).toBe(1)
    feed.pass({ position: at(2), events: 2 })
    expect(book.saved.position).toBe(Position.origin)
    const kept = yield* Effect.forkChild(book.kept, { startImmediately: true })
    expect(kept.pollUnsafe()).toBeUndefined()
    expect(book.idleSave()).toBeNull()
    yield* Deferred.succeed(asked[0]!.answer, "saved")
    yield* Fiber.join(kept)
    expect(book.saved.position).toBe(at(1))
  }).pipe(Effect.runPromise))

test("saves follow one another: none begins before the one before it has ended", () =>
  Effect.gen(function* () {
    const { asked, feed, book, settle } = setUp()
    yield* settle(at(1), 1)
    feed.pass({ position: at(2), events: 1 })
    const next = yield* Effect.forkChild(book.save, { startImmediately: true })
    expect(asked.length).toBe(1)
    yield* Deferred.succeed(asked[0]!.answer, "saved")
    while (asked.length < 2) yield* Effect.yieldNow
    yield* Deferred.succeed(asked[1]!.answer, "saved")
    yield* Fiber.join(next)
    expect(asked.map(({ save }) => save.record.position)).toEqual([at(1), at(2)])
    expect(book.saved.position).toBe(at(2))
  }).pipe(Effect.runPromise))

test("a lane that was replaced learns of it before it does anything else", () =>
  Effect.gen(function* () {
    const { asked, book, settle } = setUp()
    yield* settle(at(1), 1)
    yield* Deferred.succeed(asked[0]!.answer, "fenced")
    expect(yield* Effect.flip(book.kept)).toMatchObject({ _tag: "Fenced", name: "a" })
    expect(yield* Effect.flip(book.save)).toMatchObject({ _tag: "Fenced", name: "a" })
    expect(asked.length).toBe(1)
  }).pipe(Effect.runPromise))
