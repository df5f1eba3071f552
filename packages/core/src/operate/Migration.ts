import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { hash32 } from "../base/hash32.ts"
import * as LaneState from "../deliver/LaneState.ts"
import { Attempts } from "../ports/Attempts.ts"
import { Counters } from "../ports/Counters.ts"
import { cursorName, parseCursorName } from "../ports/CursorName.ts"
import { type Cursor, Cursors } from "../ports/Cursors.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { type Durability, EventLog } from "../ports/EventLog.ts"
import { Keys } from "../ports/Keys.ts"
import { Members } from "../ports/Members.ts"
import * as Position from "../ports/Position.ts"
import type { Store } from "../ports/Store.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { copyLog, maxEntriesPerPage } from "./migration/copyLog.ts"
import { type Placed, place } from "./migration/cursors.ts"
import { type Bounds, type Group, type Part, plan, type Snapshot } from "./migration/plan.ts"
import * as Progress from "./migration/progress.ts"
import { copyAttempts, copyCounters, copyDeadLetters } from "./migration/records.ts"
import type { Cut } from "./migration/route.ts"

/**
 * The two stores are not as a migration needs them; nothing has been changed, or only in a target
 * that it had begun with.
 */
export class MigrationError extends Data.TaggedError("MigrationError")<{ readonly message: string }> {}

export interface MigrationOptions {
  /** As it may be shown. A migration that was interrupted goes on only from the same one. */
  readonly sourceName: string
  /**
   * Leaves out entries that every destination is done with: they cannot be replayed at the target.
   * `false` by default.
   */
  readonly pendingOnly?: boolean
  /**
   * Entries that are copied between two saves of how far it has come: 256 by default, and at the
   * most.
   */
  readonly entriesPerPage?: number
  readonly onProgress?: (progress: MigrationProgress) => void
  /**
   * Destinations whose place in the log is lost: they begin with the oldest entry kept, so that
   * what was pending for them is sent, with what was delivered already.
   */
  readonly unplaced?: ReadonlyArray<string>
}

/** Counts entries of the log, which is nearly all there is to do. */
export interface MigrationProgress {
  readonly entries: number
  readonly ofEntries: number
  readonly events: number
  readonly bytes: number
}

export interface MigrationReport {
  readonly entries: number
  readonly events: number
  readonly bytes: number
  readonly destinations: number
  readonly cursors: number
  readonly deadLetters: number
  readonly attempts: number
  readonly keys: number
  /** Names of events, by hour. */
  readonly counters: number
  /** Events that some destination was done with, and gets once more. */
  readonly repeated: number
  /** What is different at the target, a sentence each. */
  readonly changes: ReadonlyArray<string>
}

/** Its cursor's name: no destination's, since those name a partition. */
const migration = "migration"

const portsOf = (store: Context.Context<Store>) => ({
  log: Context.get(store, EventLog),
  cursors: Context.get(store, Cursors),
  deadLetters: Context.get(store, DeadLetters),
  attempts: Context.get(store, Attempts),
  destinations: Context.get(store, Destinations),
  keys: Context.get(store, Keys),
  counters: Context.get(store, Counters),
  members: Context.get(store, Members),
})

type Ports = ReturnType<typeof portsOf>

const isMigration = ({ name }: Cursor): boolean => name === migration

/**
 * Whether a migration into a store has begun and is not done: nobody should deliver from it before
 * it is.
 */
export const isUnfinished = (store: Context.Context<Store>): Effect.Effect<boolean, StoreError> =>
  Effect.map(portsOf(store).cursors.list, (cursors) => cursors.some(isMigration))

const refuse = (message: string) => new MigrationError({ message })

const boundsOf = Effect.fnUntraced(function* ({ log }: Ports) {
  const bounds: Array<Bounds> = []
  for (let partition = 0; partition < log.partitions; partition++) bounds.push(yield* log.bounds(partition))
  return bounds
})

const snapshotOf = Effect.fnUntraced(function* (source: Ports) {
  const bounds = yield* boundsOf(source)
  const groups = new Map<string, Group & { readonly parts: Array<Part> }>()
  for (const { name, record } of yield* source.cursors.list) {
    if (name === migration) {
      return yield* refuse("the source is itself the target of a migration that has not been finished")
    }
    const parsed = parseCursorName(name)
    if (parsed === null || record === null || parsed.partition >= bounds.length) continue
    const { destination, replay, partition } = parsed
    const part = { partition, record, state: yield* LaneState.read(record, destination) }
    const key = JSON.stringify([destination, replay])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { destination, replay, parts: [part] })
    else group.parts.push(part)
  }
  const snapshot: Snapshot = {
    bounds: bounds.map(({ tail, head }) => ({ tail, head })),
    groups: [...groups.values()],
  }
  return snapshot
})

