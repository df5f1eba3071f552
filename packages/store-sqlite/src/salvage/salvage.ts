import {
  Attempts,
  Counters,
  CursorName,
  Cursors,
  DeadLetters,
  Destinations,
  Documents,
  EventLog,
  Generations,
  Keys,
  Members,
  Position,
  type Store,
  StoreError,
  StoreHealth,
} from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Row } from "../driver.ts"
import { isClaimed } from "../isClaimed.ts"
import { byText, number, text } from "../row.ts"
import { attemptOf } from "../tables/Attempts.ts"
import { cursorOf } from "../tables/Cursors.ts"
import { letterOf } from "../tables/DeadLetters.ts"
import { recordOf } from "../tables/Destinations.ts"
import { keyOf } from "../tables/Keys.ts"
import { type Gap, SalvagedLog } from "./SalvagedLog.ts"
import { Survey, type TableName } from "./Survey.ts"
import type { FoundEntry } from "./unpackRow.ts"

export type { Gap } from "./SalvagedLog.ts"
export type { FoundEntry } from "./unpackRow.ts"

/** Records of a kind that could not be read. */
export interface Incomplete {
  readonly kind: "destinations" | "cursors" | "dead letters" | "attempts" | "keys" | "hourly counts"
  /** How many are known to be missing; `null` where nothing tells. */
  readonly missing: number | null
}

/** What a damaged file lacks. */
export interface Missing {
  readonly entries: number
  /** `null` where nothing tells of some of them. */
  readonly events: number | null
  /** The stretches of the log that they stood in, by the numbers of entries. */
  readonly gaps: ReadonlyArray<Gap>
  readonly records: ReadonlyArray<Incomplete>
  /** Destinations that have no place in the log any more. */
  readonly unplaced: ReadonlyArray<string>
  /** A write-ahead log stood beside the file that is not its own. */
  readonly isLogForeign: boolean
}

export interface Salvaged {
  /** What could be read, as a store that nothing can be written to. */
  readonly store: Context.Context<Store.Store>
  readonly missing: Missing
}

const readOnly: Effect.Effect<never, StoreError> = Effect.fail(
  new StoreError({ reason: { _tag: "ReadOnly" }, message: "what was salvaged cannot be written to" }),
)

const tables: Readonly<Record<Incomplete["kind"], TableName>> = {
  destinations: "destinations",
  cursors: "cursors",
  "dead letters": "dead_letters",
  attempts: "attempts",
  keys: "keys",
  "hourly counts": "counters",
}

/** Those that a decoder takes, the last of each name. */
const decoded = <A>(
  rows: ReadonlyArray<Row>,
  decode: (row: Row) => A,
  nameOf: (one: A) => string,
): ReadonlyArray<A> => {
  const found = new Map<string, A>()
  for (const row of rows) {
    try {
      const one = decode(row)
      found.set(nameOf(one), one)
    } catch {
      // A row of something else, or overwritten in part.
    }
  }
  return [...found.values()]
}

const isPosition = /"(g\d{16}\.\d{16}|\d{16})"/g

/**
 * Makes all positions those of one generation: what the log lost, when it was put back, has no
 * place in it.
 */
const placer = (survey: Survey) => {
  const forks = decoded(
    survey.rows("generations").rows,
    (row) => ({ generation: number(row, "generation"), number: number(row, "number") }),
    ({ generation }) => String(generation),
  ).toSorted((one, other) => one.generation - other.generation)
  const generations = new Generations(forks)
  const numberOf = (position: Position.Position): number => {
    const place = generations.placeOf(position)
    if (place.kind === "known") return place.number
    return place.kind === "lost" ? place.fork : (Position.parse(position)?.number ?? 0)
  }
  const place = (position: Position.Position) => Position.fromNumber(numberOf(position))
  return {
    numberOf,
    placedIn: (state: string): string =>
      forks.length === 0
        ? state
        : state.replaceAll(isPosition, (_, position) => `"${place(position as Position.Position)}"`),
  }
}

