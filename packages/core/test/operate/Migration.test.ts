/** Over 400 lines because a migration is told from its plan to its end, with one pair of stores. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as LaneState from "../../src/deliver/LaneState.ts"
import * as Ledger from "../../src/deliver/Ledger.ts"
import * as Entry from "../../src/entry/Entry.ts"
import * as Migration from "../../src/operate/Migration.ts"
import { Attempts } from "../../src/ports/Attempts.ts"
import { Counters } from "../../src/ports/Counters.ts"
import { cursorName, parseCursorName } from "../../src/ports/CursorName.ts"
import { type CursorRecord, Cursors } from "../../src/ports/Cursors.ts"
import { type DeadLetter, DeadLetters } from "../../src/ports/DeadLetters.ts"
import { Destinations } from "../../src/ports/Destinations.ts"
import { EventLog, type LogEntry, type NewEntry } from "../../src/ports/EventLog.ts"
import { Keys } from "../../src/ports/Keys.ts"
import { Members } from "../../src/ports/Members.ts"
import * as Position from "../../src/ports/Position.ts"
import * as Store from "../../src/ports/Store.ts"
import { StoreError } from "../../src/ports/StoreError.ts"
import { now, run } from "../support/intake.ts"

type StoreContext = Context.Context<Store.Store>

const all = { maxEntries: 1_000_000, maxBytes: 1_000_000_000 }

const memory = (partitions: number, options: Store.MemoryOptions = {}) =>
  Layer.build(Store.layerMemory({ partitions, ...options })) as Effect.Effect<
    StoreContext,
    never,
    Scope.Scope
  >

const portsOf = (store: StoreContext) => ({
  log: Context.get(store, EventLog),
  cursors: Context.get(store, Cursors),
  letters: Context.get(store, DeadLetters),
  attempts: Context.get(store, Attempts),
  destinations: Context.get(store, Destinations),
  keys: Context.get(store, Keys),
  counters: Context.get(store, Counters),
  members: Context.get(store, Members),
})

type Ports = ReturnType<typeof portsOf>

const encoder = new TextEncoder()

const entry = (number: number, events: number, user: string): NewEntry =>
  Entry.encode(
    number.toString(16).padStart(32, "0"),
    events,
    { receivedAt: now, dialect: "log_event", mode: "strict" },
    encoder.encode(
      JSON.stringify({
        events: Array.from({ length: events }, () => ({ eventName: "e", user: { userID: user }, time: now })),
      }),
    ),
  )

const letter = (number: number): DeadLetter => ({
  ...{ destination: `d${number % 3}`, eventId: `event-${number}`, reason: "refused", message: "no" },
  ...{ status: 422, deadAt: now - 1000 + number, receivedAt: now - 2000, eventName: "e", event: "{}" },
  replayedAt: number % 2 === 0 ? now : null,
})

const attempt = (number: number) => ({
  ...{ destination: `d${number % 3}`, webhookId: `w${number}`, startedAt: now + number, duration: 1 },
  ...{
    events: 1,
    bytes: 10,
    outcome: number % 2 === 0 ? ("delivered" as const) : ("not-now" as const),
    status: null,
  },
  ...{ error: null, wait: null, waitReason: null },
})

// --- a source at work

/** Where one lane stands, in shares of what there is. */
interface LaneSpec {
  readonly at: number
  readonly index: number
  readonly from: number
  readonly suspects: ReadonlyArray<number>
  readonly open: { readonly count: number; readonly settled: ReadonlyArray<boolean> } | null
  readonly filtered: number
}

