import { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { type LogRecord, lengthOf, type RecordIndex, readIndex, readRecord } from "./LogRecord.ts"
import type { Message, Stream } from "./Stream.ts"

/**
 * What is held of the records read or written last, in bytes: those who follow the head find what
 * was just appended here.
 */
const maxHeldBytes = 4 * 1024 * 1024

/** Bytes of an entry beside its own: its id, its lengths, the objects they are in. */
const entryOverhead = 300

/** Messages asked for at once. */
const concurrency = 16

type Found = Effect.Effect<LogRecord | null, StoreError>

/** What a number's message is: the end of a record, a part or a rest of one, or not there. */
export type Slot = LogRecord | "part" | "missing"

/** The records of one partition, by the sequence number of their last message. */
export interface LogRecords {
  readonly look: (seq: number) => Effect.Effect<Slot, StoreError>
  /** The same, as the stream has it now, whatever is remembered. */
  readonly lookAgain: (seq: number) => Effect.Effect<RecordIndex | null, StoreError>
  /** The records of the numbers from one up to another. */
  readonly range: (from: number, to: number) => Effect.Effect<ReadonlyArray<Slot>, StoreError>
  /** The first that ends between two numbers. */
  readonly first: (from: number, to: number) => Found
  /** The first between two numbers for which a condition holds that holds for all after it, too. */
  readonly firstWhere: (from: number, to: number, holds: (record: LogRecord) => boolean) => Found
  /** Remembers one that has been written. */
  readonly hold: (record: LogRecord) => void
  /** Those behind a number are no longer what the stream has. */
  readonly forgetAfter: (seq: number) => void
}

const decode = (
  message: Message,
  earlier?: ReadonlyArray<Uint8Array>,
): Effect.Effect<LogRecord | "part", StoreError> =>
  Effect.try({
    try: () => readRecord(message, earlier) ?? "part",
    catch: (error) => {
      if (error instanceof StoreError) return error
      throw error
    },
  })

const costOf = (record: LogRecord): number => lengthOf(record) + record.pieces.length * entryOverhead

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
    removeAfter: (last: number): void => {
      for (const [seq, record] of held) {
        if (seq <= last) continue
        held.delete(seq)
        bytes -= costOf(record)
      }
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
    return earlier.length < seqs.length ? "missing" : yield* decode(last, earlier)
  })

  const fetch = Effect.fnUntraced(function* (seq: number): Effect.fn.Return<Slot, StoreError> {
    const message = yield* stream.get(seq)
    if (message === null) return "missing"
    const slot = yield* decode(message)
    if (slot === "part") return slot
    const whole = slot.messages === 1 ? slot : yield* assemble(message, slot.messages)
    if (typeof whole === "object") held.add(whole)
    return whole
  })

  const look = (seq: number): Effect.Effect<Slot, StoreError> => {
    const known = held.get(seq)
    return known === undefined ? fetch(seq) : Effect.succeed(known)
  }

  const lookAgain = (seq: number): Effect.Effect<RecordIndex | null, StoreError> =>
    Effect.map(stream.getFresh(seq), (message) =>
      message === null ? null : readIndex(message.header, message.seq),
    )

  const range = (from: number, to: number) =>
    Effect.forEach(
      Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index),
      look,
      { concurrency },
    )

  const first = Effect.fnUntraced(function* (from: number, to: number) {
    let seq = from
    while (seq <= to) {
      const slot = yield* look(seq)
      if (typeof slot === "object") return slot
      // Over what has been dropped in one step.
      const next = slot === "part" ? null : yield* stream.next(subject, seq)
      if (slot === "missing" && next === null) return null
      seq = Math.max(seq + 1, next?.seq ?? 0)
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

  return { look, lookAgain, range, first, firstWhere, hold: held.add, forgetAfter: held.removeAfter }
}
