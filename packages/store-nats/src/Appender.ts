import { Buffer } from "node:buffer"
import {
  type EventLog,
  GroupCommit,
  monotonicMillis,
  quietSleep,
  type StoreError,
} from "@millrace/core/store"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
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
import type { Stream } from "./Stream.ts"
import type { Turns } from "./Turns.ts"

type Entries = ReadonlyArray<EventLog.NewEntry>

type Places = ReadonlyArray<Place>

interface Call {
  readonly entries: Entries
  readonly now: number
}

/** What has become of the calls of a group so far. */
type Outcomes = Map<Call, GroupCommit.Outcome<Places>>

const unwritten: GroupCommit.Outcome<never> = Effect.die(new TypeError("the call was forgotten"))

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
 * What a group of appends to one partition's stream is: a message, or a few.
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
  readonly #commit: GroupCommit.GroupCommit<Call, Places>
  /**
   * For the next message: a new one each time would have the garbage collector run all the time.
   */
  #buffer: Buffer | undefined
  #isOriented = false
  /**
   * Somebody has waited for the servers as long as a call may take, and nobody has written since.
   */
  #isDown = false

  private constructor(options: AppenderOptions, context: Context.Context<never>) {
    this.#options = options
    this.#commit = GroupCommit.GroupCommit.makeUnsafe(
      {
        place: "server",
        limits: () => limitsOf(options.maxPayload()),
        isEager: true,
        write: (group, bytes) => this.#write(group, bytes),
      },
      context,
    )
  }

  static readonly make = (options: AppenderOptions): Effect.Effect<Appender> =>
    Effect.map(Effect.context<never>(), (context) => new Appender(options, context))

  append(entries: Entries, now: number): Effect.Effect<Places, StoreError> {
    let bytes = 0
    for (const entry of entries) bytes += sizeOf(entry)
    return this.#commit.ask({ entries, now }, { entries: entries.length, bytes })
  }

  readonly close: Effect.Effect<void> = Effect.suspend(() => this.#commit.stop(closed()))

  /** Says what has become of each call, also where the servers have failed others. */
  #write(
    calls: ReadonlyArray<Call>,
    bytes: number,
  ): Effect.Effect<ReadonlyArray<GroupCommit.Outcome<Places>>> {
    const outcomes: Outcomes = new Map()
    return this.#writeInSteps(calls, bytes, outcomes).pipe(
      Effect.as(unwritten),
      Effect.catch((error) =>
        Effect.sync(() => {
          this.#isOriented = false
          const failure = Effect.fail(error)
          // They have waited for the servers already, and would once more.
          if (error.reason._tag === "Unavailable") this.#commit.refuse(failure)
          return failure
        }),
      ),
      Effect.map((rest) => calls.map((call) => outcomes.get(call) ?? rest)),
      Effect.tapDefect(() =>
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
  readonly #writeInSteps = (
    calls: ReadonlyArray<Call>,
    bytes: number,
    outcomes: Outcomes,
  ): Effect.Effect<void, StoreError> =>
    Effect.gen({ self: this }, function* () {
      const { timeout, makeRoom } = this.#options
      // Those who come after somebody has waited in vain need not wait as long.
      const deadline = (yield* monotonicMillis) + (this.#isDown ? 0 : timeout)
      const isLate = Effect.map(monotonicMillis, (now) => now > deadline)
      const places = new Map<EventLog.EntryId, Place>()
      const step = Effect.suspend(() =>
        this.#writeOnce(
          calls.filter((call) => !outcomes.has(call)),
          places,
          outcomes,
        ),
      ).pipe(
        Effect.catch((error) => {
          if (isOutOfRoom(error)) {
            // Fails as before when there is no room to be made.
            return Effect.flatMap(makeRoom(bytes), (made) =>
              made ? Effect.succeed(false) : Effect.fail(error),
            )
          }
          if (!mayPass(error)) return Effect.fail(error)
          this.#isOriented = false
          return Effect.flatMap(isLate, (late) => {
            this.#isDown = late
            return late ? Effect.fail(error) : Effect.as(quietSleep(betweenSteps), false)
          })
        }),
      )
      while (!(yield* step)) {
        if (yield* isLate) {
          return yield* Effect.fail(unavailable(`other processes were faster for ${timeout} ms`))
        }
      }
      this.#isDown = false
    })

  /** `false` when another process was faster. */
  readonly #writeOnce = (
    calls: ReadonlyArray<Call>,
    places: Map<EventLog.EntryId, Place>,
    outcomes: Outcomes,
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
      for (const [call, error] of refused) outcomes.set(call, Effect.fail(error))
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
      for (const call of admitted) outcomes.set(call, Effect.succeed(this.#placesOf(call, places)))
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