interface Spec {
  readonly sources: number
  readonly targets: number
  /**
   * By partition: how many events each entry has, whose they are, and how long after the one before
   * it came.
   */
  readonly entries: ReadonlyArray<ReadonlyArray<readonly [events: number, user: number, after: number]>>
  readonly trimmed: ReadonlyArray<number>
  /** By destination, then partition; `null` for one that has no cursor there. */
  readonly lanes: ReadonlyArray<ReadonlyArray<LaneSpec | null>>
  readonly replays: ReadonlyArray<ReadonlyArray<readonly [lane: LaneSpec, until: number] | null>>
  readonly letters: number
  readonly pendingOnly: boolean
  readonly entriesPerPage: number
}

const share = fc.integer({ min: 0, max: 100 })

const laneSpec: fc.Arbitrary<LaneSpec> = fc.record({
  at: share,
  index: share,
  from: share,
  suspects: fc.array(share, { maxLength: 3 }),
  open: fc.option(
    fc.record({
      count: fc.integer({ min: 1, max: 6 }),
      settled: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    }),
  ),
  filtered: share,
})

const upTo = <A>(arbitrary: fc.Arbitrary<A>, count: number) =>
  fc.array(arbitrary, { minLength: count, maxLength: count })

const specOf = (sources: fc.Arbitrary<number>, targets: fc.Arbitrary<number>): fc.Arbitrary<Spec> =>
  fc.tuple(sources, targets).chain(([sources, targets]) =>
    fc.record({
      sources: fc.constant(sources),
      targets: fc.constant(targets),
      entries: upTo(
        fc.array(
          fc.tuple(
            fc.integer({ min: 1, max: 4 }),
            fc.integer({ min: 0, max: 5 }),
            fc.constantFrom(0, 1, 900, 5000),
          ),
          { maxLength: 12 },
        ),
        sources,
      ),
      trimmed: upTo(share, sources),
      lanes: fc.array(upTo(fc.option(laneSpec, { freq: 8 }), sources), { maxLength: 3 }),
      replays: fc.array(upTo(fc.option(fc.tuple(laneSpec, share), { freq: 4 }), sources), { maxLength: 2 }),
      letters: fc.constantFrom(0, 3, 250),
      pendingOnly: fc.boolean(),
      entriesPerPage: fc.constantFrom(1, 3, 256),
    }),
  )

/** An event of the log: which entry's, and which of them. */
interface Place {
  readonly entry: LogEntry
  readonly before: Position.Position
  readonly index: number
}

const eventsAfter = Effect.fnUntraced(function* (
  log: Ports["log"],
  partition: number,
  after: Position.Position,
) {
  const places: Array<Place> = []
  let before = after
  for (const entry of yield* log.read(partition, after, all)) {
    for (let index = 0; index < entry.events; index++) places.push({ entry, before, index })
    before = entry.position
  }
  return places
})

const of = (share: number, count: number): number => Math.floor((share * count) / 101)

const laneOf = (
  spec: LaneSpec,
  entries: ReadonlyArray<LogEntry>,
  until: Position.Position | null,
): CursorRecord => {
  const at = of(spec.at, entries.length + 1)
  const next = entries[at]
  const index = next === undefined ? 0 : of(spec.index, next.events)
  const position = entries[at - 1]?.position ?? Position.origin
  const before = (count: number) => entries[count - 1]?.position ?? Position.origin
  const places = entries.flatMap((entry, number) =>
    Array.from({ length: entry.events }, (_, index) => ({ entry, before: before(number), index })),
  )
  const passed = entries.slice(0, at).reduce((sum, { events }) => sum + events, 0) + index
  const count = Math.min(spec.open?.count ?? 0, places.length - passed)
  const last = count === 0 ? undefined : places[passed + count - 1]
  const todo = Array.from({ length: count }, (_, at) => at)
    .filter((at) => !spec.open!.settled[at]!)
    .map((at) => [at, at + 1] as const)
  const open =
    last === undefined ? null : { count, buckets: 1, last: [last.entry.position, last.index] as const, todo }
  const places2 = [...new Set(spec.suspects.map((share) => of(share, passed)))].filter((at) => at < passed)
  const from = of(spec.from, passed - places2.length + 1)
  const ahead = count - (open === null ? 0 : todo.length)
  const looked = passed + ahead - from
  const settled = looked - places2.length
  const filtered = of(spec.filtered, settled - ahead + 1)
  const state: LaneState.LaneState = {
    ...LaneState.initial(from, until),
    ...{ filtered, delivered: settled - filtered, sent: settled + 1, failures: 1, failingSince: now },
    open,
    suspects: places2.map((at) => ({
      ...{ after: places[at]!.before, index: places[at]!.index },
      ...{ kind: "refused", strikes: 0, open: false, due: 0 },
    })),
  }
  return { position, index, state: LaneState.encode(state) }
}

