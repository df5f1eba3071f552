import { type EventLog, Position, type StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import { Buffers } from "../Buffers.ts"
import type { Row } from "../CopyOut.ts"
import { type Database, list } from "../Database.ts"
import { corrupt } from "../errors.ts"
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
  /** A segment has been closed: it is time to see whether others can be emptied. */
  readonly closed: boolean
}

const largest = Number.MAX_SAFE_INTEGER

/** A number as it stands in a statement: whatever is asked for, one that the server takes. */
const whole = (value: number): number => Math.trunc(Math.min(Math.max(value, 0), largest))

const entryId = /^[0-9a-f]{32}$/

/** Another id than the port's is a mistake of the program, and not to be found out by those whose entries go with it. */
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

const entryOf = (row: Row): EventLog.LogEntry => {
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
    position: Position.fromNumber(Number(view(at).getBigInt64(0))),
    appendedAt: view(appendedAt).getFloat64(0),
  }
}

const followOn = (entries: ReadonlyArray<EventLog.LogEntry>, after: number): boolean =>
  entries.every(({ position }, index) => Position.toNumber(position) === after + 1 + index)

export const log = (database: Database) => {
  const { schema } = database
  const buffers = new Buffers()

  /** Of what is no position the server is told nothing: it is outside. */
  const numberOf = (position: Position.Position): number | null => {
    const number = Position.toNumber(position)
    return Number.isNaN(number) ? null : number
  }

  return {
    /** Outside of Effect: many calls share one. */
    append: async (group: Group, limits: LogLimits): Promise<Appended> => {
      const { buffer, data, envelopeSizes, bodySizes } = pack(group.entries, buffers)
      const values = [
        limits.durability,
        whole(limits.maxBytes),
        limits.segmentBytes,
        list(group.calls),
        list(group.times),
        `{${group.entries.map(({ id }) => id).join(",")}}`,
        list(group.entries.map(({ events }) => events)),
        list(envelopeSizes),
        list(bodySizes),
        data,
      ]
      const { rows } = await database.run((client) =>
        client.query<{ positions: ReadonlyArray<number>; closed: boolean }>(
          `SELECT positions, emptied AS closed FROM ${schema}.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
          values,
        ),
      )
      // After a failure it may still be on its way.
      buffers.give(buffer)
      return rows[0] ?? { positions: [], closed: false }
    },

    read: (
      after: Position.Position,
      limits: EventLog.ReadLimits,
    ): Effect.Effect<ReadonlyArray<EventLog.LogEntry>, StoreError> => {
      const from = numberOf(after)
      return Effect.flatMap(
        database.copy(
          `SELECT * FROM ${schema}.read(${from}, ${whole(limits.maxEntries)}, ${whole(limits.maxBytes)})`,
          entryOf,
        ),
        (entries) =>
          followOn(entries, from ?? 0)
            ? Effect.succeed(entries)
            : Effect.fail(corrupt(`the log's entries after ${from} are not in order`)),
      )
    },

    locate: (time: number): Effect.Effect<Position.Position, StoreError> =>
      Effect.map(
        database.one<{ position: number }>(
          `SELECT ${schema}.first_reaching(tail, head, $1, NULL) - 1 AS position FROM ${schema}.log`,
          [time],
        ),
        ({ position }) => Position.fromNumber(position),
      ),

    head: async (): Promise<Position.Position> => {
      const { rows } = await database.run((client) =>
        client.query<{ head: number }>(`SELECT head FROM ${schema}.log`),
      )
      return Position.fromNumber(rows[0]?.head ?? 0)
    },

    bounds: Effect.map(
      database.one<{ tail: number; head: number; bytes: number; oldestAt: number | null }>(
        `SELECT tail, head, head_bytes - tail_bytes AS bytes, oldest_at AS "oldestAt" FROM ${schema}.log`,
      ),
      ({ tail, head, ...bounds }): EventLog.LogBounds => ({
        tail: Position.fromNumber(tail),
        head: Position.fromNumber(head),
        ...bounds,
      }),
    ),

    stats: (upTo: Position.Position): Effect.Effect<EventLog.LogTotals, StoreError> =>
      database.one<{ entries: number; events: number; bytes: number }>(
        `SELECT entries, events, bytes FROM ${schema}.totals($1)`,
        [numberOf(upTo)],
      ),

    trim: (
      released: Position.Position,
      olderThan: number,
      segmentBytes: number,
    ): Effect.Effect<void, StoreError> =>
      Effect.asVoid(
        database.query(`SELECT ${schema}.trim($1, $2, $3)`, [
          numberOf(released) ?? 0,
          olderThan,
          segmentBytes,
        ]),
      ),

    /** Gives back the room of what has been trimmed, as far as nobody is reading it. */
    reclaim: async (): Promise<void> => {
      await database.run((client) => client.query(`SELECT ${schema}.remember_trimmed()`))
      await database.run((client) => client.query(`SELECT ${schema}.empty_trimmed()`))
    },
  }
}
