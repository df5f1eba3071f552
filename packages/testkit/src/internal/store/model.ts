import type { EventLog } from "@millrace/core"
import { type Cursors, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import { expect } from "vitest"
import { entry, ids, sizeOf } from "./entries.ts"
import { type Open, type Ports, type Suite, start } from "./suite.ts"

// Places are numbers in the order of appends, 0 being the origin, and are folded into those there
// are: so every sequence of operations has a meaning, and a failing one can be shrunk.
type Operation =
  | { readonly kind: "append"; readonly numbers: ReadonlyArray<number> }
  | { readonly kind: "read"; readonly place: number; readonly limits: EventLog.ReadLimits }
  | { readonly kind: "stats"; readonly place: number }
  | { readonly kind: "locate"; readonly time: number }
  | { readonly kind: "trim"; readonly place: number; readonly olderThan: number }
  | { readonly kind: "tick"; readonly time: number }
  | { readonly kind: "acquire"; readonly name: string }
  | {
      readonly kind: "save"
      readonly saves: ReadonlyArray<{ readonly name: string; readonly epoch: number }>
    }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "reopen" }

const place = fc.nat({ max: 60 })
const time = fc.integer({ min: -1000, max: 10_000 })
const name = fc.constantFrom("a/0", "b/0", "c/0")

const operation = (reopens: boolean): fc.Arbitrary<Operation> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("append" as const),
        numbers: fc.array(fc.nat({ max: 60 }), { maxLength: 5 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("read" as const),
        place,
        limits: fc.record({ maxEntries: fc.integer({ min: 1, max: 8 }), maxBytes: fc.nat({ max: 800 }) }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("stats" as const), place }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("locate" as const), time }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("trim" as const), place, olderThan: time }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("tick" as const), time }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("acquire" as const), name }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant("save" as const),
        // An epoch there was, the last one most often.
        saves: fc.array(fc.record({ name, epoch: fc.oneof(fc.constant(-1), fc.nat({ max: 5 })) }), {
          maxLength: 4,
        }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), name }) },
    ...(reopens ? [{ weight: 1, arbitrary: fc.record({ kind: fc.constant("reopen" as const) }) }] : []),
  )

/** Room for some fifteen entries: a sequence fills it. */
const cap = 2500

const added = (number: number): EventLog.NewEntry =>
  entry(number, { events: number % 4, size: 40 + ((number * 37) % 300) })

interface Appended {
  readonly entry: EventLog.NewEntry
  readonly position: Position.Position
  readonly appendedAt: number
}

/** What a log and cursors should say: everything ever appended, in a list. */
class Reference {
  readonly maxBytes: number
  readonly appended: Array<Appended> = []
  dropped = 0
  released = 0
  now = start
  readonly cursors = new Map<string, Cursors.Cursor>()
  /** Every epoch each name ever had, in order. */
  readonly epochs = new Map<string, ReadonlyArray<number>>()

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes
  }

  at(index: number): Position.Position {
    return this.appended[index - 1]?.position ?? Position.origin
  }

  fold(index: number): number {
    return index % (this.appended.length + 1)
  }

  sums(count: number): EventLog.LogTotals {
    const upTo = this.appended.slice(0, count).map((one) => one.entry)
    return {
      entries: upTo.length,
      events: upTo.reduce((sum, { events }) => sum + events, 0),
      bytes: upTo.reduce((sum, one) => sum + sizeOf(one), 0),
    }
  }

  get kept(): number {
    return this.sums(this.appended.length).bytes - this.sums(this.dropped).bytes
  }

  bounds(): EventLog.LogBounds {
    return {
      tail: this.at(this.dropped),
      head: this.at(this.appended.length),
      bytes: this.kept,
      oldestAt: this.appended[this.dropped]?.appendedAt ?? null,
    }
  }
}