const put = Effect.fnUntraced(function* (ports: Ports, name: string, record: CursorRecord) {
  const { epoch } = yield* ports.cursors.acquire(name)
  yield* ports.cursors.save([{ name, epoch, record }])
})

const fill = Effect.fnUntraced(function* (ports: Ports, spec: Spec) {
  let number = 0
  yield* TestClock.setTime(now)
  const byPartition: Array<ReadonlyArray<LogEntry>> = []
  for (const [partition, entries] of spec.entries.entries()) {
    for (const [events, user, after] of entries) {
      yield* TestClock.adjust(after)
      number += 1
      yield* ports.log.append([entry(number, events, `user-${user}`)], partition)
    }
    byPartition.push(yield* ports.log.read(partition, Position.origin, all))
  }
  for (const [id, parts] of spec.lanes.entries()) {
    yield* ports.destinations.put({
      ...{ id: `d${id}`, config: id === 0 ? null : "{}", createdAt: now },
      disabled: id === 1 ? { at: now, reason: "by-hand" } : null,
    })
    for (const [partition, lane] of parts.entries()) {
      if (lane === null) continue
      const name = cursorName({ destination: `d${id}`, partition, replay: null })
      yield* put(ports, name, laneOf(lane, byPartition[partition]!, null))
    }
  }
  for (const [id, parts] of spec.replays.entries()) {
    for (const [partition, part] of parts.entries()) {
      if (part === null) continue
      const [lane, end] = part
      const entries = byPartition[partition]!
      const place = laneOf({ ...lane, open: null }, entries, null)
      const least = entries.findLastIndex(({ position }) => position <= place.position) + 1
      const inside = place.index > 0 ? 1 : 0
      const number = Math.max(of(end, entries.length + 1), least + inside)
      const until = entries[number - 1]?.position ?? Position.origin
      const name = cursorName({ destination: `d${id}`, partition, replay: "replay-1" })
      yield* put(ports, name, laneOf({ ...lane, open: null }, entries, until))
    }
  }
  for (const [partition, entries] of byPartition.entries()) {
    const released = entries[of(spec.trimmed[partition]!, entries.length * 2) - 1]?.position
    if (released !== undefined) yield* ports.log.trim(partition, released, Number.POSITIVE_INFINITY)
  }
  yield* ports.letters.put(Array.from({ length: spec.letters }, (_, number) => letter(number)))
  yield* ports.keys.put({ hash: "a".repeat(64), kind: "server", createdAt: now })
  yield* ports.attempts.append(Array.from({ length: 30 }, (_, number) => attempt(number)))
  const hour = Math.floor(now / 3_600_000) * 3_600_000
  yield* ports.counters.add([
    { hour, eventName: "e", count: 7 },
    { hour, eventName: "(other)", count: 3 },
    { hour: hour - 20 * 24 * 3_600_000, eventName: "old", count: 1 },
  ])
})