/** Nobody may change either while they are copied. */
const requireIdle = Effect.fnUntraced(function* (source: Ports, target: Ports) {
  for (const [name, { members }] of [
    ["source", source],
    ["target", target],
  ] as const) {
    if ((yield* members.list).length > 0)
      return yield* refuse(`a server delivers from the ${name}: stop it first`)
  }
})

const isEmpty = Effect.fnUntraced(function* ({ log, ...ports }: Ports) {
  for (let partition = 0; partition < log.partitions; partition++) {
    const { tail, head } = yield* log.bounds(partition)
    if (tail !== head) return false
  }
  const anything = [
    (yield* ports.cursors.list).filter((cursor) => !isMigration(cursor)),
    yield* ports.destinations.list,
    yield* ports.keys.list,
    (yield* ports.deadLetters.list({ limit: 1 })).letters,
    yield* ports.attempts.list({ limit: 1 }),
    yield* ports.counters.list(0, Number.MAX_SAFE_INTEGER),
  ]
  return anything.every(({ length }) => length === 0)
})

/** Where the target ends before the first entry comes. */
const beginning = Effect.fnUntraced(function* ({ log }: Ports, source: string, fingerprint: number) {
  const heads: Array<Position.Position> = []
  const base: Array<number> = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const { head } = yield* log.bounds(partition)
    heads.push(head)
    base.push((yield* log.stats(partition, head)).events)
  }
  const progress: Progress.Progress = {
    ...{ v: 1, source, fingerprint, base, heads, strand: 0, at: [], places: [], landings: [] },
    ...{ entries: 0, events: 0, bytes: 0 },
  }
  return progress
})

/** What an earlier run has left. */
const readOn = Effect.fnUntraced(function* (
  { record }: Cursor,
  { sourceName }: MigrationOptions,
  fingerprint: number,
) {
  if (record === null) return null
  const progress = Progress.decode(record.state)
  if (progress === null) return yield* refuse("another version has begun to migrate into the target")
  if (progress.source !== sourceName) {
    return yield* refuse(`a migration into the target has begun from another store, ${progress.source}`)
  }
  if (progress.fingerprint !== fingerprint) {
    return yield* refuse(
      "the source has changed since the migration into the target began, or it was begun with other options: empty the target and begin anew",
    )
  }
  return progress
})

const beginAtStart = Effect.fnUntraced(function* ({ log, cursors }: Ports, destination: string) {
  for (let partition = 0; partition < log.partitions; partition++) {
    const { tail: position } = yield* log.bounds(partition)
    const { events } = yield* log.stats(partition, position)
    const { name, epoch } = yield* cursors.acquire(cursorName({ destination, partition, replay: null }))
    const state = LaneState.encode(LaneState.initial(events))
    yield* cursors.save([{ name, epoch, record: { position, index: 0, state } }])
  }
})

const levels: Readonly<Record<Durability, string>> = {
  memory: "may be lost when the store's server stops",
  disk: "survive a power cut, but not the loss of the disk",
  replicated: "survive the loss of a machine",
}

const order = (from: number, to: number): ReadonlyArray<string> => {
  if (from === to) return []
  const stays =
    to === 1
      ? "all that comes from now on stays in order"
      : "a user's events stay in order, those of different users may overtake each other"
  return [`order: ${to} ${to === 1 ? "partition" : "partitions"} instead of ${from}: ${stays}`]
}

const changes = (source: Ports, target: Ports): ReadonlyArray<string> => {
  const [from, to] = [source.log.durability, target.log.durability]
  return [
    ...(from === to ? [] : [`level: "${from}" becomes "${to}": acknowledged events ${levels[to]}`]),
    ...order(source.log.partitions, target.log.partitions),
    ...(source.members.shared === target.members.shared
      ? []
      : [
          target.members.shared
            ? "processes: several may run on the target at once"
            : "processes: only one may deliver from the target",
        ]),
  ]
}

