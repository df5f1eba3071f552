import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Entry from "../../../src/entry/Entry.ts"
import { timeUUIDs } from "../../../src/entry/TimeUUID.ts"
import type { EventFound, EventSearch } from "../../../src/operate/rows/events.ts"
import { findEvents } from "../../../src/operate/watch/findEvents.ts"
import { EventLog, layerMemory } from "../../../src/ports/EventLog.ts"
import { glob } from "../../../src/select/glob.ts"

const startAt = Date.UTC(2026, 0, 1)

interface Planned {
  readonly partition: number
  /** ms before the next one is appended. */
  readonly pause: number
  readonly events: ReadonlyArray<{ readonly eventName: string; readonly user: string; readonly note: string }>
}

const users = ["ada", "bob", "eve"]
const names = ["page_view", "page_leave", "pay"]

const planned: fc.Arbitrary<Planned> = fc.record({
  partition: fc.nat(2),
  pause: fc.constantFrom(0, 0, 1, 1_000, 30_000, 600_000, 5_000_000, 40_000_000),
  events: fc.array(
    fc.record({
      eventName: fc.constantFrom(...names),
      user: fc.constantFrom(...users),
      note: fc.constantFrom("", "x", 'say "hi"', "\\", "ü/é"),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})

let ids = 0
const nextId = () => {
  ids += 1
  return ids.toString(16).padStart(32, "0")
}

/** An event in the log, the plain way. */
interface Plain {
  readonly at: number
  readonly place: string
  readonly eventName: string
  readonly user: string
  readonly note: string
  readonly id: string
}

/** Appends what is planned, and lists it. */
const append = Effect.fnUntraced(function* (plan: ReadonlyArray<Planned>) {
  const log = yield* EventLog
  const all: Array<Plain> = []
  for (const { partition, pause, events } of plan) {
    const at = yield* Clock.currentTimeMillis
    const id = nextId()
    const body = JSON.stringify({
      events: events.map(({ eventName, user, note }, index) => ({
        eventName,
        time: at - 1_000 - index,
        user: index % 2 === 0 ? { userID: user } : { userID: "-", customIDs: { team: user } },
        metadata: { note },
      })),
    })
    const facts = { receivedAt: at, dialect: "log_event", mode: "lenient" } as const
    const named = { ...facts, names: [...new Set(events.map(({ eventName }) => eventName))] }
    const entry = Entry.encode(id, events.length, named, new TextEncoder().encode(body))
    const [position] = yield* log.append([entry], partition)
    for (const [index, event] of events.entries()) {
      const uuid = timeUUIDs(id)(at - 1_000 - index, index)
      all.push({ at, place: `${partition}/${position}/${index}`, ...event, id: uuid })
    }
    yield* TestClock.adjust(pause)
  }
  return all
})

const run = <A, E>(effect: Effect.Effect<A, E, EventLog>, partitions = 3) =>
  Effect.runPromise(
    Effect.andThen(TestClock.setTime(startAt), effect).pipe(
      Effect.provide(Layer.mergeAll(layerMemory({ partitions }), TestClock.layer())),
    ) as Effect.Effect<A, E>,
  )

const search = Effect.fnUntraced(function* (query: EventSearch) {
  const stream = yield* findEvents(yield* EventLog, query, [])
  const told: ReadonlyArray<EventFound> = yield* Stream.runCollect(stream)
  const last = told.at(-1)!
  if (!("done" in last)) throw new Error("it has no end")
  return {
    told,
    rows: told.flatMap((one) => ("row" in one ? [one.row] : [])),
    progress: told.flatMap((one) => ("progress" in one ? [one.progress] : [])),
    done: last.done,
  }
})

const hours = fc.integer({ min: 0, max: 100 }).map((count) => startAt + count * 3_600_000)

/** Two conditions at most: more leave nothing to be found. */
const query: fc.Arbitrary<EventSearch> = fc
  .tuple(
    fc.record({
      user: fc.constantFrom(...users),
      name: fc.constantFrom("page_view", "page_*", "*a*", "none"),
      text: fc.constantFrom('say "hi"', "ü/é", "\\"),
      since: hours,
      until: hours,
      limit: fc.constantFrom(1, 3, 1000),
    }),
    fc.subarray(["user", "name", "text", "since", "until", "limit"] as const, { maxLength: 2 }),
  )
  .map(([all, keys]) => Object.fromEntries(keys.map((key) => [key, all[key]])))

const isMeant = (one: Plain, { user, name, text, since, until }: EventSearch): boolean =>
  (user === undefined || one.user === user) &&
  (name === undefined || glob(name)(one.eventName)) &&
  (text === undefined || one.note.includes(text) || JSON.stringify(one.note).includes(text)) &&
  (since === undefined || one.at >= since) &&
  (until === undefined || one.at <= until)

describe("finding events", () => {
  test("over three partitions gives what a plain list gives, the newest first", async () => {
    let found = 0
    await fc.assert(
      fc.asyncProperty(fc.array(planned, { maxLength: 40 }), query, async (plan, one) => {
        await run(
          Effect.gen(function* () {
            const all = (yield* append(plan)).filter((event) => isMeant(event, one))
            const { rows, done } = yield* search(one)
            const limit = one.limit ?? 100
            expect(rows).toHaveLength(Math.min(all.length, limit))
            const times = rows.map(([, at]) => at)
            expect(times).toEqual([...times].sort((a, b) => b - a))
            expect(times).toEqual(
              all
                .map(({ at }) => at)
                .sort((a, b) => b - a)
                .slice(0, limit),
            )
            const places = new Set(all.map(({ place }) => place))
            expect(rows.filter(([place]) => !places.has(place))).toEqual([])
            expect(new Set(rows.map(([place]) => place)).size).toBe(rows.length)
            if (all.length < limit && one.since === undefined && one.until === undefined) {
              const events = plan.reduce((sum, entry) => sum + entry.events.length, 0)
              expect(done).toMatchObject({ isAll: true, looked: events })
            }
            found += rows.length
          }),
        )
      }),
      { numRuns: 150 },
    )
    expect(found).toBeGreaterThan(300)
  })

  test("an event is found by its id, in a slice around its time", () =>
    run(
      Effect.gen(function* () {
        const plan = Array.from({ length: 60 }, (_, at) => ({
          ...{ partition: at % 3, pause: 3_600_000, events: [{ eventName: "pay", user: "ada", note: "" }] },
        }))
        const all = yield* append(plan)
        for (const { id, place } of all) {
          const { rows, done } = yield* search({ id: id.toUpperCase() })
          expect(rows.map(([at]) => at)).toEqual([place])
          expect(done.looked).toBe(1)
        }
        const [first] = all
        expect((yield* search({ id: first!.id, user: "bob" })).rows).toEqual([])
        const nobody = yield* search({ id: first!.id.replace(/.$/, (digit) => (digit === "0" ? "1" : "0")) })
        expect(nobody).toMatchObject({ rows: [], done: { looked: 60, isAll: true, backTo: startAt } })
      }),
    ))

  test("an event that has brought its id with it is found by it", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog
        const timeUUID = timeUUIDs("f".repeat(32))(startAt - 90 * 86_400_000, 0)
        const body = JSON.stringify([{ eventName: "a", timestamp: 1, user: {}, timeUUID }])
        const facts = { receivedAt: startAt, dialect: "event_webhook", mode: "lenient" } as const
        yield* log.append([Entry.encode(nextId(), 1, facts, new TextEncoder().encode(body))], 1)
        expect((yield* search({ id: timeUUID })).rows).toHaveLength(1)
      }),
    ))

  test("progress is told after each slice, and says how far it is back", () =>
    run(
      Effect.gen(function* () {
        const events = [{ eventName: "pay", user: "ada", note: "" }]
        const pauses = [20 * 3_600_000, 7 * 3_600_000, 30 * 60_000, 10_000]
        yield* append(pauses.map((pause) => ({ partition: 0, pause, events })))
        const now = startAt + pauses.reduce((sum, pause) => sum + pause, 0)
        const { progress, done } = yield* search({ user: "nobody" })
        const backs = progress.map(({ backTo }) => now - backTo!).filter((back) => back > 0)
        const hour = 3_600_000
        expect(backs.slice(0, 5)).toEqual([60_000, 300_000, hour, 6 * hour, 12 * hour])
        expect(done).toEqual({ looked: 4, backTo: startAt, isAll: true })
      }),
    ))

  test.each([{ id: "no id" }, { id: "" }])("%j is no id", (asked) =>
    run(
      Effect.gen(function* () {
        const error = yield* Effect.flip(search(asked))
        expect(error).toMatchObject({ _tag: "InvalidOptions" })
      }),
    ),
  )
})
