import { randomUUID } from "node:crypto"
import { resolve } from "node:path"
import {
  Attempts,
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  Documents,
  EventLog,
  Keys,
  Members,
  type Position,
  quietSleep,
  Store,
  type StoreError,
  StoreHealth,
} from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { claimDelivery, isUnclaimed, lookEvery, makeClaimable } from "./DeliveryClaim.ts"
import { failureOf } from "./errors.ts"
import { lettersPerCall } from "./limits.ts"
import { fail, full } from "./outcomes.ts"
import { tooWideMode } from "./ownFile.ts"
import { type FileOptions, StoreFile } from "./StoreFile.ts"
import type { Lost, Progress } from "./tables/records.ts"
import { tooSmall } from "./volume.ts"

export interface Options {
  /**
   * The file. It is made when it is not there; its directory is not. SQLite keeps two more beside
   * it, `-wal` and `-shm`, and whoever delivers from it `-owner`; `-reserve`, of 9 MB at most, is
   * room for going on when the disk is full. Only this process's user can read them.
   */
  readonly path: string
  /**
   * What the log may take, in bytes of envelopes and bodies: 10 GB by default. The file is somewhat
   * larger. Where the disk holds less, that is the cap.
   */
  readonly maxBytes?: number
  /**
   * How long a write may take, in ms: 5,000 by default, since senders wait for ten seconds. Then it
   * fails with `Unavailable`; when the disk was at it already, what it asked for may still happen.
   */
  readonly requestTimeout?: number
}

/** What only tests set. */
export interface Internals {
  /** How long a write waits for another process's lock, in ms. */
  readonly busyTimeout?: number
  /** The largest size of the file, in pages of 16 KiB: as good as a full disk. */
  readonly maxPages?: number
}

/** As long as a sender may be kept waiting; then it is told to come again. */
const defaultBusyTimeout = 2_000

const defaultRequestTimeout = 5_000

/** What a timer takes, in ms. */
const longestTimeout = 2 ** 31 - 1

const eventLog = (file: StoreFile): EventLog.EventLog["Service"] => {
  const partition: EventLog.Partition = {
    append: (entries, now) => file.append(entries, now),
    read: (after, limits, wants) => file.entries(after, limits, wants),
    wait: (after) => file.wait(after),
    locate: (time) => file.locate(time),
    bounds: file.bounds,
    stats: (upTo) => file.stats(upTo),
    trim: Effect.fnUntraced(function* (released, olderThan) {
      yield* file.release(released)
      // In pieces, between which appends get their turn.
      while (yield* file.dropOlder(olderThan)) {}
    }),
  }
  return EventLog.servePartitions([partition], () => "disk")
}

/** The epochs that this process has acquired, by cursor. */
type Owned = Map<string, number>

const cursors = (file: StoreFile, owned: Owned): Cursors.Cursors["Service"] => ({
  acquire: (name) =>
    Effect.tap(file.write("cursors", "acquire", name), ({ epoch }) =>
      Effect.sync(() => owned.set(name, epoch)),
    ),
  save: (saves) => file.write("cursors", "save", saves),
  list: file.read("cursors", "list"),
  remove: (name) => file.write("cursors", "remove", name),
})

const inPieces = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / lettersPerCall) }, (_, piece) =>
    all.slice(piece * lettersPerCall, (piece + 1) * lettersPerCall),
  )

/** A selection of many ids as selections of few. */
const selections = (
  selection: DeadLetters.DeadLetterSelection,
): ReadonlyArray<DeadLetters.DeadLetterSelection> =>
  selection.eventIds === undefined
    ? [selection]
    : inPieces([...new Set(selection.eventIds)]).map((eventIds) => ({ ...selection, eventIds }))

/**
 * Goes through all letters of a selection, in pieces, between which appends get their turn. Returns
 * how many there were.
 */
const through = Effect.fnUntraced(function* (
  selection: DeadLetters.DeadLetterSelection,
  call: (selection: DeadLetters.DeadLetterSelection, after: number) => Effect.Effect<Progress, StoreError>,
) {
  let count = 0
  for (const some of selections(selection)) {
    for (let after: number | null = 0; after !== null; ) {
      const progress: Progress = yield* call(some, after)
      count += progress.count
      after = progress.next
    }
  }
  return count
})

const deadLetters = (file: StoreFile): DeadLetters.DeadLetters["Service"] => ({
  put: Effect.fnUntraced(function* (letters) {
    const now = yield* Clock.currentTimeMillis
    for (const some of inPieces(letters)) yield* file.write("deadLetters", "put", some, now)
  }),
  list: ({ after, ...query }) =>
    file.read("deadLetters", "list", { ...query, below: DeadLetters.below(after) }),
  count: file.read("deadLetters", "count"),
  markReplayed: (selection, at) =>
    through(selection, (some, after) => file.write("deadLetters", "markReplayed", some, at, after)),
  purge: (selection) => through(selection, (some, after) => file.write("deadLetters", "purge", some, after)),
})