/** What a destination, or a replay, is still to look at: `ENTRY/INDEX` of each event. */
const pendingOf = Effect.fnUntraced(function* (ports: Ports, isDealtAnew = false) {
  const pending = new Map<string, Array<string>>()
  const name = ({ entry, index }: Place) => `${entry.id}/${index}`
  for (const cursor of yield* ports.cursors.list) {
    const { destination, partition, replay } = parseCursorName(cursor.name)!
    const { position, index, state: text } = cursor.record!
    const state = LaneState.decode(text)!
    const { tail } = yield* ports.log.bounds(partition)
    const isTrimmed = position < tail
    const places = yield* eventsAfter(ports.log, partition, isTrimmed ? tail : position)
    const ahead = isTrimmed ? places : places.slice(index)
    const isSettled = (at: number) =>
      !isTrimmed &&
      state.open !== null &&
      at < state.open.count &&
      !state.open.todo.some(([from, to]) => at >= from && at < to)
    const waiting = ahead.filter(
      (place, at) => !isSettled(at) && (state.until === null || place.entry.position <= state.until),
    )
    const suspects: Array<Place> = []
    for (const { after, index } of state.suspects) {
      if (after < tail) continue
      const [entry] = yield* ports.log.read(partition, after as Position.Position, { ...all, maxEntries: 1 })
      suspects.push({ entry: entry!, before: after as Position.Position, index })
    }
    const key = `${destination} ${replay}`
    pending.set(key, [...(pending.get(key) ?? []), ...[...suspects, ...waiting].map(name)])
  }
  if (!isDealtAnew) return pending
  // What has no cursor in a partition has seen nothing of it.
  const names = new Set((yield* ports.cursors.list).map(({ name }) => name))
  for (const [key, events] of pending) {
    const [destination, replay] = key.split(" ")
    for (let partition = 0; partition < ports.log.partitions && replay === "null"; partition++) {
      if (names.has(cursorName({ destination: destination!, partition, replay: null }))) continue
      const { tail } = yield* ports.log.bounds(partition)
      events.push(...(yield* eventsAfter(ports.log, partition, tail)).map(name))
    }
  }
  return pending
})

const rowsOf = (ports: Ports) => Ledger.read({ ...ports, log: ports.log })

// --- interruptions

/** Fails at some calls, before or after doing what it was asked. */
const failing = (store: StoreContext, failures: ReadonlyArray<readonly [call: number, after: boolean]>) => {
  let calls = 0
  const down = Effect.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: "down" }))
  const guard = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | StoreError> =>
    Effect.suspend(() => {
      calls += 1
      const failure = failures.find(([call]) => call === calls)
      if (failure === undefined) return effect
      return failure[1] ? Effect.andThen(effect, down) : down
    })
  const { log, cursors, letters, attempts, destinations, keys, counters } = portsOf(store)
  return store.pipe(
    Context.add(EventLog, {
      ...log,
      append: (entries, partition) => guard(log.append(entries, partition)),
      read: (partition, after, limits) => guard(log.read(partition, after, limits)),
    }),
    Context.add(Cursors, {
      ...cursors,
      acquire: (name) => guard(cursors.acquire(name)),
      save: (saves) => guard(cursors.save(saves)),
      // Once it has removed the mark of the migration, that is over.
      remove: (name) => Effect.andThen(guard(Effect.void), cursors.remove(name)),
    }),
    Context.add(DeadLetters, { ...letters, put: (added) => guard(letters.put(added)) }),
    Context.add(Attempts, { ...attempts, append: (added) => guard(attempts.append(added)) }),
    Context.add(Destinations, { ...destinations, put: (record) => guard(destinations.put(record)) }),
    Context.add(Keys, { ...keys, put: (record) => guard(keys.put(record)) }),
    Context.add(Counters, { ...counters, add: (counts) => guard(counters.add(counts)) }),
  )
}

/** Again and again, until it is done. */
const migrate = Effect.fnUntraced(function* (
  source: StoreContext,
  target: StoreContext,
  options: Migration.MigrationOptions,
) {
  for (;;) {
    const result = yield* Effect.result(Migration.run(source, target, options))
    if (result._tag === "Success") return result.success
    expect(result.failure).toBeInstanceOf(StoreError)
  }
})

