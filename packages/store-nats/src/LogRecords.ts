import { StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import { type LogRecord, readRecord } from "./LogRecord.ts"
import type { Message, Stream } from "./Stream.ts"

/** What is held of the records read or written last, in bytes: those who follow the head find what was just appended here. */
const maxHeldBytes = 4 * 1024 * 1024

/** Of an entry, beside its own: its id, its lengths, the objects they are in. */
const entryOverhead = 300

/** Messages asked for at once. */
const concurrency = 16

type Found = Effect.Effect<LogRecord | null, StoreError>

/** The records of one partition, by the sequence number of their last message. */
export interface LogRecords {
  /** `null` for a number whose message is gone, is not there yet, or does not end a record. */
  readonly get: (seq: number) => Found
  /** Those that end from one number up to another, in order. */
  readonly range: (from: number, to: number) => Effect.Effect<ReadonlyArray<LogRecord>, StoreError>
  /** The first that ends between two numbers. */
  readonly first: (from: number, to: number) => Found
  /** The last that ends between two numbers. */
  readonly last: (from: number, to: number) => Found
  /** The first between two numbers for which a condition holds that holds for all after it, too. */
  readonly firstWhere: (from: number, to: number, holds: (record: LogRecord) => boolean) => Found
  /** Remembers one that has been written. */
  readonly hold: (record: LogRecord) => void
  /** Those remembered may no longer be what the stream has. */
  readonly forget: () => void
}

const decode = (message: Message, earlier?: ReadonlyArray<Uint8Array>): Found =>
  Effect.try({
    try: () => readRecord(message, earlier),
    catch: (error) => {
      if (error instanceof StoreError) return error
      throw error
    },
  })

const costOf = ({ payload, pieces }: LogRecord): number => payload.byteLength + pieces.length * entryOverhead

const makeHeld = () => {
  const held = new Map<number, LogRecord>()
  let bytes = 0
  return {
    get: (seq: number): LogRecord | undefined => held.get(seq),
    add: (record: LogRecord): void => {
      // Not for one that would push out all others.
      if (costOf(record) > maxHeldBytes / 2 || held.has(record.seq)) return
      held.set(record.seq, record)
      bytes += costOf(record)
      for (const [seq, oldest] of held) {
        if (bytes <= maxHeldBytes) return
        held.delete(seq)
        bytes -= costOf(oldest)
      }
    },
    clear: (): void => {
      held.clear()
      bytes = 0
    },
  }
}

export const make = (stream: Stream, subject: string): LogRecords => {
  const held = makeHeld()

  const assemble = Effect.fnUntraced(function* (last: Message, messages: number) {
    const seqs = Array.from({ length: messages - 1 }, (_, part) => last.seq - messages + 1 + part)
    const found = yield* Effect.forEach(seqs, stream.get, { concurrency })
    const earlier = found.flatMap((message) => (message === null ? [] : [message.data]))
    // It is being dropped.
    return earlier.length < seqs.length ? null : yield* decode(last, earlier)
  })

  const fetch = Effect.fnUntraced(function* (seq: number) {
    const message = yield* stream.get(seq)
    const record = message === null ? null : yield* decode(message)
    if (message === null || record === null) return null
    const whole = record.messages === 1 ? record : yield* assemble(message, record.messages)
    if (whole !== null) held.add(whole)
    return whole
  })

  const get = (seq: number): Found => {
    const known = held.get(seq)
    return known === undefined ? fetch(seq) : Effect.succeed(known)
  }

  const range = (from: number, to: number) =>
    Effect.map(
      Effect.forEach(
        Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index),
        get,
        { concurrency },
      ),
      (records) => records.filter((record) => record !== null),
    )

  const first = Effect.fnUntraced(function* (from: number, to: number) {
    let seq = from
    while (seq <= to) {
      const record = yield* get(seq)
      if (record !== null) return record
      // Over what has been dropped in one step.
      const next = yield* stream.next(subject, seq)
      if (next === null) return null
      seq = Math.max(seq + 1, next.seq)
    }
    return null
  })

  const last = Effect.fnUntraced(function* (from: number, to: number) {
    for (let seq = to; seq >= from; seq--) {
      const record = yield* get(seq)
      if (record !== null) return record
    }
    return null
  })

  const firstWhere = Effect.fnUntraced(function* (
    from: number,
    to: number,
    holds: (record: LogRecord) => boolean,
  ) {
    let low = from
    let high = to + 1
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const record = yield* first(middle, to)
      if (record === null || holds(record)) high = middle
      else low = record.seq + 1
    }
    return yield* first(low, to)
  })

  return { get, range, first, last, firstWhere, hold: held.add, forget: held.clear }
}