const attempts = (file: StoreFile): Attempts.Attempts["Service"] => ({
  append: (added) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => file.write("attempts", "append", added, now)),
  list: (query) => file.read("attempts", "list", query),
})

const destinations = (file: StoreFile): Destinations.Destinations["Service"] => ({
  get: (id) => file.read("destinations", "get", id),
  list: file.read("destinations", "list"),
  put: (record) => file.write("destinations", "put", record),
  remove: (id) => file.write("destinations", "remove", id),
})

const keys = (file: StoreFile): Keys.Keys["Service"] => ({
  list: file.read("keys", "list"),
  put: (record) => file.write("keys", "put", record),
  remove: (hash) => file.write("keys", "remove", hash),
})

/** Bytes. What a call writes stays small, so that appends get their turn in between. */
const pieceBytes = 1024 * 1024

const documents = (file: StoreFile): Documents.Documents["Service"] => ({
  get: (name) => file.read("documents", "get", name),
  put: Effect.fnUntraced(function* ({ body, ...document }) {
    const now = yield* Clock.currentTimeMillis
    const version = randomUUID()
    const writing = Effect.gen(function* () {
      for (let piece = 0; piece * pieceBytes < body.length; piece++) {
        const part = body.slice(piece * pieceBytes, (piece + 1) * pieceBytes)
        const problem = yield* file.write("documents", "putPiece", version, piece, part, now)
        if (problem !== null) return yield* Effect.fail(full(problem))
      }
      yield* file.write("documents", "put", { ...document, version }, now)
    })
    // On a disk that is full, above all.
    yield* Effect.onError(writing, () => Effect.ignore(file.write("documents", "dropPieces", version)))
  }),
  remove: (name) => file.write("documents", "remove", name),
})

const counters = (file: StoreFile): Counters.Counters["Service"] => ({
  add: (counts) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => file.write("counters", "add", counts, now)),
  list: (from, to) => file.read("counters", "list", from, to),
})

/**
 * How many events are sent again up to where the log goes on: an owner knows how far it was, unless
 * it took its cursor after what was put back had been copied; then it is refused, and the next one
 * begins where the cursor says.
 */
const repeated = Effect.fnUntraced(function* (file: StoreFile, owned: Owned, fork: Position.Position) {
  const { events } = yield* file.stats(fork)
  let count = 0
  for (const { name, epoch, record } of yield* file.read("cursors", "list")) {
    if (record === null || record.position >= fork || owned.get(name) === epoch) continue
    const totals = yield* file.stats(record.position)
    count += events - totals.events - record.index
  }
  return count
})

const sayLost = Effect.fnUntraced(function* (
  file: StoreFile,
  owned: Owned,
  { entries, events }: Lost,
  fork: Position.Position,
) {
  const sentAgain = yield* Effect.option(repeated(file, owned, fork))
  yield* Effect.logWarning(
    "the log has come back with less than it had given, and goes on in a new generation",
  ).pipe(
    Effect.annotateLogs({
      ...{ lostEntries: entries, lostEvents: events, goesOnAfter: fork },
      ...(sentAgain._tag === "None" ? {} : { sentAgain: sentAgain.value }),
    }),
  )
})

const sayPutAside = (log: string) =>
  Effect.logWarning(
    "an earlier copy of the file was found beside a newer write-ahead log, which has been put aside",
  ).pipe(Effect.annotateLogs({ log }))

const open = Effect.fnUntraced(function* (
  { path, maxBytes = EventLog.defaultMaxBytesOnDisk, requestTimeout = defaultRequestTimeout }: Options,
  owned: Owned,
  internals: Internals,
) {
  const context = yield* Effect.context<never>()
  const runFork = Effect.runForkWith(context)
  const unclaimed = isUnclaimed(resolve(path))
  const options: FileOptions = {
    path: resolve(path),
    busyTimeout: internals.busyTimeout ?? defaultBusyTimeout,
    maxPages: internals.maxPages ?? null,
    limits: {
      log: { maxBytes },
      deadLetters: { ...DeadLetters.limits, intake: DeadLetters.intake },
      attempts: { ...Attempts.limits, delivered: Attempts.delivered },
      documents: Documents.limits,
      counters: { ...Counters.limits, otherNames: Counters.otherNames },
    },
  }
  const watching = {
    patience: requestTimeout,
    onLost: (file: StoreFile, lost: Lost, fork: Position.Position) =>
      void runFork(sayLost(file, owned, lost, fork)),
    onPutAside: (log: string) => void runFork(sayPutAside(log)),
  }
  const file = new StoreFile(options, watching, context)
  yield* Effect.onError(file.open, () => close(file))
  if (unclaimed) makeClaimable(resolve(path))
  yield* warnOfWideFiles(path)
  const small = tooSmall(resolve(path), maxBytes)
  if (small !== null) yield* Effect.logWarning(`${path}: ${small}`)
  return file
})

