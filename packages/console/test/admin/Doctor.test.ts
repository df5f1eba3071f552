import { Attempts, EventLog, Store } from "@millrace/core"
import { Cursors, Destinations, Position, StoreHealth } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import * as Doctor from "../../src/admin/Doctor.ts"

const hour = 3_600_000

/** Does something to a store in memory, and has it examined; what is fine is left out. */
const examine = (
  act: Effect.Effect<unknown, unknown, Store.Store>,
  {
    closed = false,
    layer = Store.layerMemory(),
    ...patient
  }: { readonly closed?: boolean; readonly layer?: Layer.Layer<Store.Store> } & Partial<Doctor.Patient> = {},
): Promise<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    yield* TestClock.setTime(1000 * hour)
    const scope = yield* Scope.make()
    const store = yield* Layer.buildWithScope(layer, scope)
    yield* Effect.provideContext(act, store)
    if (closed) yield* Scope.close(scope, Exit.void)
    const checks = yield* Doctor.examine({
      ...{ store, path: null, status: null, readiness: null, isEmbedded: false, ack: null },
      ...patient,
    })
    return checks.filter(({ level }) => level !== "ok").map((check) => Object.values(check).join(" "))
  }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise)

const usual = [
  "server note none runs on this store",
  'store note acknowledged events are safe at level "memory"',
]

const append = (...ids: ReadonlyArray<string>) =>
  EventLog.EventLog.use((log) =>
    log.append(ids.map((id) => ({ id, events: 2, envelope: "", body: new Uint8Array(10) }))),
  )

const record = (id: string, disabled: Destinations.Disabled | null = null) =>
  Destinations.Destinations.use((records) => records.put({ id, config: null, disabled, createdAt: 0 }))

const save = Effect.fnUntraced(function* (name: string, position: Position.Position, state: object) {
  const cursors = yield* Cursors.Cursors
  const { epoch } = yield* cursors.acquire(name)
  const whole = {
    ...{ v: 1, from: 0, delivered: 0, filtered: 0, dead: 0, trimmed: 0, sent: 0, failures: 0 },
    ...{ failingSince: null, probing: false, suspects: [], open: null, until: null },
    ...state,
  }
  yield* cursors.save([{ name, epoch, record: { position, index: 0, state: JSON.stringify(whole) } }])
})

test("an empty store has nothing wrong", async () => {
  expect(await examine(Effect.void)).toEqual([
    ...usual,
    "destination note none: events are kept, and go nowhere",
  ])
})

test("a store that keeps less than the server demands of it", async () => {
  expect(await examine(Effect.void, { ack: "disk" })).toContain(
    'store wrong takes no events: it is set up to keep less than it promises: "disk" is demanded, and the store acknowledges at level "memory" now: nothing is taken until it gives more again',
  )
  expect((await examine(Effect.void, { ack: "memory" })).filter((line) => line.includes(" wrong "))).toEqual(
    [],
  )
})

test("destinations that fail, and those that get nothing", async () => {
  const at = 999 * hour
  const found = await examine(
    Effect.all([
      append("a"),
      record("by-hand", { at, reason: "by-hand" }),
      record("gone", { at, reason: "gone" }),
      record("old", { at, reason: "unconfigured" }),
      save("brief/0", Position.origin, { failures: 1, failingSince: at }),
      save("long/0", Position.origin, { failures: 10, failingSince: at - 48 * hour }),
    ]),
  )
  expect(found.slice(usual.length)).toEqual([
    "destination note brief: failing for 1 hour, 1 times in a row; 2 events pending",
    "destination note by-hand: disabled 1 hour ago by hand; 0 events pending",
    "destination wrong gone: disabled 1 hour ago, since it answered 410; 0 events pending",
    "destination wrong long: failing for 2 days, 10 times in a row; 2 events pending",
    "destination note old: disabled 1 hour ago, since it is no longer configured; 0 events pending",
  ])
})

test("cursors outside the log, and of no destination's", async () => {
  const found = await examine(
    Effect.gen(function* () {
      const log = yield* EventLog.EventLog
      yield* append("a", "b")
      const [, second] = yield* append("c", "d")
      yield* log.trim(0, second!, Number.POSITIVE_INFINITY)
      yield* save("before/0", Position.origin, {})
      yield* save("after/0", Position.end, {})
      yield* save("at/0/replay-1", second!, { from: 8 })
      yield* save("at/7", second!, {})
    }),
  )
  expect(found.slice(usual.length)).toEqual([
    "cursors wrong after/0: lies beyond the log's end",
    "cursors wrong at/7: belongs to no partition of this log",
    "cursors note before/0: lies before the log's beginning: what was dropped in between is lost to it",
    "destination wrong before: 8 events pending, and nobody delivers",
  ])
})

