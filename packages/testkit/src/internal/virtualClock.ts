import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** A clock whose time passes when it is told to, and the tasks of those who live by it. */
export interface VirtualClock {
  readonly clock: Clock.Clock
  readonly scheduler: Scheduler.Scheduler
  /** ms since the epoch. */
  readonly now: () => number
  /** How far the wall clock is ahead of it, in ms. */
  ahead: number
  /** When the next one who sleeps is due; infinity when nobody is. */
  readonly nextDue: () => number
  /** Goes to when the next one is due, and wakes that one. */
  readonly wakeNext: () => void
  /** Nobody is due before. */
  readonly goTo: (at: number) => void
  /**
   * Runs what can run without time passing, and what follows from that. Says whether there was
   * anything. Outside of it tasks run in turns of the event loop, as they do by any other clock.
   */
  readonly runTasks: () => boolean
}

const nanosOf = (millis: number): bigint => {
  const whole = Math.floor(millis)
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((millis - whole) * 1e6))
}

/**
 * Does what Effect's `TestClock` does, which waits for several turns of the event loop and sets
 * real timers for each one it wakes: days of retries are thousands of these.
 */
export const make = (startAt: number): VirtualClock => {
  let now = startAt
  /** Those who are due later stand first; of those who are due at once, who came later. */
  const sleepers: Array<Sleeper> = []
  let tasks: Array<() => void> = []
  let isTurnAsked = false

  const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
    const millis = Duration.toMillis(duration)
    if (!(millis > 0)) return Effect.void
    return Effect.callback((resume) => {
      const sleeper = { due: now + millis, wake: () => resume(Effect.void) }
      let low = 0
      let high = sleepers.length
      while (low < high) {
        const middle = (low + high) >>> 1
        if (sleepers[middle]!.due > sleeper.due) low = middle + 1
        else high = middle
      }
      sleepers.splice(low, 0, sleeper)
      return Effect.sync(() => {
        const at = sleepers.indexOf(sleeper)
        if (at >= 0) sleepers.splice(at, 1)
      })
    })
  }

  const runOnce = (): void => {
    const present = tasks
    tasks = []
    for (const task of present) task()
  }
  const turn = (): void => {
    isTurnAsked = false
    runOnce()
  }
  const scheduler = new Scheduler.MixedScheduler("async", (run) => {
    let task = run
    tasks.push(() => task())
    if (!isTurnAsked) {
      isTurnAsked = true
      setImmediate(turn)
    }
    return () => {
      task = () => {}
    }
  })

  const wall = (): number => now + virtual.ahead
  const virtual: VirtualClock = {
    clock: {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: () => nanosOf(wall()),
      currentTimeNanos: Effect.sync(() => nanosOf(wall())),
      monotonicTimeNanosUnsafe: () => nanosOf(now),
      monotonicTimeNanos: Effect.sync(() => nanosOf(now)),
      sleep,
    },
    scheduler,
    now: () => now,
    ahead: 0,
    nextDue: () => sleepers.at(-1)?.due ?? Number.POSITIVE_INFINITY,
    wakeNext: () => {
      const next = sleepers.pop()
      if (next === undefined) return
      now = Math.max(now, next.due)
      next.wake()
    },
    goTo: (at) => {
      now = Math.max(now, at)
    },
    runTasks: () => {
      if (tasks.length === 0) return false
      while (tasks.length > 0) runOnce()
      return true
    },
  }
  return virtual
}