const append = Effect.fnUntraced(function* (
  reference: Reference,
  { log }: Ports,
  numbers: ReadonlyArray<number>,
) {
  const { appended } = reference
  const given = numbers.map(added)
  const known = new Set(appended.map((one) => one.entry.id))
  const fresh = given.filter(({ id }, index) => !known.has(id) && ids(given).indexOf(id) === index)
  const needed = fresh.reduce((sum, one) => sum + sizeOf(one), 0)
  const releasable = reference.sums(reference.released).bytes - reference.sums(reference.dropped).bytes
  const result = yield* Effect.result(log.append(given))

  if (needed > 0 && reference.kept - Math.max(releasable, 0) + needed > reference.maxBytes) {
    expect(result).toMatchObject({ _tag: "Failure", failure: { reason: { _tag: "Full" } } })
    return
  }
  if (result._tag === "Failure") throw result.failure
  const positions = new Map(ids(given).map((id, index) => [id, result.success[index]]))
  const appendedAt = Math.max(reference.now, appended.at(-1)?.appendedAt ?? reference.now)
  for (const one of fresh) {
    const position = positions.get(one.id) ?? Position.origin
    expect(position > reference.at(appended.length)).toBe(true)
    appended.push({ entry: one, position, appendedAt })
  }
  expect(result.success).toEqual(
    ids(given).map((id) => appended.find((one) => one.entry.id === id)?.position),
  )
  // How much released a store drops at once, beyond the room it needs, is its own affair.
  const { tail } = yield* log.bounds(0)
  const dropped = appended.findIndex((one) => one.position === tail) + 1
  expect(dropped).toBeGreaterThanOrEqual(reference.dropped)
  if (dropped > reference.dropped) expect(dropped).toBeLessThanOrEqual(reference.released)
  reference.dropped = dropped
  expect(reference.kept).toBeLessThanOrEqual(reference.maxBytes)
})

const read = Effect.fnUntraced(function* (
  reference: Reference,
  { log }: Ports,
  from: number,
  limits: EventLog.ReadLimits,
) {
  const result = yield* Effect.result(log.read(0, reference.at(from), limits))
  if (from < reference.dropped) {
    const { tail, head } = reference.bounds()
    expect(result).toMatchObject({ failure: { reason: { _tag: "OutOfRange", tail, head, resumeAt: tail } } })
    return
  }
  if (result._tag === "Failure") throw result.failure
  const page = result.success
  const expected = reference.appended.slice(from, from + page.length)
  expect(page.map(({ body, ...one }) => ({ ...one, body: [...body] }))).toEqual(
    expected.map(({ entry: { body, ...one }, position, appendedAt }) => ({
      ...one,
      position,
      appendedAt,
      body: [...body],
    })),
  )
  expect(page.length).toBeLessThanOrEqual(limits.maxEntries)
  if (page.length === 0) expect(from).toBe(reference.appended.length)
  if (page.length > 1) {
    expect(page.reduce((sum, one) => sum + sizeOf(one), 0)).toBeLessThanOrEqual(limits.maxBytes)
  }
})

const trim = Effect.fnUntraced(function* (
  reference: Reference,
  { log }: Ports,
  released: number,
  olderThan: number,
) {
  yield* log.trim(0, reference.at(released), olderThan)
  reference.released = released
  while (
    reference.dropped < released &&
    (reference.appended[reference.dropped]?.appendedAt ?? olderThan) < olderThan
  ) {
    reference.dropped += 1
  }
})

const acquire = Effect.fnUntraced(function* (reference: Reference, { cursors }: Ports, taken: string) {
  const cursor = yield* cursors.acquire(taken)
  const before = reference.epochs.get(taken) ?? []
  expect(cursor.epoch).toBeGreaterThan(before.at(-1) ?? Number.NEGATIVE_INFINITY)
  expect(cursor).toEqual({
    name: taken,
    epoch: cursor.epoch,
    record: reference.cursors.get(taken)?.record ?? null,
  })
  reference.epochs.set(taken, [...before, cursor.epoch])
  reference.cursors.set(taken, cursor)
})

