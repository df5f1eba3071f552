/**
 * For stores: group commit. What is asked for while a write is under way shares the next one, and
 * so one sync of a disk, or one round trip to a server. A store says what a write is ({@link
 * Options.write}) and how large a group may be; the queue, its bounds and its end are these.
 *
 * What is asked for passes through
 *
 * ```
 *  ask ──► refused: no room, closed, or a write that hangs
 *   │
 *   ▼           interrupted, late, refused by the store, or stopped
 * waiting ──────────────────────────────────────────────► ended: never written
 *   │
 *   ▼           interrupted, late, or stopped
 * under way ────────────────────────────────────────────► ended: written or not
 *   │
 *   ▼
 * ended: with what the write says of it, or as the whole write has failed
 * ```
 *
 * and is answered once, whatever happens:
 *
 * - Groups are taken in the order in which they were asked for, as much as {@link GroupLimits}
 *   allow, and at least one, however large it is. What weighs nothing goes with the next group.
 * - No more than {@link Options.writes} are under way at a time.
 * - What waits and what is under way never weigh more than the {@link Backlog} has room for, but
 *   for one that is larger and alone. What is beyond that fails at once with `Unavailable`.
 * - A write that fails, fails its group and nobody else: a store that knows better calls {@link
 *   GroupCommit.refuse}.
 * - What has waited longer than its time limit fails with `Unavailable`, by Effect's clock; and for
 *   as long as a write takes longer than that, so does at once whatever is asked for. What is late
 *   under way weighs on: the write still has it in memory.
 * - {@link GroupCommit.close} lets what was asked for end as it will, {@link GroupCommit.stop} does
 *   not.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import { monotonicMillisOf } from "../base/monotonic.ts"
import { quietSleep } from "../base/quietSleep.ts"
import { Backlog, type GroupLimits, usualLimits, type Weight } from "./Backlog.ts"
import { StoreError } from "./StoreError.ts"

export { Backlog, type GroupLimits, usualLimits, type Weight } from "./Backlog.ts"

/** What becomes of one that was asked for. */
export type Outcome<A> = Effect.Effect<A, StoreError>

export interface Options<Item, Answer> {
  /**
   * Writes a group, and says what has become of each in its order. It may fail as a whole. It is
   * interrupted by {@link GroupCommit.stop} only.
   *
   * @param bytes what the group weighs
   */
  readonly write: (
    group: ReadonlyArray<Item>,
    bytes: number,
  ) => Effect.Effect<ReadonlyArray<Outcome<Answer>>, StoreError>
  /** What does not keep up, in messages. */
  readonly place: "disk" | "server"
  /** {@link usualLimits} by default; asked for each group, where it depends on the server. */
  readonly limits?: () => GroupLimits
  /** Its own by default. */
  readonly backlog?: Backlog
  /** How many writes may be under way at a time: 1 by default. */
  readonly writes?: number
  /**
   * How many bytes have to wait for a write to begin beside another: 0 by default. Fewer are better
   * off together.
   */
  readonly besideFrom?: number
  /**
   * Turns of the event loop from when something is asked for to a write, 1 by default: what arrives
   * together is written together.
   */
  readonly turns?: number
  /**
   * Whether the next write begins at once behind one, and those who asked hear of that a turn
   * later: the server has the next while they go on.
   */
  readonly isEager?: boolean
  /** Makes for each group what says whether one more may be in it. */
  readonly joining?: () => (item: Item) => boolean
  /** How long anything may take, in ms: as long as it will by default. */
  readonly patience?: number
}

interface Asked<Item, Answer> extends Weight {
  readonly item: Item
  /** When it is late, by the monotonic clock, in ms. */
  readonly until: number
  /** `null` once it has been answered, or nobody asks any more. */
  resume: ((outcome: Outcome<Answer>) => void) | null
}

/** A write under way. */
interface UnderWay<Item, Answer> {
  readonly bytes: number
  readonly group: ReadonlyArray<Asked<Item, Answer>>
  readonly since: number
  fiber?: Fiber.Fiber<ReadonlyArray<Outcome<Answer>>, StoreError>
}

const unavailable = (message: string): StoreError => {
  const error = new StoreError({ reason: { _tag: "Unavailable" }, message })
  // Until it is read, V8 keeps everything that the calls on the stack hold: the bodies of what is
  // refused.
  void error.stack
  return error
}

const unanswered: Outcome<never> = Effect.die(new TypeError("the write does not fit what was asked for"))

const answer = <Answer>(asked: Asked<unknown, Answer>, outcome: Outcome<Answer>): void => {
  const { resume } = asked
  asked.resume = null
  resume?.(outcome)
}

