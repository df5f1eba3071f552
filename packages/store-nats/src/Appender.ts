import { Buffer } from "node:buffer"
import type { EventLog, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { betweenSteps } from "./Connection.ts"
import { capReached, closed, isOutOfRoom, mayPass, unavailable } from "./errors.ts"
import type { LogHead } from "./LogHead.ts"
import {
  divide,
  fill,
  type LogRecord,
  lengthOf,
  limitsOf,
  makeRecord,
  type Place,
  partsOf,
  type RecordLimits,
  sizeOf,
} from "./LogRecord.ts"
import type { LogRecords } from "./LogRecords.ts"
import type { LogTail } from "./LogTail.ts"
import { pause } from "./pause.ts"
import type { Stream } from "./Stream.ts"
import type { Turns } from "./Turns.ts"

type Entries = ReadonlyArray<EventLog.NewEntry>

interface Call {
  readonly entries: Entries
  readonly now: number
  readonly size: number
  readonly settle: (outcome: Effect.Effect<ReadonlyArray<Place>, StoreError>) => void
}

/** What a process may hold in memory for servers that do not keep up. */
const maxWaitingBytes = 32 * 1024 * 1024

export interface AppenderOptions {
  readonly stream: Stream
  readonly subject: string
  readonly records: LogRecords
  readonly head: LogHead
  readonly tail: LogTail
  readonly turns: Turns
  readonly maxBytes: number
  /** The most bytes of a message with its headers. */
  readonly maxPayload: () => number
  /** Before each message: what it needs on the server, where room is short. */
  readonly admit: Effect.Effect<void, StoreError>
  /**
   * After a message that the server had no room for: says whether there is room for so many bytes
   * now.
   */
  readonly makeRoom: (bytes: number) => Effect.Effect<boolean, StoreError>
  /** Before the first append, after a lost connection and after a write whose end is not known. */
  readonly orient: Effect.Effect<void, StoreError>
  /** After a message that another process was faster than. */
  readonly realign: Effect.Effect<void, StoreError>
  /**
   * Whether the connection is another than at the last `orient`, or the log has been found to be
   * another.
   */
  readonly isLost: () => boolean
  /** How long a call may be refused by the writes of others, in ms. */
  readonly timeout: number
  /** Tells the other processes how far the log is. */
  readonly announce: (record: LogRecord) => void
  /** Asks them for so many ms to write an entry of several messages. */
  readonly claim: (duration: number) => void
}

/**
 * Group commit into one partition's stream: what arrives while a message is under way shares the
 * next one.
 *
 * Each message names the sequence number it follows and is refused after any other
 * (`Nats-Expected-Last-Sequence`). So it can carry running sums, a time that never goes back and
 * one index of ids, all exact with several processes, and a reader needs no state. A process that
 * is refused reads what came in between and tries again. One message at a time suffices: twenty
 * entries of 26 KB in each are faster than a hundred messages of one entry under way (measured: 400
 * MB/s against 200 MB/s), and a chain of expectations under way would let the second half of a cut
 * entry follow another process's message.
 */
export class Appender {
  readonly #options: AppenderOptions
  readonly #work = Latch.makeUnsafe(false)
  #calls: Array<Call> = []
  #waitingBytes = 0
  /**
   * For the next message: a new one each time would have the garbage collector run all the time.
   */
  #buffer: Buffer | undefined
  #isOriented = false
  /**
   * Somebody has waited for the servers as long as a call may take, and nobody has written since.
   */
  #isDown = false
  #closed = false

  constructor(options: AppenderOptions) {
    this.#options = options
  }

  append(entries: Entries, now: number): Effect.Effect<ReadonlyArray<Place>, StoreError> {
    return Effect.callback((resume) => {
      if (this.#closed) {
        resume(Effect.fail(closed()))
        return
      }
      const size = entries.reduce((sum, entry) => sum + sizeOf(entry), 0)
      if (this.#waitingBytes > 0 && this.#waitingBytes + size > maxWaitingBytes) {
        resume(
          Effect.fail(
            unavailable(`the server does not keep up: ${maxWaitingBytes} bytes wait to be written`),
          ),
        )
        return
      }
      this.#waitingBytes += size
      const call: Call = {
        entries,
        now,
        size,
        settle: (outcome) => {
          this.#waitingBytes -= size
          resume(outcome)
        },
      }
      this.#calls.push(call)
      this.#work.openUnsafe()
      return Effect.sync(() => {
        const waiting = this.#calls.indexOf(call)
        if (waiting === -1) return
        this.#calls.splice(waiting, 1)
        this.#waitingBytes -= size
      })
    })
  }

  /** Forever. To an idle appender, what arrives in one turn of the event loop is one message. */
  readonly run: Effect.Effect<never> = Effect.forever(
    Effect.suspend(() => {
      if (this.#calls.length > 0) return this.#commit(this.#take())
      this.#work.closeUnsafe()
      return Effect.andThen(this.#work.await, nextTurn)
    }),
  )

  /** What is under way ends as it will. */
  close(): void {
    this.#closed = true
    this.#refuse(closed())
  }

  /** Fails what waits. */
  #refuse(error: StoreError): void {
    const waiting = this.#calls
    this.#calls = []
    for (const { settle } of waiting) settle(Effect.fail(error))
  }

  /** The first calls that fill a message, at least one. */
  #take(): ReadonlyArray<Call> {
    const limits = limitsOf(this.#options.maxPayload())
    let count = 0
    let entries = 0
    let bytes = 0
    for (const call of this.#calls) {
      entries += call.entries.length
      bytes += call.size
      if (count > 0 && (entries > limits.entries || bytes > limits.bytes)) break
      count += 1
    }
    return this.#calls.splice(0, count)
  }

  /** Settles every call of the group, also when this is interrupted. */
  #commit(calls: ReadonlyArray<Call>): Effect.Effect<void> {
    const open = new Set(calls)
    const settle = (call: Call, outcome: Effect.Effect<ReadonlyArray<Place>, StoreError>): void => {
      // What waits is sent first: those who called go on while the server has it.
      if (open.delete(call)) setImmediate(() => call.settle(outcome))
    }
    return this.#write(open, settle).pipe(
      Effect.catch((error) =>
        Effect.sync(() => {
          this.#isOriented = false
          for (const call of open) settle(call, Effect.fail(error))
          // They have waited for the servers already, and would once more.
          if (error.reason._tag === "Unavailable") this.#refuse(error)
        }),
      ),
      Effect.onExit((exit) =>
        Effect.sync(() => {
          const outcome =
            exit._tag === "Failure" && !this.#closed ? Effect.failCause(exit.cause) : Effect.fail(closed())
          for (const call of open) settle(call, outcome)
        }),
      ),
      // Those who called have it.
      Effect.catchDefect(() =>
        Effect.sync(() => {
          this.#isOriented = false
        }),
      ),
    )
  }

  /**
   * In steps, of which the next begins anew with what there is then: after other processes' writes,
   * and after a leader that has died.
   */
  readonly #write = (
    open: ReadonlySet<Call>,
    settle: (call: Call, outcome: Effect.Effect<ReadonlyArray<Place>, StoreError>) => void,
  ): Effect.Effect<void, StoreError> =>
    Effect.gen({ self: this }, function* () {
      const { timeout } = this.#options
      // Those who come after somebody has waited in vain need not wait as long.
      const deadline = performance.now() + (this.#isDown ? 0 : timeout)
      const isLate = () => performance.now() > deadline
      const places = new Map<EventLog.EntryId, Place>()
      const step = Effect.suspend(() => this.#writeOnce([...open], places, settle)).pipe(
        Effect.catch((error) => {
          if (isOutOfRoom(error)) return this.#afterFull(error, [...open])
          if (!mayPass(error)) return Effect.fail(error)
          this.#isOriented = false
          this.#isDown = isLate()
          return this.#isDown ? Effect.fail(error) : Effect.as(pause(betweenSteps), false)
        }),
      )
      while (!(yield* step)) {
        if (isLate()) {
          return yield* Effect.fail(unavailable(`other processes were faster for ${timeout} ms`))
        }
      }
      this.#isDown = false
    })

  /** Fails as before when there is no room to be made. */
  readonly #afterFull = (error: StoreError, calls: ReadonlyArray<Call>): Effect.Effect<false, StoreError> => {
    const bytes = calls.reduce((sum, { size }) => sum + size, 0)
    return Effect.flatMap(this.#options.makeRoom(bytes), (made) =>
      made ? Effect.succeed(false) : Effect.fail(error),
    )
  }

  /** `false` when another process was faster. */
  readonly #writeOnce = (
    calls: ReadonlyArray<Call>,
    places: Map<EventLog.EntryId, Place>,
    settle: (call: Call, outcome: Effect.Effect<ReadonlyArray<Place>, StoreError>) => void,
  ): Effect.Effect<boolean, StoreError> =>
    Effect.gen({ self: this }, function* () {
      const { admit, claim, head, isLost, maxPayload, orient, realign, turns } = this.#options
      if (!this.#isOriented || isLost()) {
        yield* orient
        this.#isOriented = true
      }
      yield* admit
      yield* turns.wait
      if (head.isBehind) yield* head.catchUp
      const { fresh, refused } = yield* this.#admit(calls, places)
      for (const [call, error] of refused) settle(call, Effect.fail(error))
      const admitted = calls.filter((call) => !refused.has(call))
      const now = Math.max(head.appendedAt, ...admitted.map((call) => call.now))
      const limits = limitsOf(maxPayload())
      for (const entries of divide(fresh, limits)) {
        const record = makeRecord(entries, head.mark, now, head.lastSeq, limits)
        if (record.messages > 1) claim(turns.claimFor(record.messages))
        const began = performance.now()
        if (!(yield* this.#publish(record, entries, limits))) {
          yield* realign
          return false
        }
        turns.wrote((performance.now() - began) / record.messages)
        this.#remember(record, places)
      }
      for (const call of admitted) settle(call, Effect.succeed(this.#placesOf(call, places)))
      return true
    })

  /**
   * The entries of the calls that are not in the log yet, as far as there is room for them: a call
   * whole or not at all.
   */
  readonly #admit = (calls: ReadonlyArray<Call>, places: ReadonlyMap<EventLog.EntryId, Place>) =>
    Effect.gen({ self: this }, function* () {
      const { head, tail, maxBytes } = this.#options
      const fresh = new Map<EventLog.EntryId, EventLog.NewEntry>()
      const refused = new Map<Call, StoreError>()
      let bytes = 0
      for (const call of calls) {
        const own = new Map<EventLog.EntryId, EventLog.NewEntry>()
        let size = 0
        for (const entry of call.entries) {
          const { id } = entry
          if (places.has(id) || head.recent.placeOf(id) !== undefined || fresh.has(id) || own.has(id))
            continue
          own.set(id, entry)
          size += sizeOf(entry)
        }
        if (size > 0 && !(yield* tail.makeRoom(bytes + size, maxBytes))) {
          refused.set(call, capReached(maxBytes))
          continue
        }
        bytes += size
        for (const [id, entry] of own) fresh.set(id, entry)
      }
      return { fresh: [...fresh.values()], refused }
    })

  /** `false` when another process was faster. */
  readonly #publish = (
    record: LogRecord,
    entries: Entries,
    limits: RecordLimits,
  ): Effect.Effect<boolean, StoreError> =>
    Effect.gen({ self: this }, function* () {
      const { stream, subject } = this.#options
      const buffer = this.#takeBuffer(lengthOf(record), limits)
      let after = record.seq - record.messages
      for (const part of partsOf(record, fill(buffer, entries), limits)) {
        if ((yield* stream.publishOnce({ subject, ...part, afterSequence: after })) === null) return false
        after += 1
      }
      // Not after a failure: the client may still have it to send.
      if (record.messages === 1) this.#buffer = buffer
      return true
    })

  #takeBuffer(length: number, limits: RecordLimits): Buffer {
    const kept = this.#buffer
    this.#buffer = undefined
    return kept !== undefined && kept.byteLength >= length
      ? kept
      : Buffer.allocUnsafeSlow(Math.max(length, limits.bytes))
  }

  #remember(record: LogRecord, places: Map<EventLog.EntryId, Place>): void {
    const { head, records, announce } = this.#options
    records.hold(record)
    head.advance(record)
    announce(record)
    const first = record.after.place - (record.pieces.length - 1)
    for (const [index, { id }] of record.pieces.entries()) places.set(id, first + index)
  }

  #placesOf({ entries }: Call, places: ReadonlyMap<EventLog.EntryId, Place>): ReadonlyArray<Place> {
    return entries.map(({ id }) => places.get(id) ?? this.#options.head.recent.placeOf(id) ?? 0)
  }
}

const nextTurn: Effect.Effect<void> = Effect.callback((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
