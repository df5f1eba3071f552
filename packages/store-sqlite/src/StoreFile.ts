import {
  EventLog,
  Generations,
  HeadWatch,
  Position,
  StoreError,
  type StoreHealth,
} from "@millrace/core/store"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { toEntries } from "./entries.ts"
import type { Failure } from "./errors.ts"
import { examine } from "./examine.ts"
import { FileMarks, logPathOf } from "./FileMarks.ts"
import { NewestEntries } from "./NewestEntries.ts"
import { closed, fail, full, toEffect } from "./outcomes.ts"
import { unpack } from "./packing.ts"
import type {
  Asked,
  Call,
  MethodName,
  Outcome,
  Reply,
  Returned,
  TableName,
  WorkerOptions,
} from "./protocol.ts"
import { Thread } from "./Thread.ts"
import type { Bounds, ReadEntries } from "./tables/Log.ts"
import type { Appended, Dropped, Known, LogNews, Lost } from "./tables/records.ts"
import { Writer } from "./Writer.ts"

/** How often to look whether another process has appended, in ms. */
const pollInterval = 500

/** A log that is another one each time it is asked is none to wait for. */
const maxTries = 5

export type FileOptions = Omit<WorkerOptions, "mode" | "known" | "marks">

/** The methods of the log that are about positions: they want to know in which generation. */
type PositionMethod = "read" | "locate" | "bounds" | "stats"

/** Is told what has become of the file while it was open. */
export interface Observer {
  /** The log has come back with less than it had given: once for each time. */
  readonly onLost: (file: StoreFile, lost: Lost, fork: Position.Position) => void
  /** A write-ahead log stood beside a file that it was not of, and has been put elsewhere. */
  readonly onPutAside: (path: string) => void
}

export interface Watching extends Observer {
  /** How long a write may take, in ms. */
  readonly patience: number
}

/**
 * A file in use, by two threads with a connection each: what is written shares transactions, what
 * is read never waits for a sync of the disk, and a caller has seen committed what it then reads.
 * What was appended here a moment ago is read from memory.
 *
 * The threads know entries by their numbers. What a number means, the generations of the log say,
 * which may begin while the file is open: somebody puts an earlier copy of it back.
 */
export class StoreFile {
  readonly #options: FileOptions
  readonly #writing: Thread
  readonly #reading: Thread
  readonly #writer: Writer
  readonly #head = new HeadWatch<Position.Position>(Position.origin)
  readonly #newest: NewestEntries
  readonly #observer: Observer
  readonly #marks = new FileMarks()
  #logPath: string
  #generations = new Generations()
  #known: Known | null = null
  #reopening: Promise<void> | undefined
  #closed = false

