import { DeadLetters, type StoreError } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { type Database, list } from "../Database.ts"
import { fromText, toText } from "../text.ts"

interface Row {
  readonly sequence: number
  readonly destination: string
  readonly event_id: string
  readonly dead_at: number
  readonly reason: string
  readonly message: string
  readonly status: number | null
  readonly received_at: number
  readonly event_name: string
  readonly event: string
  readonly replayed_at: number | null
}

/** How many a call puts, marks or purges in one transaction: some ten ms. */
const piece = 5000

const letterOf = (row: Row): DeadLetters.DeadLetter => ({
  destination: fromText(row.destination),
  eventId: fromText(row.event_id),
  reason: row.reason as DeadLetters.DeadReason,
  message: fromText(row.message),
  status: row.status,
  deadAt: row.dead_at,
  receivedAt: row.received_at,
  eventName: fromText(row.event_name),
  event: fromText(row.event),
  replayedAt: row.replayed_at,
})

const rowOf = (letter: DeadLetters.DeadLetter) => ({
  destination: toText(letter.destination),
  event_id: toText(letter.eventId),
  dead_at: letter.deadAt,
  bytes: DeadLetters.sizeOf(letter),
  reason: letter.reason,
  message: toText(letter.message),
  status: letter.status,
  received_at: letter.receivedAt,
  event_name: toText(letter.eventName),
  event: toText(letter.event),
  replayed_at: letter.replayedAt,
})

/** Keeps the last letter of a destination and event, in its place. */
const newest = (letters: ReadonlyArray<DeadLetters.DeadLetter>): ReadonlyArray<DeadLetters.DeadLetter> => {
  const kept = new Map<string, DeadLetters.DeadLetter>()
  for (const letter of letters) {
    const key = JSON.stringify([letter.destination, letter.eventId])
    kept.delete(key)
    kept.set(key, letter)
  }
  return [...kept.values()]
}

/** As the schema's functions take them. */
export const letterRows = (letters: ReadonlyArray<DeadLetters.DeadLetter>): string =>
  JSON.stringify(newest(letters).map(rowOf))

const inPieces = <A>(all: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / piece) }, (_, index) =>
    all.slice(index * piece, (index + 1) * piece),
  )

const purging =
  (database: Database) =>
  (sequences: string, parameters: ReadonlyArray<string | number>): Effect.Effect<number, StoreError> =>
    Effect.map(
      database.one<{ purged: number }>(
        `SELECT ${database.schema}.purge_dead_letters(ARRAY(${sequences})) AS purged`,
        parameters,
      ),
      ({ purged }) => purged,
    )

/** Drops the oldest letters of intake that are too many: they have a place of their own. */
export const makeRoomForIntake = (database: Database): Effect.Effect<number, StoreError> =>
  purging(database)(
    `SELECT sequence FROM ${database.schema}.dead_letters WHERE destination = $1 ORDER BY sequence DESC OFFSET $2`,
    [toText(DeadLetters.intake), DeadLetters.limits.maxIntakeCount],
  )