const save = Effect.fnUntraced(function* (
  reference: Reference,
  { cursors }: Ports,
  chosen: ReadonlyArray<{ readonly name: string; readonly epoch: number }>,
  step: number,
) {
  const saves = chosen.map(({ name: saved, epoch }, index): Cursors.CursorSave => {
    const epochs = reference.epochs.get(saved) ?? [1]
    const record = {
      position: reference.at(reference.appended.length),
      index: step * 10 + index,
      state: saved,
    }
    return { name: saved, epoch: epochs.at(epoch < 0 ? -1 : epoch % epochs.length) ?? 1, record }
  })
  const expected = saves.map((one): Cursors.SaveOutcome => {
    if (reference.cursors.get(one.name)?.epoch !== one.epoch) return "fenced"
    reference.cursors.set(one.name, one)
    return "saved"
  })
  expect(yield* cursors.save(saves)).toEqual(expected)
})

const perform = Effect.fnUntraced(function* (
  reference: Reference,
  ports: Ports,
  operation: Exclude<Operation, { kind: "reopen" }>,
  step: number,
) {
  const { log, cursors } = ports
  switch (operation.kind) {
    case "append":
      return yield* append(reference, ports, operation.numbers)
    case "read":
      return yield* read(reference, ports, reference.fold(operation.place), operation.limits)
    case "trim":
      return yield* trim(reference, ports, reference.fold(operation.place), start + operation.olderThan)
    case "acquire":
      return yield* acquire(reference, ports, operation.name)
    case "save":
      return yield* save(reference, ports, operation.saves, step)
    case "stats": {
      const upTo = Math.max(reference.fold(operation.place), reference.dropped)
      expect(yield* log.stats(0, reference.at(upTo))).toEqual(reference.sums(upTo))
      return
    }
    case "locate": {
      const wanted = start + operation.time
      const first = reference.appended.findIndex(
        ({ appendedAt }, index) => index >= reference.dropped && appendedAt >= wanted,
      )
      const found = first === -1 ? reference.appended.length : first
      expect(yield* log.locate(0, wanted)).toBe(reference.at(found))
      return
    }
    case "tick": {
      reference.now = start + operation.time
      yield* TestClock.setTime(reference.now)
      return
    }
    case "remove": {
      yield* cursors.remove(operation.name)
      reference.cursors.delete(operation.name)
      return
    }
  }
})

/** An operation, and which of the store's openings it goes through. */
interface Step {
  readonly through: number
  readonly operation: Operation
}

const performAll = (steps: ReadonlyArray<Step>, openings: number, capped: boolean) => (open: Open) =>
  Effect.gen(function* () {
    const reference = new Reference(capped ? cap : Number.POSITIVE_INFINITY)
    const options = capped ? { maxBytes: cap } : {}
    const scopes: Array<Scope.Closeable> = []
    const opened: Array<Ports> = []
    yield* Effect.addFinalizer((exit) =>
      Effect.suspend(() => Effect.forEach(scopes, (scope) => Scope.close(scope, exit), { discard: true })),
    )
    const openAgain = Effect.fnUntraced(function* (index: number) {
      const before = scopes[index]
      if (before !== undefined) yield* Scope.close(before, Exit.void)
      const scope = yield* Scope.make()
      scopes[index] = scope
      opened[index] = yield* Scope.provide(open(options), scope)
    })
    for (let index = 0; index < openings; index++) yield* openAgain(index)
    for (const [number, { through, operation }] of steps.entries()) {
      if (operation.kind === "reopen") yield* openAgain(through)
      else yield* perform(reference, opened[through]!, operation, number)
      const byName = [...reference.cursors.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
      for (const { log, cursors } of opened) {
        expect(yield* log.bounds(0)).toEqual(reference.bounds())
        expect(yield* cursors.list).toEqual(byName)
      }
    }
  })

export const model = ({ checkPlaces, can }: Suite): void => {
  const openings = can.shared ? 2 : 1
  const step = fc.record({ through: fc.nat({ max: openings - 1 }), operation: operation(can.reopens) })
  checkPlaces("agrees with a plain list after every step", async (runAtPlace) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), (steps) =>
        runAtPlace(performAll(steps, openings, can.capped)),
      ),
      // A store that reopens has a disk or a server behind it, and takes its time.
      { numRuns: can.reopens ? 25 : 200 },
    )
  })
}