  /** @param context holds the clock by which it waits */
  constructor(options: FileOptions, { patience, ...observer }: Watching, context: Context.Context<never>) {
    this.#logPath = logPathOf(options.path)
    this.#observer = observer
    this.#options = options
    this.#writing = new Thread(
      () => this.#optionsOf("write"),
      (reply) => this.#heard(reply),
    )
    this.#reading = new Thread(() => this.#optionsOf("read"))
    this.#newest = new NewestEntries(options.path, (number) => this.#generations.positionOf(number))
    this.#writer = new Writer(
      {
        ...{ thread: this.#writing, newest: this.#newest, patience },
        positionsOf: (appended, from, count) => this.#appended(appended, from, count),
      },
      context,
    )
  }

  /**
   * Makes or checks the file, however long that takes: a write-ahead log that a crash has left is
   * read first.
   */
  readonly open: Effect.Effect<void, StoreError> = Effect.suspend(() =>
    Effect.map(
      this.#write<number>({ table: "log", method: "head", parameters: [] }, Number.POSITIVE_INFINITY),
      (head) => {
        this.#logPath = logPathOf(this.#options.path)
        this.#head.advance(this.#generations.positionOf(head))
      },
    ),
  )

  /** Looks whether another process has appended, while somebody waits for that. */
  readonly looking: Effect.Effect<never> = this.#head.looking(
    Effect.suspend(() => this.#poll),
    pollInterval,
  )

  /** Closes the file when everything asked before is done: later requests fail with `Closed`. */
  async close(): Promise<void> {
    this.#closed = true
    this.#head.fail(Effect.fail(closed()))
    await Effect.runPromise(this.#writer.close)
    await this.#reopening
    this.#newest.close()
    // The writer last: the last connection brings the write-ahead log into the file.
    await this.#reading.close()
    await this.#writing.close()
  }

  append(
    entries: ReadonlyArray<EventLog.NewEntry>,
    now: number,
  ): Effect.Effect<ReadonlyArray<Position.Position>, StoreError> {
    return this.#closed ? Effect.fail(closed()) : this.#writer.append(entries, now)
  }

  /** As `read` of the log has it. */
  entries(
    after: Position.Position,
    limits: EventLog.ReadLimits,
    wants?: (envelope: string) => boolean,
  ): Effect.Effect<ReadonlyArray<EventLog.LogEntry>, StoreError> {
    const place = this.#generations.placeOf(after)
    const newest =
      this.#closed || place.kind !== "known" ? undefined : this.#newest.read(place.number, limits, wants)
    return newest === undefined || !this.#isKept()
      ? Effect.map(this.#about<ReadEntries>("read", after, limits), ([read, generations]) =>
          toEntries(unpack(read), read.first, (number) => generations.positionOf(number)),
        )
      : Effect.succeed(newest)
  }

  get bounds(): Effect.Effect<EventLog.LogBounds, StoreError> {
    return Effect.map(this.#about<Bounds>("bounds", null), ([bounds, generations]) => ({
      ...bounds,
      tail: generations.positionOf(bounds.tail),
      head: generations.positionOf(bounds.head),
    }))
  }

  locate(time: number): Effect.Effect<Position.Position, StoreError> {
    return Effect.map(this.#about<number>("locate", null, time), ([number, generations]) =>
      generations.positionOf(number),
    )
  }

  stats(upTo: Position.Position): Effect.Effect<EventLog.LogTotals, StoreError> {
    return Effect.map(this.#about<EventLog.LogTotals>("stats", upTo), ([totals]) => totals)
  }

  /** Says that the entries up to a position lie behind all cursors. */
  release(position: Position.Position): Effect.Effect<void, StoreError> {
    return Effect.gen({ self: this }, function* () {
      for (let tries = 1; tries <= maxTries; tries++) {
        const { current } = this.#generations
        const number = this.#generations.releasedBy(position)
        if (yield* this.write("log", "release", current, number)) return
      }
    })
  }

  /**
   * Drops some of the released entries appended before a time (ms). Returns whether there are more
   * of them.
   */
  dropOlder(olderThan: number): Effect.Effect<boolean, StoreError> {
    const dropOlder = { table: "log", method: "dropOlder", parameters: [olderThan] } as const
    return Effect.map(this.#write<Dropped>(dropOlder), ({ tail, more }) => {
      this.#newest.dropped(tail)
      return more
    })
  }

  /** Succeeds when an append would. */
  get probe(): Effect.Effect<void, StoreError> {
    return Effect.flatMap(
      this.write("log", "probe", EventLog.leastRoom(this.#options.limits.log.maxBytes)),
      (problem) => (problem === null ? Effect.void : Effect.fail(full(problem))),
    )
  }

  get cap(): number {
    return this.#options.limits.log.maxBytes
  }

  /** What is wrong with the file, as far as can be found in a few seconds. */
  get examine(): Effect.Effect<ReadonlyArray<StoreHealth.Finding>> {
    return Effect.suspend(() => examine(this.#optionsOf("read")))
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
    return this.#write({ table, method, parameters })
  }

  read<T extends TableName, M extends MethodName<T>>(
    table: T,
    method: M,
    ...parameters: Asked<T, M>
  ): Effect.Effect<Returned<T, M>, StoreError> {
    return Effect.flatMap(this.#read<Returned<T, M>>({ table, method, parameters }), toEffect)
  }

  #optionsOf(mode: WorkerOptions["mode"]): WorkerOptions {
    return { ...this.#options, mode, known: this.#known, marks: this.#marks.memory }
  }

  #write<A>(call: Call, patience?: number): Effect.Effect<A, StoreError> {
    return Effect.suspend(() =>
      this.#closed ? Effect.fail(closed()) : this.#writer.call(call, patience),
    ) as Effect.Effect<A, StoreError>
  }

  #read<A>(call: Call): Effect.Effect<Outcome<A>, StoreError> {
    return Effect.callback((resume) => {
      if (this.#closed) resume(Effect.fail(closed()))
      else this.#ask(call, (outcome) => resume(Effect.succeed(outcome as Outcome<A>)))
    })
  }

  #ask(call: Call, settle: (outcome: Outcome<unknown>) => void): void {
    this.#reading.post({ kind: "request", appends: null, calls: [call] }, (reply) => {
      settle("kind" in reply ? reply : (reply.calls[0] ?? { kind: "defect", message: "no answer" }))
    })
  }

  /**
   * Asks about a position, if one is given; once more when the log turns out to be another than was
   * believed. Returns what numbers in the answer mean, too: meanwhile they may mean something else.
   */
  #about<A>(
    method: PositionMethod,
    position: Position.Position | null,
    ...parameters: ReadonlyArray<unknown>
  ): Effect.Effect<readonly [answer: A, generations: Generations], StoreError> {
    return Effect.gen({ self: this }, function* () {
      for (let tries = 1; ; tries++) {
        const generations = this.#generations
        const { current } = generations
        const place = position === null ? null : generations.placeOf(position)
        if (place?.kind === "lost") return yield* this.#lostPosition(position!)
        // What no log of this kind made is outside of any.
        const numbers = place === null ? [] : [place.kind === "known" ? place.number : Number.NaN]
        const call: Call = { table: "log", method, parameters: [current, ...numbers, ...parameters] }
        const outcome = yield* this.#read<A>(call)
        if (tries < maxTries && !this.#isKept()) {
          yield* this.#look
          continue
        }
        if (outcome.kind === "done") return [outcome.value, generations] as const
        if (tries < maxTries && (yield* this.#isAnother(outcome, numbers[0], current))) continue
        if (outcome.kind !== "outside") return yield* fail(outcome)
        return yield* this.#outOfRange(position ?? Position.origin, outcome.tail, outcome.head)
      }
    })
  }

  /** Whether the log has become another since a question about a number of a generation failed. */
  #isAnother(
    failure: Failure,
    number: number | undefined,
    generation: number,
  ): Effect.Effect<boolean, StoreError> {
    const isDoubtful =
      failure.kind === "another" ||
      (failure.kind === "outside" && number !== undefined && number > failure.head)
    return isDoubtful
      ? Effect.map(this.#look, () => this.#generations.current !== generation)
      : Effect.succeed(false)
  }

  #lostPosition(position: Position.Position): Effect.Effect<never, StoreError> {
    return Effect.flatMap(this.#about<Bounds>("bounds", null), ([{ tail, head }]) =>
      this.#outOfRange(position, tail, head),
    )
  }

  #outOfRange(position: Position.Position, tail: number, head: number): Effect.Effect<never, StoreError> {
    const ends = { tail: this.#generations.positionOf(tail), head: this.#generations.positionOf(head) }
    return Effect.fail(
      new StoreError({
        reason: { _tag: "OutOfRange", ...ends, resumeAt: this.#generations.resumeAt(position, tail) },
        message: `the position is outside the log, which holds those after "${ends.tail}" up to "${ends.head}"`,
      }),
    )
  }

  /** Whether nobody else has been at the files, as far as can be seen. */
  #isKept(): boolean {
    return this.#marks.areKept(this.#options.path, this.#logPath)
  }

  /**
   * Finds out whether the log still is the one that is known, and what it is if not: as whatever is
   * written does.
   */
  get #look(): Effect.Effect<void, StoreError> {
    return Effect.asVoid(this.write("log", "head"))
  }

  get #poll(): Effect.Effect<void> {
    const { current } = this.#generations
    const bounds = this.#read<Bounds>({ table: "log", method: "bounds", parameters: [current] })
    const poll = Effect.flatMap(bounds, (outcome) => {
      const isKept = this.#isKept()
      if (isKept && outcome.kind === "done") {
        const { tail, head } = outcome.value
        if (this.#known === null || head >= this.#known.head.position) {
          this.#newest.dropped(tail)
          this.#head.advance(this.#generations.positionOf(head))
          return Effect.void
        }
      } else if (isKept && outcome.kind !== "another") return Effect.void
      return this.#look
    })
    // Those who wait go on to do so.
    return Effect.asVoid(Effect.exit(poll))
  }

  /** Before whoever asked is answered: positions may mean something else from now on. */
  #heard({ news, putAside, isLost }: Reply): void {
    if (putAside !== undefined) this.#observer.onPutAside(putAside)
    if (news !== undefined) this.#learn(news)
    if (isLost) this.#reopening = this.#reopen()
  }

  #learn({ known, lost }: LogNews): void {
    this.#known = known
    const { forks, head } = known
    if (forks.at(-1)?.generation === this.#generations.current) return
    this.#generations = new Generations(forks)
    if (lost === null) return
    this.#newest.forget()
    const fork = this.#generations.positionOf(lost.after)
    this.#observer.onLost(this, lost, fork)
    this.#head.fallBack(this.#generations.positionOf(head.position))
  }

  /** The reader first: it would go on reading from a log that is begun anew elsewhere. */
  async #reopen(): Promise<void> {
    const resumeReading = await this.#reading.pause()
    const resumeWriting = await this.#writing.pause()
    resumeWriting()
    resumeReading()
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
      const position = this.#generations.positionOf(numbers[entry] ?? 0)
      positions.push(position)
      if (position > last) last = position
    }
    this.#head.advance(last)
    return Effect.succeed(positions)
  }
}
