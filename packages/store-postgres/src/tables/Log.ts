import type { EventLog, Generations, Position, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { PoolClient } from "pg"
import { Buffers } from "../Buffers.ts"
import type { Row } from "../CopyOut.ts"
import { type Database, list } from "../Database.ts"
import { corrupt, outsideOf } from "../errors.ts"
import type { Lineage } from "../Lineage.ts"
import type { Group } from "../Writer.ts"

/** What the log is opened with. */
export interface LogLimits {
  /** Appends fail from when on the server no longer gives it. */
  readonly durability: EventLog.Durability
  readonly maxBytes: number
  /** What one of its segments holds before the next one is begun. */
  readonly segmentBytes: number
}

export interface Appended {
  readonly positions: ReadonlyArray<number>
  /**
   * Where the log ends by now, if that is known: after all of them, none of which may be stored.
   */
  readonly head: Position.Position | null
  /** A segment has been closed: it is time to see whether others can be emptied. */
  readonly closed: boolean
}

interface Bounds {
  readonly tail: number
  readonly head: number
  readonly bytes: number
  readonly oldestAt: number | null
}

const largest = Number.MAX_SAFE_INTEGER

/** A number as it stands in a statement: whatever is asked for, one that the server takes. */
const whole = (value: number): number => Math.trunc(Math.min(Math.max(value, 0), largest))

const entryId = /^[0-9a-f]{32}$/

/**
 * Another id than the port's is a mistake of the program, and not to be found out by those whose
 * entries go with it.
 */
export const requireIds = (entries: ReadonlyArray<EventLog.NewEntry>): void => {
  for (const { id } of entries) {
    if (!entryId.test(id)) throw new RangeError("the id of an entry is not 32 lower-case hex digits")
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Envelopes and bodies one after the other, and what each takes. */
const pack = (entries: ReadonlyArray<EventLog.NewEntry>, buffers: Buffers) => {
  const envelopes = entries.map(({ envelope }) => encoder.encode(envelope))
  let size = 0
  for (const [index, { body }] of entries.entries()) size += envelopes[index]!.length + body.length
  const buffer = buffers.take(size)
  const data = buffer.subarray(0, size)
  let at = 0
  for (const [index, { body }] of entries.entries()) {
    const envelope = envelopes[index]!
    data.set(envelope, at)
    data.set(body, at + envelope.length)
    at += envelope.length + body.length
  }
  return {
    buffer,
    data,
    envelopeSizes: envelopes.map(({ length }) => length),
    bodySizes: entries.map(({ body }) => body.length),
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

const entryOf =
  (generations: Generations) =>
  (row: Row): EventLog.LogEntry => {
    const [at, appendedAt, events, id, envelope, body] = row as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    return {
      id: hex(id),
      events: view(events).getInt32(0),
      envelope: decoder.decode(envelope),
      body: new Uint8Array(body),
      position: generations.positionOf(Number(view(at).getBigInt64(0))),
      appendedAt: view(appendedAt).getFloat64(0),
    }
  }

const followOn = (
  entries: ReadonlyArray<EventLog.LogEntry>,
  after: number,
  generations: Generations,
): boolean => entries.every(({ position }, index) => position === generations.positionOf(after + 1 + index))

/** What a transaction has appended. */
export interface Uncommitted {
  readonly positions: ReadonlyArray<number>
  readonly committed: () => Appended
}

const appendIn = async (
  client: PoolClient,
  lineage: Lineage,
  schema: string,
  { calls, times, entries }: Group,
  { data, envelopeSizes, bodySizes }: ReturnType<typeof pack>,
  limits: LogLimits,
): Promise<Uncommitted> => {
  const { generations } = lineage
  // Asked before, so that nothing is written in vain, and with the log locked up to the commit.
  const { rows } = await client.query<{ positions: ReadonlyArray<number>; closed: boolean }>(
    `SELECT ${schema}.entered($11, 0, positions) AS positions, emptied AS closed
     FROM ${schema}.append(${schema}.entered($11, $12, $1::text), $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      limits.durability,
      whole(limits.maxBytes),
      limits.segmentBytes,
      list(calls),
      list(times),
      `{${entries.map(({ id }) => id).join(",")}}`,
      list(entries.map(({ events }) => events)),
      list(envelopeSizes),
      list(bodySizes),
      data,
      ...lineage.known,
    ],
  )
  const { positions, closed } = rows[0] ?? { positions: [], closed: false }
  return {
    positions,
    committed: () => {
      const last = positions.reduce((most, number) => Math.max(most, number), 0)
      if (last === 0 || generations !== lineage.generations) return { positions, head: null, closed }
      lineage.saw(last)
      return { positions, head: generations.positionOf(last), closed }
    },
  }
}

/** Gives back the room of what has been trimmed, as far as nobody is reading it. */
export const reclaim = async (database: Database): Promise<void> => {
  const { schema } = database
  await database.run((client) => client.query(`SELECT ${schema}.remember_trimmed()`))
  await database.run((client) => client.query(`SELECT ${schema}.empty_trimmed()`))
}

export const log = (database: Database) => {
  const { schema, lineage } = database
  const buffers = new Buffers()

  const bounds = Effect.map(
    database.use(async (client) => {
      const { rows } = await client.query<Bounds>(
        `SELECT tail, head, head_bytes - tail_bytes AS bytes, oldest_at AS "oldestAt" FROM ${schema}.log
         WHERE ${schema}.entered($1, $2, true)`,
        [...lineage.known],
      )
      return { found: rows[0]!, generations: lineage.generations }
    }),
    ({ found: { tail, head, ...bounds }, generations }): EventLog.LogBounds => ({
      tail: generations.positionOf(tail),
      head: generations.positionOf(head),
      ...bounds,
    }),
  )

  /**
   * Asks something of a position, by its number. A position of what the log has lost is outside,
   * which is found out here: whoever knows of a generation knows what it has replaced.
   */
  const ofPosition = <A>(
    position: Position.Position,
    ask: (number: number, generations: Generations) => Effect.Effect<A, StoreError>,
  ): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => {
      const { generations } = lineage
      const place = generations.placeOf(position)
      const outside = Effect.flatMap(bounds, (found) =>
        Effect.fail(outsideOf(found, lineage.generations, position)),
      )
      if (place.kind !== "known") return outside
      // Whoever stands behind an entry knows that it was there.
      lineage.saw(place.number)
      return Effect.catchIf(
        ask(place.number, generations),
        // The answer may be of another generation, in which there is another entry of this number.
        () => lineage.generations !== generations && lineage.generations.placeOf(position).kind !== "known",
        () => outside,
      )
    })

  return {
    /** Outside of Effect: many calls share one. */
    append: async (group: Group, limits: LogLimits): Promise<Appended> => {
      const packed = pack(group.entries, buffers)
      const appended = await database.run(
        (client) => appendIn(client, lineage, schema, group, packed, limits),
        { isUrgent: false },
      )
      // After a failure it may still be on its way.
      buffers.give(packed.buffer)
      return appended.committed()
    },

    /** In a transaction of the caller's, who says when that is committed. */
    appendWithin: (client: PoolClient, group: Group, limits: LogLimits): Promise<Uncommitted> =>
      appendIn(client, lineage, schema, group, pack(group.entries, new Buffers()), limits),

    read: (
      after: Position.Position,
      limits: EventLog.ReadLimits,
    ): Effect.Effect<ReadonlyArray<EventLog.LogEntry>, StoreError> => {
      const most = `${whole(limits.maxEntries)}, ${whole(limits.maxBytes)}`
      return ofPosition(after, (from, generations) =>
        Effect.flatMap(
          database.copy(
            () =>
              `SELECT * FROM ${schema}.read(${schema}.entered(${lineage.known.join()}, ${from}::bigint), ${most})`,
            entryOf(generations),
          ),
          (entries) =>
            followOn(entries, from, generations)
              ? Effect.succeed(entries)
              : Effect.fail(corrupt(`the log's entries after ${from} are not in order`)),
        ),
      )
    },

    locate: (time: number): Effect.Effect<Position.Position, StoreError> =>
      Effect.map(
        database.use((client) =>
          client.query<{ position: number }>(
            `SELECT ${schema}.first_reaching(tail, head, $1, NULL) - 1 AS position FROM ${schema}.log
             WHERE ${schema}.entered($2, $3, true)`,
            [time, ...lineage.known],
          ),
        ),
        ({ rows }) => lineage.generations.positionOf(rows[0]!.position),
      ),

    head: async (): Promise<Position.Position> => {
      const { rows } = await database.run((client) =>
        client.query<{ head: number }>(
          `SELECT head FROM ${schema}.log WHERE ${schema}.entered($1, $2, true)`,
          [...lineage.known],
        ),
      )
      const head = rows[0]?.head ?? 0
      lineage.saw(head)
      return lineage.generations.positionOf(head)
    },

    bounds,

    stats: (upTo: Position.Position): Effect.Effect<EventLog.LogTotals, StoreError> =>
      ofPosition(upTo, (number) =>
        Effect.map(
          database.use((client) =>
            client.query<EventLog.LogTotals>(
              `SELECT entries, events, bytes
               FROM ${schema}.totals(${schema}.entered($1, $2, $3::bigint))`,
              [...lineage.known, number],
            ),
          ),
          ({ rows }) => rows[0]!,
        ),
      ),

    trim: (
      released: Position.Position,
      olderThan: number,
      segmentBytes: number,
    ): Effect.Effect<void, StoreError> =>
      Effect.asVoid(
        database.use((client) =>
          client.query(`SELECT ${schema}.trim(${schema}.entered($1, $2, $3::bigint), $4, $5)`, [
            ...lineage.known,
            lineage.generations.releasedBy(released),
            olderThan,
            segmentBytes,
          ]),
        ),
      ),
  }
}
