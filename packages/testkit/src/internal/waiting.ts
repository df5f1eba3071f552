import * as Effect from "effect/Effect"

/**
 * Bounded waits, by real time: what never comes fails a test in seconds, and is named.
 */

/** ms between two looks. A process that was busy itself is not taken for one that waits. */
const lookEvery = 100

/** ms for which something may be waited for, unless a suite knows better. */
export const usualPatience = 15_000

/**
 * ms for one case of a suite: more than all waits of one that is stuck, so that what was waited for
 * is said before the test runner gives up.
 */
export const suiteTimeout = 90_000

const seconds = (millis: number): string => `${Number((millis / 1000).toPrecision(2))} s`

/** Something was waited for in vain. */
class NoAnswer extends Error {
  override readonly name = "NoAnswer"
}

/** Fails when a promise takes longer than it may, and says what was waited for. */
export const within = async <A>(
  what: string,
  promise: Promise<A> | A,
  patience: number = usualPatience,
): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new NoAnswer(`waited for ${seconds(patience)}, and it has not come: ${what}`)),
      patience,
    )
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Something that has begun and not ended. */
interface Wait {
  readonly what: string
  readonly isAwaited: () => boolean
}

/** What is waited for in one test. */
export class Waits {
  readonly #open = new Set<Wait>()
  #patience: number
  /** How often something has begun or ended. */
  #moves = 0
  #stuck: NoAnswer | null = null

  constructor(patience: number = usualPatience) {
    this.#patience = patience
  }

  /** From now on longer waits are in order. */
  allow(patience: number): void {
    this.#patience = Math.max(this.#patience, patience)
  }

  get isAnythingAwaited(): boolean {
    for (const { isAwaited } of this.#open) if (isAwaited()) return true
    return false
  }

  /** Counts an effect as waited for until it ends, or only while something holds. */
  of<A, E, R>(
    what: string,
    effect: Effect.Effect<A, E, R>,
    isAwaited: () => boolean = () => true,
  ): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const wait: Wait = { what, isAwaited }
      this.#open.add(wait)
      this.#moves += 1
      return Effect.ensuring(
        effect,
        Effect.sync(() => {
          this.#open.delete(wait)
          this.#moves += 1
        }),
      )
    })
  }

  /** A service whose every call is waited for. */
  on<Service extends object>(name: string, service: Service): Service {
    const watch = (key: string | symbol, result: unknown): unknown =>
      Effect.isEffect(result)
        ? this.of(`${name}.${String(key)}`, result as Effect.Effect<unknown, unknown, unknown>)
        : result
    return new Proxy(service, {
      get: (target, key) => {
        const member: unknown = Reflect.get(target, key)
        return typeof member === "function"
          ? (...args: ReadonlyArray<unknown>) => watch(key, Reflect.apply(member, target, args))
          : watch(key, member)
      },
    })
  }

  /** Why waiting was given up, once it was. */
  get stuck(): NoAnswer | null {
    return this.#stuck
  }

  /**
   * Fails once something has been waited for too long while a promise was pending, and nothing has
   * begun or ended meanwhile.
   */
  async watch<A>(promise: Promise<A>, whom: string): Promise<A> {
    if (this.#stuck !== null) {
      promise.catch(() => {})
      throw this.#stuck
    }
    let timer: NodeJS.Timeout | undefined
    const stuck = new Promise<never>((_, reject) => {
      let moves = this.#moves
      let looks = 0
      timer = setInterval(() => {
        looks = this.isAnythingAwaited && moves === this.#moves ? looks + 1 : 0
        moves = this.#moves
        if (looks * lookEvery < this.#patience) return
        this.#stuck = new NoAnswer(this.#whatIsAwaited(whom))
        reject(this.#stuck)
      }, lookEvery)
    })
    try {
      return await Promise.race([promise, stuck])
    } finally {
      clearInterval(timer)
    }
  }

  #whatIsAwaited(whom: string): string {
    const counts = new Map<string, number>()
    for (const { what, isAwaited } of this.#open) {
      if (isAwaited()) counts.set(what, (counts.get(what) ?? 0) + 1)
    }
    const names = Array.from(counts, ([what, count]) => (count === 1 ? what : `${what} (${count} times)`))
    return `nothing has happened for ${seconds(this.#patience)}: ${whom} waits for ${names.join(", ")}`
  }
}

/**
 * Runs of a property, which is tried again and again once it has failed: after one that waited in
 * vain, the others fail at once.
 */
export const patientOnce = () => {
  let failed: NoAnswer | null = null
  return async <A>(run: () => Promise<A>): Promise<A> => {
    if (failed !== null) throw failed
    try {
      return await run()
    } catch (error) {
      if (error instanceof NoAnswer) failed = error
      throw error
    }
  }
}