/** What is there already keeps its mode: somebody may have meant it. */
const warnOfWideFiles = Effect.fnUntraced(function* (path: string) {
  const wide = [path, `${path}-wal`, `${path}-shm`].filter((file) => tooWideMode(file) !== null)
  if (wide.length === 0) return
  yield* Effect.logWarning(
    "other users of this machine can reach files of the store, which hold events and secrets: chmod 600",
  ).pipe(Effect.annotateLogs({ files: wide.join(" "), mode: tooWideMode(wide[0]!) }))
})

const claim = (path: string) =>
  Effect.flatMap(
    Effect.acquireRelease(
      Effect.clockWith((clock) =>
        Effect.suspend(() => {
          try {
            return Effect.succeed(claimDelivery(path, clock.currentTimeMillisUnsafe()))
          } catch (error) {
            return fail(failureOf(error, path))
          }
        }),
      ),
      ({ letGo }) => Effect.sync(letGo),
    ),
    ({ look }) =>
      Effect.asVoid(
        Effect.forkScoped(Effect.forever(Effect.andThen(quietSleep(lookEvery), Effect.sync(look)))),
      ),
  )

const close = (file: StoreFile): Effect.Effect<void> => Effect.promise(() => file.close())

/** What a program gets wrong is to be seen where it is written. */
const check = ({
  path,
  maxBytes = EventLog.defaultMaxBytesOnDisk,
  requestTimeout = defaultRequestTimeout,
}: Options): void => {
  if (path === "" || path === ":memory:") {
    throw new RangeError(`path is "${path}": a file is needed (core has a store in memory)`)
  }
  if (!(maxBytes > 0)) throw new RangeError(`maxBytes is ${maxBytes}: a number above 0 is needed`)
  if (!(requestTimeout > 0 && requestTimeout <= longestTimeout)) {
    throw new RangeError(`requestTimeout is ${requestTimeout}: a number of ms above 0 is needed`)
  }
}

type SqliteLayer = Layer.Layer<Store.Store | Store.Acknowledges<"memory" | "disk">, StoreError>

/** {@link layer}, with what tests set. */
export const layerWith = (options: Options, internals: Internals): SqliteLayer => {
  check(options)
  const ports = Layer.effectContext(
    Effect.gen(function* () {
      const owned: Owned = new Map()
      const file = yield* Effect.acquireRelease(open(options, owned, internals), close)
      yield* Effect.forkScoped(file.looking)
      return Context.make(EventLog.EventLog, eventLog(file)).pipe(
        Context.add(Cursors.Cursors, cursors(file, owned)),
        Context.add(StoreHealth.StoreHealth, { probe: file.probe, examine: file.examine, cap: file.cap }),
        Context.add(DeadLetters.DeadLetters, deadLetters(file)),
        Context.add(Attempts.Attempts, attempts(file)),
        Context.add(Destinations.Destinations, destinations(file)),
        Context.add(Keys.Keys, keys(file)),
        Context.add(Counters.Counters, counters(file)),
        Context.add(Documents.Documents, documents(file)),
      )
    }),
  )
  // One process delivers from a file.
  return Layer.merge(ports, Members.layerMemory({ claim: claim(resolve(options.path)) })).pipe(
    Store.acknowledging<"memory" | "disk">(),
  )
}

/**
 * Every storage port on one SQLite file: the embedded store, whose appends have survived a power
 * cut when they are acknowledged.
 *
 * Opening fails with a `StoreError`: `Unavailable` (no such directory, no permission, locked),
 * `ReadOnly`, `Full`, `Corrupt` (no database, or another program's) or `Incompatible` (written by a
 * newer version); the file is then left as it was. Several processes of one machine may open one
 * file, and one of them deliver from it; the file must be on a disk of that machine.
 *
 * On a disk that is full released entries give way to new ones. When there are none, or others have
 * filled the disk, appends fail with `Full`, and everything else goes on, also after a restart.
 *
 * @example
 * ```ts
 * const store = layer({ path: "./millrace.db" })
 * ```
 */
export const layer = (options: Options): SqliteLayer => layerWith(options, {})
