import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"
import * as VirtualClock from "./virtualClock.ts"
import { Waits } from "./waiting.ts"

/**
 * A virtual clock whose time stands still while somebody is busy with something real, such as a
 * disk.
 */
export interface VirtualTime {
  /** Holds the clock: what runs with it lives in virtual time. */
  readonly context: Context.Context<never>
  /** ms since the epoch, however the wall clock is set. */
  readonly now: () => number
  /**
   * Sets the wall clock so many ms ahead of the time, or behind it; what is slept and the monotonic
   * clock go on as before.
   */
  readonly setWallClock: (ahead: number) => void
  /**
   * Counts an effect as busy until it ends, or only while something holds. What it is called is
   * said when it never ends.
   */
  readonly busy: <A, E, R>(
    what: string,
    effect: Effect.Effect<A, E, R>,
    isBusy?: () => boolean,
  ) => Effect.Effect<A, E, R>
  /** Fails when somebody stays busy for too long while a promise is pending, and says with what. */
  readonly watch: <A>(promise: Promise<A>) => Promise<A>
  /** Waits until nobody is busy, and what follows from that has happened. */
  readonly settle: () => Promise<void>
  /** Lets time pass, from one thing that is due to the next; everybody settles in between. */
  readonly advance: (duration: Duration.Input) => Promise<void>
}

/**
 * Turns of the event loop without anybody busy after which nothing more is on its way: a callback,
 * and what it begins.
 */
const quietTurns = 3

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/**
 * @param patience for how many ms, in real time, somebody may be busy with one thing; `null` when
 * nothing takes real time at all: then nobody is waited for
 */
export const make = (startAt: number, patience: number | null): VirtualTime => {
  const virtual = VirtualClock.make(startAt)
  const waits = patience === null ? null : new Waits(patience)

  const settle = async (): Promise<void> => {
    virtual.runTasks()
    // Promises have their turn, and what they begin.
    do await turn()
    while (virtual.runTasks())
    if (waits === null) return
    for (let quiet = 0; quiet < quietTurns; ) {
      if (waits.stuck !== null) throw waits.stuck
      await turn()
      quiet = virtual.runTasks() || waits.isAnythingAwaited ? 0 : quiet + 1
    }
  }

  const passTo = async (end: number): Promise<void> => {
    await settle()
    while (virtual.nextDue() <= end) {
      virtual.wakeNext()
      await settle()
    }
    virtual.goTo(end)
  }

  /** One after the other, however many are asked for at once. */
  let passing: Promise<void> = Promise.resolve()
  const watch: VirtualTime["watch"] = (promise) =>
    waits === null ? promise : waits.watch(promise, "the pipeline")

  return {
    context: Context.make(Clock.Clock, virtual.clock).pipe(
      Context.add(Scheduler.Scheduler, virtual.scheduler),
    ) as Context.Context<never>,
    now: virtual.now,
    setWallClock: (ahead) => {
      virtual.ahead = ahead
    },
    busy: (what, effect, isBusy) => (waits === null ? effect : waits.of(what, effect, isBusy)),
    watch,
    settle: () => watch(settle()),
    advance: (duration) => {
      const end = virtual.now() + Duration.toMillis(duration)
      passing = passing.then(() => passTo(end))
      return watch(passing)
    },
  }
}