const sorted = (texts: Iterable<string>) => [...texts].sort()

const check = (spec: Spec, failures: ReadonlyArray<readonly [number, boolean]>) =>
  run(
    Effect.gen(function* () {
      const [from, to] = [yield* memory(spec.sources), yield* memory(spec.targets)]
      const [source, target] = [portsOf(from), portsOf(to)]
      yield* fill(source, spec)
      const before = yield* pendingOf(source, spec.sources !== spec.targets)
      const rows = yield* rowsOf(source)
      const cursors = yield* source.cursors.list

      const options = {
        sourceName: "source",
        pendingOnly: spec.pendingOnly,
        entriesPerPage: spec.entriesPerPage,
      }
      const report = yield* migrate(from, failing(to, failures), options)
      expect(yield* source.cursors.list).toEqual(cursors)

      // Every entry once, in the order it had in its partition, at its time to the second.
      const kept: Array<string> = []
      for (let partition = 0; partition < spec.sources; partition++) {
        const { tail } = yield* source.log.bounds(partition)
        const entries = yield* source.log.read(partition, tail, all)
        kept.push(...entries.map(({ id }) => id))
      }
      const copied: Array<string> = []
      for (let partition = 0; partition < spec.targets; partition++) {
        const entries = yield* target.log.read(partition, Position.origin, all)
        copied.push(...entries.map(({ id }) => id))
        for (let from = 0; from < spec.sources; from++) {
          const { tail } = yield* source.log.bounds(from)
          const original = yield* source.log.read(from, tail, all)
          const mine = entries.filter(({ id }) => original.some((one) => one.id === id))
          const numbers = mine.map(({ id }) => original.findIndex((one) => one.id === id))
          expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
          for (const [at, { id, envelope, body, events, appendedAt }] of mine.entries()) {
            const one = original[numbers[at]!]!
            expect({ id, envelope, body, events }).toEqual({
              ...{ id: one.id, envelope: one.envelope, body: one.body, events: one.events },
            })
            if (spec.sources === spec.targets)
              expect(Math.abs(appendedAt - one.appendedAt)).toBeLessThan(1000)
          }
        }
      }
      if (!spec.pendingOnly) expect(sorted(copied)).toEqual(sorted(kept))
      expect(new Set(copied).size).toBe(copied.length)
      expect(report.entries).toBe(copied.length)

      // Nothing that was pending is lost; what is repeated is what the report says.
      const after = yield* pendingOf(target)
      let more = 0
      for (const [group, pending] of before) {
        const found = new Set(after.get(group))
        expect(pending.filter((event) => !found.has(event))).toEqual([])
        expect(found.size).toBe(after.get(group)!.length)
        more += found.size - pending.length
      }
      const isExact =
        spec.sources === spec.targets ||
        (spec.sources === 1 && spec.lanes.every(([lane]) => lane == null || lane.open === null))
      expect({ more, repeated: report.repeated }).toEqual(
        isExact ? { more: 0, repeated: 0 } : { more: expect.any(Number), repeated: more },
      )

      // The ledger adds up, with the same numbers.
      const events = (name: "delivered" | "filtered" | "dead" | "sent") =>
        rows.map((row) => [row.id, row[name]])
      const found = yield* rowsOf(target)
      for (const name of ["filtered", "dead", "sent"] as const) {
        expect(found.map((row) => [row.id, row[name]])).toEqual(events(name))
      }
      if (isExact) expect(found.map((row) => [row.id, row.delivered])).toEqual(events("delivered"))
      for (const row of found) expect(row).toSatisfy(Ledger.addsUp)

      expect((yield* target.letters.list({ limit: 1000 })).letters).toEqual(
        (yield* source.letters.list({ limit: 1000 })).letters,
      )
      expect(yield* target.destinations.list).toEqual(yield* source.destinations.list)
      expect(yield* target.keys.list).toEqual(yield* source.keys.list)
      expect(yield* target.counters.list(0, now * 2)).toEqual(yield* source.counters.list(0, now * 2))
      for (let id = 0; id < spec.lanes.length; id++) {
        const query = { destination: `d${id}` }
        expect(yield* target.attempts.list(query)).toEqual(yield* source.attempts.list(query))
      }
      expect(yield* Migration.isUnfinished(to)).toBe(false)
      expect((yield* Effect.flip(Migration.run(from, to, options))).message).toBe("the target is not empty")
    }),
  )

