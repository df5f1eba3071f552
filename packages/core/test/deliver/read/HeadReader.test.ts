import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"
import { Feed } from "../../../src/deliver/read/Feed.ts"
import * as HeadReader from "../../../src/deliver/read/HeadReader.ts"
import { EventLog, type LogEntry, layerMemory } from "../../../src/ports/EventLog.ts"
import * as Position from "../../../src/ports/Position.ts"
import { decodeJson, entryOf, sdk } from "../../support/wire.ts"

const options = { partition: 0, ringBytes: 1024 * 1024, onRead: () => {}, onHalt: () => Effect.void }

const entry = (number: number) => ({
  ...entryOf(decodeJson(sdk, { events: [{ eventName: "e", user: { userID: "u" }, time: 1 }] })),
  id: String(number).padStart(32, "0"),
})

test("what is appended at the head is read once, and no empty page is asked for after it", () =>
  Effect.gen(function* () {
    const log = Context.get(yield* Layer.build(layerMemory()), EventLog)
    const pages: Array<number> = []
    let waits = 0
    const counted: EventLog["Service"] = {
      ...log,
      wait: (...of) =>
        Effect.suspend(() => {
          waits += 1
          return log.wait(...of)
        }),
      read: (...of) =>
        Effect.tap(log.read(...of), (entries) => Effect.sync(() => void pages.push(entries.length))),
    }
    const { router, askForMore } = yield* HeadReader.make({ ...options, log: counted })
    const start = { position: Position.origin, index: 0 }
    const feed = new Feed({ name: () => true, event: null }, 100, start, () => {}, null)
    expect(router.attach(feed)).toBe(true)
    askForMore()
    while (waits < 1) yield* Effect.yieldNow
    for (let number = 1; number <= 5; number++) {
      yield* log.append([entry(number)])
      while (waits < number + 1) yield* Effect.yieldNow
      expect(feed.queued).toBe(number)
      expect(router.position).toBe(Position.fromNumber(number))
    }
    expect(pages).toEqual([0, 1, 1, 1, 1, 1])
  }).pipe(Effect.scoped, Effect.runPromise))

const withoutBody = (one: LogEntry): LogEntry => ({
  ...one,
  body: new Uint8Array(0),
  leftOut: one.body.byteLength,
})

test("what nobody wants counts as if it had been read whole: a small log has to be trimmed as often", () =>
  Effect.gen(function* () {
    const log = Context.get(yield* Layer.build(layerMemory()), EventLog)
    const sparing: EventLog["Service"] = {
      ...log,
      read: (...of) => Effect.map(log.read(...of), (entries) => entries.map(withoutBody)),
    }
    let bytes = 0
    const { router, askForMore } = yield* HeadReader.make({
      ...options,
      log: sparing,
      onRead: (more) => {
        bytes += more
      },
    })
    const start = { position: Position.origin, index: 0 }
    const idle = new Feed({ name: () => false, event: null }, 100, start, () => {}, null)
    expect(router.attach(idle)).toBe(true)
    const appended = entry(1)
    yield* log.append([appended])
    askForMore()
    while (bytes === 0) yield* Effect.yieldNow
    expect(bytes).toBe(appended.envelope.length + appended.body.byteLength)
  }).pipe(Effect.scoped, Effect.runPromise))

test("an entry that nobody wanted when it was read is read again for who wants it when it is dealt", () =>
  Effect.gen(function* () {
    const log = Context.get(yield* Layer.build(layerMemory()), EventLog)
    const start = { position: Position.origin, index: 0 }
    const idle = new Feed({ name: () => false, event: null }, 100, start, () => {}, null)
    const eager = new Feed({ name: () => true, event: null }, 100, start, () => {}, null)
    let reads = 0
    const sparing: EventLog["Service"] = {
      ...log,
      read: (partition, after, limits, wants) =>
        Effect.gen(function* () {
          reads += 1
          const entries = yield* log.read(partition, after, limits)
          const read = entries.map((one) => (wants?.(one.envelope) ? one : withoutBody(one)))
          // While the page is on its way.
          if (reads === 1) expect(reader.router.attach(eager)).toBe(true)
          return read
        }),
    }
    const reader = yield* HeadReader.make({ ...options, log: sparing })
    expect(reader.router.attach(idle)).toBe(true)
    yield* log.append([entry(1)])
    reader.askForMore()
    while (reader.router.position !== Position.fromNumber(1)) yield* Effect.yieldNow
    expect({ reads, queued: eager.queued }).toEqual({ reads: 2, queued: 1 })
  }).pipe(Effect.scoped, Effect.runPromise))