test("a clock that has been put back", async () => {
  const found = await examine(
    Effect.gen(function* () {
      yield* append("a")
      yield* TestClock.setTime(998 * hour)
      yield* record("any")
    }),
  )
  expect(found.slice(usual.length)).toEqual([
    "clock wrong events were stored 2 hours from now: the clock has been put back",
  ])
})

test("a store that does not answer: all is said, nothing fails", async () => {
  const found = await examine(Effect.void, { closed: true })
  const wrong = (name: string) => `${name} wrong the store has been closed`
  expect(found).toEqual([
    wrong("server"),
    "store wrong takes no events: it is closed: the store has been closed",
    ...["log", "cursors", "ledger", "destination", "dead letters", "clock"].map(wrong),
  ])
})

test("a store that is full says so, and still what is in it", async () => {
  const layer = Store.layerMemory({ maxBytes: 20 })
  expect(await examine(append("a", "b"), { layer })).toEqual([
    usual[0],
    "store wrong takes no events: it is full: the log's 20 bytes are taken by entries not yet delivered",
    "destination note none: events are kept, and go nowhere",
  ])
})

test("what the store itself finds wrong is told", async () => {
  const message = "page 7 of the file is damaged"
  const layer = Layer.merge(
    Store.layerMemory(),
    Layer.succeed(StoreHealth.StoreHealth, {
      probe: Effect.void,
      examine: Effect.succeed([{ level: "wrong" as const, message }]),
      cap: null,
    }),
  )
  expect(await examine(Effect.void, { layer })).toContain(`store wrong ${message}`)
})

const failingFor = (ms: number, outcome: Attempts.Outcome, status: number | null) =>
  Effect.gen(function* () {
    yield* append("a")
    yield* record("hook")
    const failing = { failures: 3, failingSince: 1000 * hour - ms, sent: 6 }
    yield* save("hook/0", Position.origin, failing)
    const attempts = yield* Attempts.Attempts
    yield* attempts.append([
      {
        ...{ destination: "hook", webhookId: "msg_1", startedAt: 1000 * hour - 1, duration: 1 },
        ...{ events: 2, bytes: 10, outcome, status, error: "s3cret", wait: 1, waitReason: "back-off" },
      },
    ])
  })

const hookOf = (found: ReadonlyArray<string>) => found.filter((line) => line.startsWith("destination"))

test("a destination that has been set up wrongly for an hour is wrong, one that is down is not yet", async () => {
  const lines = async (ms: number, outcome: Attempts.Outcome, status: number | null) =>
    hookOf(await examine(failingFor(ms, outcome, status), { isEmbedded: true }))
  expect(await lines(hour - 1000, "misconfigured", 401)).toEqual([
    "destination note hook: set up wrongly (last answered 401) for 59 min, 3 times in a row; 2 events pending",
  ])
  expect(await lines(hour, "misconfigured", null)).toEqual([
    "destination wrong hook: set up wrongly for 1 hour, 3 times in a row; 2 events pending",
  ])
  expect(await lines(hour, "not-now", 503)).toEqual([
    "destination note hook: failing (last answered 503) for 1 hour, 3 times in a row; 2 events pending",
  ])
})

test("events that nobody delivers are wrong, and named; an embedded owner is somebody", async () => {
  const pending = Effect.gen(function* () {
    yield* append("a")
    yield* record("hook")
    yield* save("hook/0", Position.origin, {})
  })
  expect(await examine(pending)).toEqual([
    ...usual,
    "destination wrong hook: 2 events pending, and nobody delivers",
  ])
  expect(await examine(pending, { isEmbedded: true })).toEqual(usual.slice(1))
  for (const [later, level] of [
    [10 * 60_000, "note"],
    [hour, "wrong"],
  ] as const) {
    const old = Effect.andThen(pending, TestClock.adjust(later))
    expect(hookOf(await examine(old, { isEmbedded: true }))).toEqual([
      expect.stringMatching(
        `^destination ${level} hook: 2 events pending, the oldest for .*, though nothing fails$`,
      ),
    ])
  }
})

test("what the server finds of itself is told", async () => {
  const found = { problem: "nobody delivers to hook", detail: "another process has taken it over" }
  expect(await examine(Effect.void, { readiness: () => Promise.resolve(found) })).toContain(
    "ready wrong no: nobody delivers to hook: another process has taken it over",
  )
})