export class GroupCommit<Item, Answer> {
  /** Holds the clock and the scheduler of whoever opens the store. */
  static readonly make = <Item, Answer>(
    options: Options<Item, Answer>,
  ): Effect.Effect<GroupCommit<Item, Answer>> =>
    Effect.map(Effect.context<never>(), (context) => GroupCommit.makeUnsafe(options, context))

  /** The same, outside of Effect. */
  static readonly makeUnsafe = <Item, Answer>(
    options: Options<Item, Answer>,
    context: Context.Context<never>,
  ): GroupCommit<Item, Answer> => new GroupCommit(options, context)

  readonly #options: Options<Item, Answer>
  readonly #backlog: Backlog
  readonly #runFork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  readonly #dispatcher: Scheduler.SchedulerDispatcher
  readonly #now: () => number
  readonly #late: StoreError
  /** In the order in which they were asked for: what weighs something, and what does not. */
  readonly #heavy = new Set<Asked<Item, Answer>>()
  readonly #light = new Set<Asked<Item, Answer>>()
  readonly #underWay = new Set<UnderWay<Item, Answer>>()
  /** When the clock was last read. */
  #at = 0
  #waitingBytes = 0
  #isScheduled = false
  #isWatched = false
  /** Groups that have been written, and are told so in the next turn. */
  #untold = 0
  #end: StoreError | undefined
  #idle: Array<() => void> = []