const eventLog = (log: SalvagedLog): EventLog.EventLog["Service"] => {
  const toEntry = ({ number, ...entry }: FoundEntry): EventLog.LogEntry => ({
    ...entry,
    position: Position.fromNumber(number),
  })
  const { bytes } = log.stats(log.head)
  const partition: EventLog.Partition = {
    append: () => readOnly,
    read: (after, limits) => Effect.sync(() => log.read(Position.toNumber(after), limits).map(toEntry)),
    wait: () => Effect.never,
    locate: () => Effect.succeed(Position.fromNumber(log.tail)),
    bounds: Effect.sync(() => ({
      tail: Position.fromNumber(log.tail),
      head: Position.fromNumber(log.head),
      bytes,
      oldestAt: log.read(log.tail, { maxEntries: 1, maxBytes: 1 })[0]?.appendedAt ?? null,
    })),
    stats: (upTo) => Effect.sync(() => log.stats(Position.toNumber(upTo))),
    trim: () => readOnly,
  }
  return EventLog.servePartitions([partition], () => "disk")
}

const cursorsOf = (survey: Survey, log: SalvagedLog): ReadonlyArray<Cursors.Cursor> => {
  const { numberOf, placedIn } = placer(survey)
  // The newest of each name, where several were found.
  const rows = [...survey.rows("cursors").rows].sort(
    (one, other) => Number(one["epoch"]) - Number(other["epoch"]),
  )
  return decoded(rows, cursorOf, ({ name }) => name)
    .map((cursor) => {
      if (cursor.record === null) return cursor
      const { position, index, state } = cursor.record
      const place = Math.min(numberOf(position), log.head)
      const record = {
        position: Position.fromNumber(place),
        // Nobody can be in the middle of an entry that is missing.
        index: log.has(place + 1) ? index : 0,
        state: placedIn(state),
      }
      return { ...cursor, record }
    })
    .toSorted((one, other) => byText(one.name, other.name))
}

const lettersPerPage = 100

const deadLetters = (letters: ReadonlyArray<DeadLetters.DeadLetter>): DeadLetters.DeadLetters["Service"] => ({
  put: () => readOnly,
  list: ({ destination, limit = lettersPerPage, after }) =>
    Effect.sync(() => {
      const from = after === undefined ? 0 : Number(after)
      const all = letters.filter((letter) => destination === undefined || letter.destination === destination)
      const to = from + limit
      return { letters: all.slice(from, to), next: to < all.length ? String(to) : null }
    }),
  count: Effect.sync(() => {
    const counts = new Map<string, number>()
    for (const { destination } of letters) counts.set(destination, (counts.get(destination) ?? 0) + 1)
    return counts
  }),
  markReplayed: () => readOnly,
  purge: () => readOnly,
})

/** How many of a kind are missing, where something tells that any are. */
const incompleteOf = (
  survey: Survey,
  letters: ReadonlyArray<DeadLetters.DeadLetter>,
): ReadonlyArray<Incomplete> => {
  const [totals] = survey.rows("dead_letter_totals").rows
  return (Object.entries(tables) as ReadonlyArray<[Incomplete["kind"], TableName]>).flatMap(
    ([kind, name]) => {
      const { lost } = survey.rows(name)
      const { isWhole } = survey.table(name)
      if (isWhole && lost === 0) return []
      const expected = totals?.["letters"]
      const missing =
        kind === "dead letters" && typeof expected === "number" && survey.table("dead_letter_totals").isWhole
          ? Math.max(expected - letters.length, 0)
          : isWhole
            ? lost
            : null
      return missing === 0 ? [] : [{ kind, missing }]
    },
  )
}

const fail = (message: string, tag: "Corrupt" | "Unavailable" = "Unavailable") =>
  Effect.fail(new StoreError({ reason: { _tag: tag }, message }))

/**
 * Reads a damaged file as far as it can be read, page by page and without SQLite, which stops at
 * the first page that is damaged. The file is never written to, and may be on a disk that is
 * read-only.
 *
 * Fails with `Unavailable` when it cannot be opened or somebody delivers from it, and with
 * `Corrupt` when nothing in it was written by this program.
 *
 * @param isSound whether an entry is what an entry is: some bytes of it may have been overwritten
 */