const failures = fc.array(fc.tuple(fc.integer({ min: 1, max: 80 }), fc.boolean()), { maxLength: 6 })
const one = fc.constant(1)
const few = fc.integer({ min: 1, max: 3 })

describe("a migration that is interrupted anywhere", () => {
  test.each([
    ["from one partition to one", one, one],
    ["from one partition to several", one, few],
    ["from several partitions to one", few, one],
    ["from several partitions to several", few, few],
  ])("loses nothing, and counts what it repeats: %s", (_name, sources, targets) =>
    fc.assert(fc.asyncProperty(specOf(sources, targets), failures, check), {
      numRuns: 60,
    }),
  )
})

describe("a migration is refused", () => {
  const begin = Effect.fnUntraced(function* (options: Store.MemoryOptions = {}) {
    const [from, to] = [yield* memory(1, options), yield* memory(1, options)]
    const [source, target] = [portsOf(from), portsOf(to)]
    yield* source.log.append([1, 2, 3].map((number) => entry(number, 1, "user")))
    return { from, to, source, target }
  })
  const options = { sourceName: "source", entriesPerPage: 1 }
  const refusal = (from: StoreContext, to: StoreContext, sourceName = "source") =>
    Effect.map(Effect.flip(Migration.run(from, to, { ...options, sourceName })), (error) => {
      expect(error).toBeInstanceOf(Migration.MigrationError)
      return error.message
    })
  const interrupted = (from: StoreContext, to: StoreContext) =>
    Effect.flip(Migration.run(from, failing(to, [[6, false]]), options))

  test("while a server runs on either store", () =>
    run(
      Effect.gen(function* () {
        const { from, to, source, target } = yield* begin({ shared: true })
        yield* source.members.beat("a", 6000)
        expect(yield* refusal(from, to)).toBe("a server delivers from the source: stop it first")
        yield* source.members.leave("a")
        yield* target.members.beat("a", 6000)
        expect(yield* refusal(from, to)).toBe("a server delivers from the target: stop it first")
        yield* TestClock.adjust(6000)
        expect(yield* Migration.run(from, to, options)).toMatchObject({ entries: 3, changes: [] })
      }),
    ))

  test.each<readonly [string, (target: Ports) => Effect.Effect<unknown, StoreError>]>([
    ["entries", ({ log }) => log.append([entry(9, 1, "user")])],
    ["a cursor", ({ cursors }) => cursors.acquire("d/0")],
    ["a key", ({ keys }) => keys.put({ hash: "h", kind: "server", createdAt: 0 })],
    ["a dead letter", ({ letters }) => letters.put([letter(1)])],
    ["an attempt", ({ attempts }) => attempts.append([attempt(1)])],
    ["a count", ({ counters }) => counters.add([{ hour: now, eventName: "e", count: 1 }])],
    [
      "a destination",
      ({ destinations }) => destinations.put({ id: "d", config: null, disabled: null, createdAt: 0 }),
    ],
  ])("into a store with %s, which stays as it is", (_name, put) =>
    run(
      Effect.gen(function* () {
        const { from, to, target } = yield* begin()
        yield* put(target)
        const cursors = yield* target.cursors.list
        expect(yield* refusal(from, to)).toBe("the target is not empty")
        expect(yield* target.cursors.list).toEqual(cursors)
        expect(yield* Migration.isUnfinished(to)).toBe(false)
      }),
    ),
  )

  test("when it began otherwise than it is to go on", () =>
    run(
      Effect.gen(function* () {
        const { from, to, source } = yield* begin()
        yield* interrupted(from, to)
        expect(yield* Migration.isUnfinished(to)).toBe(true)
        expect(yield* refusal(from, to, "another")).toContain("begun from another store, source")
        const { epoch } = yield* source.cursors.acquire("d/0")
        const state = LaneState.encode(LaneState.initial(0))
        yield* source.cursors.save([
          { name: "d/0", epoch, record: { position: Position.origin, index: 0, state } },
        ])
        expect(yield* refusal(from, to)).toContain("the source has changed")
      }),
    ))

  test("out of a store that is itself half full", () =>
    run(
      Effect.gen(function* () {
        const { from, to } = yield* begin()
        yield* interrupted(from, to)
        expect(yield* refusal(to, yield* memory(1))).toContain("has not been finished")
      }),
    ))

  test("when somebody appends to the source meanwhile", () =>
    run(
      Effect.gen(function* () {
        const { from, to, source } = yield* begin()
        const letters = portsOf(to).letters
        const appending = Context.add(to, Keys, {
          ...portsOf(to).keys,
          put: () => Effect.asVoid(source.log.append([entry(9, 1, "user")])),
        })
        yield* source.keys.put({ hash: "h", kind: "server", createdAt: 0 })
        expect(yield* refusal(from, appending)).toContain("somebody has used the source meanwhile")
        expect((yield* letters.list({})).letters).toEqual([])
        expect(yield* Migration.isUnfinished(to)).toBe(true)
      }),
    ))

  test("when another one into the same store has begun", () =>
    run(
      Effect.gen(function* () {
        const { from, to, source, target } = yield* begin()
        const racing = Context.add(from, EventLog, {
          ...source.log,
          read: (partition, after, limits) =>
            Effect.andThen(target.cursors.acquire("migration"), source.log.read(partition, after, limits)),
        })
        expect(yield* refusal(racing, to)).toBe("another migration into the target has begun")
      }),
    ))
})