  private constructor(options: Options<Item, Answer>, context: Context.Context<never>) {
    this.#options = options
    this.#backlog = options.backlog ?? new Backlog()
    this.#runFork = Effect.runForkWith(context)
    this.#dispatcher = Context.get(context, Scheduler.Scheduler).makeDispatcher()
    const clock = Context.get(context, Clock.Clock)
    this.#now = options.patience === undefined ? () => 0 : () => monotonicMillisOf(clock)
    this.#late = unavailable(
      `not written within ${options.patience} ms: the ${options.place} hangs, or does not keep up`,
    )
  }

  /** @param patience other than usual, in ms */
  ask(item: Item, weight: Weight, patience = this.#options.patience): Effect.Effect<Answer, StoreError> {
    return Effect.callback((resume) => {
      const now = this.#moment()
      const refusal = this.#refusal(weight.bytes, now)
      if (refusal !== null) {
        resume(Effect.fail(refusal))
        return
      }
      const until = patience === undefined ? Number.POSITIVE_INFINITY : now + patience
      const { entries, bytes } = weight
      const asked: Asked<Item, Answer> = { item, entries, bytes, until, resume }
      this.#waitingBytes += bytes
      this.#queueOf(asked).add(asked)
      this.#schedule()
      if (until !== Number.POSITIVE_INFINITY) this.#watch()
      return Effect.sync(() => {
        asked.resume = null
        if (this.#queueOf(asked).delete(asked)) this.#forget(asked)
      })
    })
  }

  /** Fails all that waits, and nothing that is under way. */
  refuse(failure: Outcome<never>): void {
    const waiting = [...this.#light, ...this.#heavy]
    this.#light.clear()
    this.#heavy.clear()
    // Whoever is told may ask again at once: that is not meant by this failure.
    for (const asked of waiting) {
      this.#waitingBytes -= asked.bytes
      this.#backlog.give(asked.bytes)
    }
    for (const asked of waiting) answer(asked, failure)
    this.#rest()
  }

  /** Fails what comes. Returns once everything asked for before has ended. */
  close(end: StoreError): Effect.Effect<void> {
    return Effect.callback((resume) => {
      this.#end ??= end
      this.#idle.push(() => resume(Effect.void))
      this.#rest()
    })
  }

  /** Fails what comes, what waits, and what is under way, which is interrupted. */
  stop(end: StoreError): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#end ??= end
      const failure = Effect.fail(end)
      const writes = [...this.#underWay]
      this.refuse(failure)
      for (const { group } of writes) for (const asked of group) answer(asked, failure)
      return Fiber.interruptAll(writes.flatMap(({ fiber }) => fiber ?? []))
    })
  }

  #refusal(bytes: number, now: number): StoreError | null {
    if (this.#end !== undefined) return this.#end
    if (this.#isHanging(now)) return this.#late
    if (this.#backlog.take(bytes)) return null
    return unavailable(
      `the ${this.#options.place} does not keep up: ${this.#backlog.most} bytes wait to be written`,
    )
  }

  /** The time. What comes together has one: reading the clock costs as much as the queue does. */
  #moment(): number {
    if (!this.#isScheduled) this.#at = this.#now()
    return this.#at
  }

  #isHanging(now: number): boolean {
    const { patience } = this.#options
    if (patience === undefined) return false
    for (const { since } of this.#underWay) if (now - since >= patience) return true
    return false
  }

  #queueOf({ entries, bytes }: Weight): Set<Asked<Item, Answer>> {
    return entries === 0 && bytes === 0 ? this.#light : this.#heavy
  }

  #forget({ bytes }: Weight): void {
    this.#waitingBytes -= bytes
    this.#backlog.give(bytes)
    this.#rest()
  }

  get #isEmpty(): boolean {
    return this.#heavy.size === 0 && this.#light.size === 0
  }

  #mayBegin(): boolean {
    if (this.#isEmpty) return false
    const { writes = 1, besideFrom = 0 } = this.#options
    const { size } = this.#underWay
    return size === 0 || (size < writes && this.#waitingBytes >= besideFrom)
  }

  #schedule(): void {
    if (this.#isScheduled || !this.#mayBegin()) return
    this.#isScheduled = true
    this.#after(this.#options.turns ?? 1, () => {
      this.#isScheduled = false
      this.#begin()
    })
  }

  #after(turns: number, act: () => void): void {
    this.#dispatcher.scheduleTask(turns > 1 ? () => this.#after(turns - 1, act) : act, 0)
  }

  #begin(): void {
    while (this.#mayBegin()) this.#write(this.#take())
    this.#rest()
  }

  #write(group: ReadonlyArray<Asked<Item, Answer>>): void {
    let bytes = 0
    for (const asked of group) bytes += asked.bytes
    this.#waitingBytes -= bytes
    const write: UnderWay<Item, Answer> = { group, bytes, since: this.#now() }
    this.#underWay.add(write)
    const fiber = this.#runFork(
      Effect.suspend(() =>
        this.#options.write(
          group.map(({ item }) => item),
          bytes,
        ),
      ),
    )
    write.fiber = fiber
    fiber.addObserver((exit) => this.#ended(write, exit))
  }

  #ended(write: UnderWay<Item, Answer>, exit: Exit.Exit<ReadonlyArray<Outcome<Answer>>, StoreError>): void {
    this.#underWay.delete(write)
    this.#backlog.give(write.bytes)
    const tell = (): void => {
      this.#untold -= 1
      tellAll(write.group, exit)
      this.#rest()
    }
    this.#untold += 1
    if (this.#options.isEager === true) {
      this.#begin()
      this.#after(1, tell)
    } else {
      // Before those who asked go on: what they ask for next joins what has gathered meanwhile.
      this.#schedule()
      tell()
    }
  }

  /** The first that make a group, at least one, and all that weighs nothing. */
  #take(): ReadonlyArray<Asked<Item, Answer>> {
    const limits = this.#options.limits?.() ?? usualLimits
    const mayJoin = this.#options.joining?.()
    const taken = [...this.#light]
    this.#light.clear()
    let count = 0
    let entries = 0
    let bytes = 0
    for (const asked of this.#heavy) {
      entries += asked.entries
      bytes += asked.bytes
      if (count > 0 && (entries > limits.entries || bytes > limits.bytes)) break
      if (mayJoin?.(asked.item) === false) break
      count += 1
      taken.push(asked)
      this.#heavy.delete(asked)
    }
    return taken
  }

  #rest(): void {
    if (this.#underWay.size > 0 || this.#untold > 0 || !this.#isEmpty) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** One sleep for all: it looks again when the next of them has waited long enough. */
  #watch(): void {
    if (this.#isWatched) return
    let next = Number.POSITIVE_INFINITY
    for (const all of this.#all()) {
      for (const { until, resume } of all) if (resume !== null && until < next) next = until
    }
    if (next === Number.POSITIVE_INFINITY) return
    this.#isWatched = true
    const look = Effect.sync(() => {
      this.#isWatched = false
      this.#giveUp(this.#now())
      this.#watch()
    })
    this.#runFork(Effect.andThen(quietSleep(Math.max(next - this.#now(), 1)), look))
  }

  *#all(): Generator<Iterable<Asked<Item, Answer>>> {
    yield this.#light
    yield this.#heavy
    for (const { group } of this.#underWay) yield group
  }

  /** What is under way may be written all the same: it is only told that it is late. */
  #giveUp(now: number): void {
    const late: Array<Asked<Item, Answer>> = []
    for (const all of this.#all()) for (const asked of all) if (asked.until <= now) late.push(asked)
    for (const asked of late) if (this.#queueOf(asked).delete(asked)) this.#forget(asked)
    const failure = Effect.fail(this.#late)
    for (const asked of late) answer(asked, failure)
  }
}

const tellAll = <Answer>(
  group: ReadonlyArray<Asked<unknown, Answer>>,
  exit: Exit.Exit<ReadonlyArray<Outcome<Answer>>, StoreError>,
): void => {
  if (Exit.isSuccess(exit)) {
    for (const [index, asked] of group.entries()) answer(asked, exit.value[index] ?? unanswered)
    return
  }
  const failure = Effect.failCause(exit.cause as Cause.Cause<StoreError>)
  for (const asked of group) answer(asked, failure)
}