/**
 * Copies everything from one store into another that is empty: what the log keeps, and where each
 * destination stands in it, so that the ledger still adds up; dead letters, destinations, keys,
 * counters and attempts. The source stays as it is. With another number of partitions the entries
 * are dealt anew. Documents are left out: they are a cache, filled again by whoever is asked next.
 *
 * May be interrupted at any time, and goes on where it was when it is run again: how far it has
 * come is kept in the target, which {@link isUnfinished} until then. Nobody may use either store
 * meanwhile. Fails with a {@link MigrationError} when somebody does, or when the target is not
 * empty, and with a `StoreError` of either store.
 */
export const run = Effect.fnUntraced(function* (
  from: Context.Context<Store>,
  to: Context.Context<Store>,
  options: MigrationOptions,
): Effect.fn.Return<MigrationReport, MigrationError | StoreError> {
  const [source, target] = [portsOf(from), portsOf(to)]
  const {
    sourceName,
    pendingOnly = false,
    entriesPerPage = maxEntriesPerPage,
    onProgress = () => {},
  } = options
  yield* requireIdle(source, target)

  const snapshot = yield* snapshotOf(source)
  const { partitions } = target.log
  const fingerprintOf = (snapshot: Snapshot) => hash32(JSON.stringify([snapshot, partitions, pendingOnly]))
  const fingerprint = fingerprintOf(snapshot)
  const begun = (yield* target.cursors.list).find(isMigration)
  const known = begun === undefined ? null : yield* readOn(begun, options, fingerprint)
  if (known === null && !(yield* isEmpty(target))) return yield* refuse("the target is not empty")

  const { epoch } = yield* target.cursors.acquire(migration)
  const save = Effect.fnUntraced(function* (progress: Progress.Progress) {
    const record = { position: Position.origin, index: 0, state: Progress.encode(progress) }
    const [outcome] = yield* target.cursors.save([{ name: migration, epoch, record }])
    if (outcome === "fenced") return yield* refuse("another migration into the target has begun")
  })

  const initial = known ?? (yield* beginning(target, sourceName, fingerprint))
  // Before anything else is written: from then on the target is known to be this migration's.
  if (known === null) yield* save(initial)

  const strands = plan(snapshot, partitions, pendingOnly)
  let ofEntries = 0
  for (const { sources, start, end } of strands) {
    for (const [at, partition] of sources.entries()) {
      ofEntries += (yield* source.log.stats(partition, end[at]!)).entries
      ofEntries -= (yield* source.log.stats(partition, start[at]!)).entries
    }
  }
  const progress = yield* copyLog(
    {
      source: source.log,
      target: target.log,
      strands,
      entriesPerPage,
      save: (progress) =>
        Effect.tap(save(progress), () => {
          const { entries, events, bytes } = progress
          return Effect.sync(() => onProgress({ entries, ofEntries, events, bytes }))
        }),
    },
    initial,
  )

  const keys = yield* source.keys.list
  for (const key of keys) yield* target.keys.put(key)
  const destinations = yield* source.destinations.list
  for (const destination of destinations) yield* target.destinations.put(destination)
  const deadLetters = yield* copyDeadLetters({ source: source.deadLetters, target: target.deadLetters })
  const counters = yield* copyCounters({ source: source.counters, target: target.counters })
  const attempts = yield* copyAttempts(
    { source: source.attempts, target: target.attempts },
    new Set([...destinations.map(({ id }) => id), ...snapshot.groups.map(({ destination }) => destination)]),
  )

  const cursors: Array<Placed> = []
  let repeated = 0
  for (const [at, strand] of strands.entries()) {
    const places = progress.places[at]! as ReadonlyArray<Cut>
    for (const group of strand.groups) {
      const found = yield* place({ source: source.log, target: target.log, progress }, strand, group, places)
      cursors.push(...found.placed)
      repeated += found.repeated
    }
  }
  yield* requireIdle(source, target)
  if (fingerprintOf(yield* snapshotOf(source)) !== fingerprint) {
    return yield* refuse("somebody has used the source meanwhile: empty the target and begin anew")
  }
  for (const { name, record } of cursors) {
    const { epoch } = yield* target.cursors.acquire(name)
    yield* target.cursors.save([{ name, epoch, record }])
  }
  for (const destination of options.unplaced ?? []) yield* beginAtStart(target, destination)
  yield* target.cursors.remove(migration)

  const { entries, events, bytes } = progress
  return {
    ...{ entries, events, bytes, cursors: cursors.length, destinations: destinations.length },
    ...{ deadLetters, attempts, keys: keys.length, counters, repeated },
    changes: changes(source, target),
  }
})
