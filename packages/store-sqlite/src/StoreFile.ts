import { EventLog, KnownHead, Position, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { toEntries } from "./entries.ts"
import type { Failure } from "./errors.ts"
import { NewestEntries } from "./NewestEntries.ts"
import { unpack } from "./packing.ts"
import type { Asked, Call, MethodName, Outcome, Returned, TableName, WorkerOptions } from "./protocol.ts"
import { Thread } from "./Thread.ts"
import type { Bounds } from "./tables/Log.ts"
import type { Appended, Dropped } from "./tables/records.ts"
import { Writer } from "./Writer.ts"

/** How often to look whether another process has appended, in ms. */
const pollInterval = 500

const full = (message: string): StoreError => new StoreError({ reason: { _tag: "Full" }, message })

const closed = (): StoreError =>
  new StoreError({ reason: { _tag: "Closed" }, message: "the store has been closed" })

export const fail = (failure: Failure): Effect.Effect<never, StoreError> => {
  switch (failure.kind) {
    case "refused":
      return Effect.fail(new StoreError({ reason: failure.reason, message: failure.message }))
    case "outside": {
      const tail = Position.fromNumber(failure.tail)
      const head = Position.fromNumber(failure.head)
      return Effect.fail(
        new StoreError({
          reason: { _tag: "OutOfRange", tail, head, resumeAt: tail },
          message: `the position is outside the log, which holds those after "${tail}" up to "${head}"`,
        }),
      )
    }
    case "defect":
      return Effect.die(new Error(failure.message))
  }
}

const toEffect = <A>(outcome: Outcome<A>): Effect.Effect<A, StoreError> =>
  outcome.kind === "done" ? Effect.succeed(outcome.value) : fail(outcome)

/**
 * A file in use, by two threads with a connection each: what is written shares transactions, what is read never waits for
 * a sync of the disk, and a caller has seen committed what it then reads. What was appended here a moment ago is read from memory.
 */
export class StoreFile {
  readonly #maxBytes: number
  readonly #writing: Thread
  readonly #reading: Thread
  readonly #writer: Writer
  readonly #head: KnownHead
  readonly #newest: NewestEntries
  #closed = false

  /** @param patience how long a write may take, in ms */
  constructor(options: Omit<WorkerOptions, "mode">, patience: number) {
    this.#maxBytes = options.limits.log.maxBytes
    // The reader first: it would go on reading from a log that is begun anew elsewhere.
    const reopen = async () => {
      await this.#reading.reopen()
      await this.#writing.reopen()
    }
    this.#writing = new Thread({ ...options, mode: "write" }, () => void reopen())
    this.#reading = new Thread({ ...options, mode: "read" })
    this.#newest = new NewestEntries(options.path)
    this.#writer = new Writer(this.#writing, this.#newest, patience)
    this.#head = new KnownHead(
      () =>
        this.#ask({ table: "log", method: "bounds", parameters: [] }, (outcome) => {
          if (outcome.kind !== "done") return
          const { tail, head } = outcome.value as Bounds
          this.#newest.dropped(tail)
          this.#head.advance(Position.fromNumber(head))
        }),
      pollInterval,
    )
  }

  /** Makes or checks the file, however long that takes: a write-ahead log that a crash has left is read first. */
  readonly open: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(
      this.#call<number>({ table: "log", method: "head", parameters: [] }, (call, settle) =>
        this.#writer.call(call, settle, Number.POSITIVE_INFINITY),
      ),
      (head) => this.#head.advance(Position.fromNumber(head)),
    ),
  )

  /** Closes the file when everything asked before is done: later requests fail with `Closed`. */
  async close(): Promise<void> {
    this.#closed = true
    this.#head.close(closed())
    await this.#writer.drained()
    this.#newest.close()
    // The writer last: the last connection brings the write-ahead log into the file.
    await this.#reading.close()
    await this.#writing.close()
  }

  append(
    entries: ReadonlyArray<EventLog.NewEntry>,
    now: number,
  ): Effect.Effect<ReadonlyArray<Position.Position>, StoreError> {
    return Effect.callback((resume) => {
      if (this.#closed) {
        resume(Effect.fail(closed()))
        return
      }
      this.#writer.append(entries, now, (outcome, from) => {
        resume(outcome.kind === "done" ? this.#appended(outcome.value, from, entries.length) : fail(outcome))
      })
    })
  }

  /** As `read` of the log has it. */
  entries(
    after: Position.Position,
    limits: EventLog.ReadLimits,
    wants?: (envelope: string) => boolean,
  ): Effect.Effect<ReadonlyArray<EventLog.LogEntry>, StoreError> {
    const number = Position.toNumber(after)
    const newest = this.#closed ? undefined : this.#newest.read(number, limits, wants)
    return newest === undefined
      ? Effect.map(this.read("log", "read", number, limits), (read) => toEntries(unpack(read), read.first))
      : Effect.succeed(newest)
  }

  /** Drops some of the released entries appended before a time (ms). Returns whether there are more of them. */
  dropOlder(olderThan: number): Effect.Effect<boolean, StoreError> {
    const dropOlder = { table: "log", method: "dropOlder", parameters: [olderThan] } as const
    return this.#call(dropOlder, (call, settle) =>
      this.#writer.call(call, (outcome) => {
        if (outcome.kind !== "done") return settle(outcome)
        const { tail, more } = outcome.value as Dropped
        this.#newest.dropped(tail)
        settle({ kind: "done", value: more })
      }),
    )
  }

  /** Succeeds when an append would. */
  get probe(): Effect.Effect<void, StoreError> {
    return Effect.flatMap(this.write("log", "probe", EventLog.leastRoom(this.#maxBytes)), (problem) =>
      problem === null ? Effect.void : Effect.fail(full(problem)),
    )
  }

  wait(after: Position.Position): Effect.Effect<void, StoreError> {
    return this.#closed ? Effect.fail(closed()) : this.#head.wait(after)
  }

  /** In a transaction, together with what others write. */
  write<T extends TableName, M extends MethodName<T>>(
    table: T,
    method: M,
    ...parameters: Asked<T, M>
  ): Effect.Effect<Returned<T, M>, StoreError> {
    return this.#call({ table, method, parameters }, (call, settle) => this.#writer.call(call, settle))
  }

  read<T extends TableName, M extends MethodName<T>>(
    table: T,
    method: M,
    ...parameters: Asked<T, M>
  ): Effect.Effect<Returned<T, M>, StoreError> {
    return this.#call({ table, method, parameters }, (call, settle) => this.#ask(call, settle))
  }

  #call<A>(
    call: Call,
    perform: (call: Call, settle: (outcome: Outcome<unknown>) => void) => void,
  ): Effect.Effect<A, StoreError> {
    return Effect.callback((resume) => {
      if (this.#closed) resume(Effect.fail(closed()))
      else perform(call, (outcome) => resume(toEffect(outcome as Outcome<A>)))
    })
  }

  #ask(call: Call, settle: (outcome: Outcome<unknown>) => void): void {
    this.#reading.post({ kind: "request", appends: null, calls: [call] }, (reply) => {
      settle("kind" in reply ? reply : (reply.calls[0] ?? { kind: "defect", message: "no answer" }))
    })
  }

  #appended(
    { positions: numbers, full: problem }: Appended,
    from: number,
    count: number,
  ): Effect.Effect<ReadonlyArray<Position.Position>, StoreError> {
    if (numbers[from] === 0 && count > 0) {
      return Effect.fail(full(problem ?? "the log is full"))
    }
    const positions: Array<Position.Position> = []
    let last = Position.origin
    for (let entry = from; entry < from + count; entry++) {
      const position = Position.fromNumber(numbers[entry] ?? 0)
      positions.push(position)
      if (position > last) last = position
    }
    this.#head.advance(last)
    return Effect.succeed(positions)
  }
}