test("a target whose cap is too small says so, and keeps what it has got", () =>
  run(
    Effect.gen(function* () {
      const [from, to] = [yield* memory(1), yield* memory(1, { maxBytes: 300 })]
      yield* portsOf(from).log.append([1, 2, 3].map((number) => entry(number, 1, "user")))
      const options = { sourceName: "source", entriesPerPage: 1 }
      const error = yield* Effect.flip(Migration.run(from, to, options))
      expect(error).toMatchObject({ reason: { _tag: "Full" } })
      expect(yield* Migration.isUnfinished(to)).toBe(true)
    }),
  ))

test("the report says what is different at the target, and the way there is told", () =>
  run(
    Effect.gen(function* () {
      const [from, to] = [yield* memory(1), yield* memory(3, { shared: true })]
      const onDisk = Context.add(from, EventLog, { ...portsOf(from).log, durability: "disk" })
      yield* portsOf(from).log.append([1, 2, 3].map((number) => entry(number, 2, `user-${number}`)))
      const told: Array<Migration.MigrationProgress> = []
      const report = yield* Migration.run(onDisk, to, {
        ...{ sourceName: "source", entriesPerPage: 2 },
        onProgress: (progress) => told.push(progress),
      })
      expect(report).toMatchObject({ entries: 3, events: 6, repeated: 0 })
      expect(report.changes).toEqual([
        `level: "disk" becomes "memory": acknowledged events may be lost when the store's server stops`,
        "order: 3 partitions instead of 1: a user's events stay in order, those of different users may overtake each other",
        "processes: several may run on the target at once",
      ])
      expect(told.map(({ entries, ofEntries }) => [entries, ofEntries])).toEqual([
        [2, 3],
        [3, 3],
        [3, 3],
      ])
    }),
  ))