export const salvage = Effect.fnUntraced(function* (
  path: string,
  isSound: (entry: FoundEntry) => boolean = () => true,
) {
  const survey = yield* Effect.acquireRelease(
    Effect.try({
      try: () => new Survey(path),
      catch: (error) =>
        new StoreError({
          reason: { _tag: "Unavailable" },
          message: `${path}: ${error instanceof Error ? error.message : "cannot be read"}`,
        }),
    }),
    (survey) => Effect.sync(() => survey.close()),
  )
  if (!survey.isOurs) return yield* fail(`${path} is not a file of this store`, "Corrupt")
  if (isClaimed(path)) return yield* fail(`a process delivers from ${path}: stop it first`)

  const log = new SalvagedLog(survey, isSound)
  const cursors = cursorsOf(survey, log)
  const destinations = decoded(survey.rows("destinations").rows, recordOf, ({ id }) => id).toSorted(
    (one, other) => byText(one.id, other.id),
  )
  const letters = decoded(
    [...survey.rows("dead_letters").rows].sort(
      (one, other) => Number(one["sequence"]) - Number(other["sequence"]),
    ),
    letterOf,
    ({ destination, eventId }) => JSON.stringify([destination, eventId]),
  ).toReversed()
  const attempts = decoded(
    [...survey.rows("attempts").rows].sort(
      (one, other) => Number(other["sequence"]) - Number(one["sequence"]),
    ),
    (row) => ({ sequence: number(row, "sequence"), attempt: attemptOf(row) }),
    ({ sequence }) => String(sequence),
  ).map(({ attempt }) => attempt)
  const keys = decoded(survey.rows("keys").rows, keyOf, ({ hash }) => hash)
  const counts = decoded(
    survey.rows("counters").rows,
    (row) => ({
      hour: number(row, "hour"),
      eventName: text(row, "event_name"),
      count: number(row, "count"),
    }),
    ({ hour, eventName }) => JSON.stringify([hour, eventName]),
  )

  const placed = new Set(cursors.map(({ name }) => name))
  const missing: Missing = {
    ...log.missing,
    gaps: log.gaps,
    records: incompleteOf(survey, letters),
    unplaced: survey.table("cursors").isWhole
      ? []
      : destinations
          .map(({ id }) => id)
          .filter(
            (id) => !placed.has(CursorName.cursorName({ destination: id, partition: 0, replay: null })),
          ),
    isLogForeign: survey.isLogForeign,
  }
  const store = Context.make(EventLog.EventLog, eventLog(log)).pipe(
    Context.add(Cursors.Cursors, {
      acquire: () => readOnly,
      save: () => readOnly,
      list: Effect.succeed(cursors),
      remove: () => readOnly,
    }),
    Context.add(DeadLetters.DeadLetters, deadLetters(letters)),
    Context.add(Attempts.Attempts, {
      append: () => readOnly,
      list: ({ destination, limit }) =>
        Effect.succeed(
          attempts
            .filter((attempt) => destination === undefined || attempt.destination === destination)
            .slice(0, limit),
        ),
    }),
    Context.add(Destinations.Destinations, {
      get: (id) => Effect.succeed(destinations.find((record) => record.id === id) ?? null),
      list: Effect.succeed(destinations),
      put: () => readOnly,
      remove: () => readOnly,
    }),
    Context.add(Documents.Documents, {
      get: () => Effect.succeed(null),
      put: () => readOnly,
      remove: () => readOnly,
    }),
    Context.add(Keys.Keys, { list: Effect.succeed(keys), put: () => readOnly, remove: () => readOnly }),
    Context.add(Counters.Counters, {
      add: () => readOnly,
      list: (from, to) => Effect.succeed(counts.filter(({ hour }) => hour >= from && hour < to)),
    }),
    Context.add(Members.Members, {
      shared: false,
      beat: () => readOnly,
      list: Effect.succeed([]),
      leave: () => readOnly,
    }),
    Context.add(StoreHealth.StoreHealth, { probe: readOnly, examine: Effect.succeed([]), cap: null }),
  )
  const salvaged: Salvaged = { store, missing }
  return salvaged
})