export const deadLetters = (database: Database): DeadLetters.DeadLetters["Service"] => {
  const { schema } = database

  /**
   * Goes through a selection's letters by their sequence, in pieces. Returns how many a change has
   * changed.
   */
  const through = Effect.fnUntraced(function* (
    { destination, eventIds, before }: DeadLetters.DeadLetterSelection,
    change: (sequences: string) => Effect.Effect<number, StoreError>,
  ) {
    let count = 0
    const pieces = eventIds === undefined ? [null] : inPieces([...new Set(eventIds)])
    for (const ids of pieces) {
      let after = 0
      for (;;) {
        const { sequences }: { sequences: ReadonlyArray<number> } = yield* database.one<{
          sequences: ReadonlyArray<number>
        }>(`SELECT ${schema}.selected_dead_letters($1, $2, $3, $4, $5) AS sequences`, [
          after,
          destination === undefined ? null : toText(destination),
          ids === null ? null : ids.map(toText),
          before ?? null,
          piece,
        ])
        if (sequences.length > 0) count += yield* change(list(sequences))
        if (sequences.length < piece) break
        after = sequences.at(-1) ?? after
      }
    }
    return count
  })

  const purge = purging(database)

  /**
   * How far the letters of destinations are over their bounds. To add up intake's bytes takes a
   * while, and matters only then.
   */
  const excess = database.one<{ readonly letters: number; readonly bytes: number }>(
    `SELECT
       letters - $2 - (SELECT count(*) FROM ${schema}.dead_letters WHERE destination = $1) AS letters,
       CASE
         WHEN bytes <= $3 THEN 0
         ELSE bytes - $3 - (
           SELECT coalesce(sum(bytes), 0)::bigint FROM ${schema}.dead_letters WHERE destination = $1
         )
       END AS bytes
     FROM ${schema}.dead_letter_totals`,
    [toText(DeadLetters.intake), DeadLetters.limits.maxCount, DeadLetters.limits.maxBytes],
  )

  /** Drops the oldest letters of destinations, as long as those are too many. */
  const makeRoomForDestinations = Effect.gen(function* () {
    let dropped: number
    do {
      const { letters, bytes } = yield* excess
      if (letters <= 0 && bytes <= 0) return
      dropped = yield* purge(
        `SELECT sequence
         FROM (
           SELECT sequence, row_number() OVER by_age AS number, sum(bytes) OVER by_age - bytes AS before
           FROM (
             SELECT sequence, bytes FROM ${schema}.dead_letters
             WHERE destination <> $1 ORDER BY sequence LIMIT $2
           ) AS oldest
           WINDOW by_age AS (ORDER BY sequence)
         ) AS oldest
         WHERE number <= $3 OR before < $4`,
        [toText(DeadLetters.intake), piece, letters, bytes],
      )
    } while (dropped > 0)
  })

  const makeRoom = (put: ReadonlyArray<DeadLetters.DeadLetter>): Effect.Effect<void, StoreError> => {
    const isOfIntake = ({ destination }: DeadLetters.DeadLetter): boolean =>
      destination === DeadLetters.intake
    return Effect.andThen(
      put.some(isOfIntake) ? makeRoomForIntake(database) : Effect.void,
      put.every(isOfIntake) ? Effect.void : makeRoomForDestinations,
    )
  }

  return {
    put: Effect.fnUntraced(function* (letters) {
      const now = yield* Clock.currentTimeMillis
      for (const some of inPieces(newest(letters))) {
        // It drops what is too old. What is too many has places of its own, which it does not know.
        yield* database.query(`SELECT ${schema}.put_dead_letters($1, $2, $3, $3)`, [
          JSON.stringify(some.map(rowOf)),
          now - DeadLetters.limits.maxAge,
          Number.MAX_SAFE_INTEGER,
        ])
        yield* makeRoom(some)
      }
    }),

    list: ({ destination, limit = 100, after }) =>
      Effect.map(
        database.query<Row>(
          `SELECT * FROM ${schema}.dead_letters
           WHERE ($1::text IS NULL OR destination = $1) AND ($2::bigint IS NULL OR sequence < $2)
           ORDER BY sequence DESC LIMIT $3`,
          [
            destination === undefined ? null : toText(destination),
            after === undefined ? null : DeadLetters.below(after),
            // One more than asked for tells whether there is a next page.
            Math.min(limit, Number.MAX_SAFE_INTEGER - 1) + 1,
          ],
        ),
        (rows) => {
          const page = rows.slice(0, limit)
          const last = page.at(-1)
          return {
            letters: page.map(letterOf),
            next: rows.length > limit && last !== undefined ? String(last.sequence) : null,
          }
        },
      ),

    count: Effect.map(
      database.query<{ destination: string; letters: number }>(
        `SELECT destination, count(*) AS letters FROM ${schema}.dead_letters GROUP BY destination`,
      ),
      (rows) => new Map(rows.map(({ destination, letters }) => [fromText(destination), letters])),
    ),

    markReplayed: (selection, at) =>
      through(selection, (sequences) =>
        Effect.map(
          database.one<{ marked: number }>(
            `WITH marked AS (
               UPDATE ${schema}.dead_letters SET replayed_at = $1 WHERE sequence = ANY ($2::bigint[]) RETURNING 1
             )
             SELECT count(*) AS marked FROM marked`,
            [at, sequences],
          ),
          ({ marked }) => marked,
        ),
      ),

    purge: (selection) =>
      through(selection, (sequences) =>
        Effect.map(
          database.one<{ purged: number }>(`SELECT ${schema}.purge_dead_letters($1) AS purged`, [sequences]),
          ({ purged }) => purged,
        ),
      ),
  }
}
