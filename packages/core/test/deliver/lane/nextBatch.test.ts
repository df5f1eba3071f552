import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import { expect, test } from "vitest"
import * as LaneState from "../../../src/deliver/LaneState.ts"
import { makeFitting } from "../../../src/deliver/lane/batchSize.ts"
import * as Layout from "../../../src/deliver/lane/layout.ts"
import { makeTaking } from "../../../src/deliver/lane/nextBatch.ts"
import { makeBook } from "../../../src/deliver/lane/progress.ts"
import { makeNotice } from "../../../src/deliver/lane/stopNotice.ts"
import { Feed, makeItem } from "../../../src/deliver/read/Feed.ts"
import type { Cursors } from "../../../src/ports/Cursors.ts"
import * as Position from "../../../src/ports/Position.ts"
import * as Catalog from "../../../src/select/Catalog.ts"
import * as Destination from "../../../src/select/Destination.ts"

const destination = Result.getOrThrow(
  Destination.decode({ id: "d", url: "https://d.test/", batch: { maxEvents: 3 } }),
)
const { exportRule } = Destination.compile(destination, null, () => Catalog.empty)

const at = Position.fromNumber

/** The one entry that the log has; it has all that the lane is going to read. */
const entryOf = (names: ReadonlyArray<string>) => {
  const events = names.map((eventName) => ({
    ...{ eventName, user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} },
  }))
  return makeItem(at(0), at(1), { id: "00", receivedAt: 0, statsigMetadata: {}, events }, 1, 0)
}

/** A lane's taking over an entry, as it is begun with a state; the filter wants `wanted` only. */
const begunWith = (state: LaneState.LaneState, entry: ReadonlyArray<string>) => {
  const record = { position: Position.origin, index: 0, state: LaneState.encode(state) }
  const wake = Latch.makeUnsafe(true)
  const feed = new Feed({ name: (name) => name === "wanted", event: null }, 3, record, () => {}, null)
  const save: Cursors["Service"]["save"] = (saves) => Effect.succeed(saves.map(() => "saved" as const))
  const book = makeBook(
    { cursors: { save } as Partial<Cursors["Service"]> as Cursors["Service"], onChange: () => {} },
    { name: "d/0", epoch: 1, record },
    state,
    feed,
  )
  let isRead = entry.length === 0
  const taking = makeTaking(
    {
      ...{ name: "d/0", destination, exportRule, layout: Layout.array, batchBytes: () => 1_000_000 },
      ...{ askForMore: () => {}, onChange: () => {}, draining: () => true },
    },
    {
      ...{
        book,
        feed,
        wake,
        bury: () => Effect.die("nothing dies"),
        fitting: makeFitting(destination, book),
      },
      probes: { next: () => Effect.succeed(0), wasInVain: () => {}, hurry: () => {}, forget: () => {} },
      notice: makeNotice("d/0", { holds: () => true }),
      reading: {
        readOn: Effect.sync(() => {
          if (isRead) return false
          isRead = true
          feed.scan(entryOf(entry))
          return true
        }),
        forget: () => {},
        goOnAt: () => Effect.die("the log is whole"),
        hasAll: () => Effect.succeed(true),
        endsBefore: () => Effect.succeed(false),
        rest: () => Effect.die("there is something to do"),
        load: () => Effect.succeed([]),
      },
    },
  )
  return { book, next: Effect.runPromise(taking.nextBatch) }
}

/** A batch of three, of which the first one is delivered. */
const halfDone: LaneState.LaneState = {
  ...{ ...LaneState.initial(0), delivered: 1 },
  open: { count: 3, buckets: 1, last: [at(1), 3], todo: [[1, 3]] },
}

test("a batch comes next when there are events: it is open from then on, and the lane stands before it", async () => {
  const { book, next } = begunWith(LaneState.initial(0), ["other", "wanted", "wanted", "wanted", "wanted"])
  expect(await next).toMatchObject({ _tag: "Batch", open: { isResumed: false, taken: { length: 3 } } })
  expect(book.state).toMatchObject({ filtered: 1, open: { count: 3, todo: [[0, 3]], last: [at(1), 3] } })
  expect(book.standing.place).toMatchObject({ position: Position.origin, index: 1, within: at(1) })
})

test("the batch that was open comes next as it was, with what is left of it", async () => {
  const { book, next } = begunWith(halfDone, ["other", "wanted", "wanted", "wanted", "wanted"])
  expect(await next).toMatchObject({ _tag: "Batch", open: { isResumed: true, taken: { length: 3 } } })
  expect(book.state.open).toEqual(halfDone.open)
})

test("another batch comes next when the filter has changed: what was settled of the open one is due again", async () => {
  const { book, next } = begunWith(halfDone, ["other", "wanted", "other", "wanted", "other"])
  expect(await next).toMatchObject({ _tag: "Batch", open: { isResumed: false, taken: { length: 2 } } })
  expect(book.state).toMatchObject({ from: -1, delivered: 1, open: { count: 2, todo: [[0, 2]] } })
})

test("nothing is left when the filter wants no event of the open batch any more: it is not open any more", async () => {
  const { book, next } = begunWith(halfDone, ["other", "other", "other", "other"])
  expect(await next).toEqual({ _tag: "NothingLeft" })
  expect(book.state).toMatchObject({ from: -1, delivered: 1, open: null })
})

test("a suspect comes next when no event comes, and it is time", async () => {
  const suspect = { after: at(0), index: 0, kind: "poison", strikes: 0, open: false, due: 0 } as const
  const { next } = begunWith({ ...LaneState.initial(0), suspects: [suspect] }, [])
  expect(await next).toEqual({ _tag: "ProbeSuspect" })
})
