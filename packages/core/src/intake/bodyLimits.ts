/** What adapters hold bodies to while they come: room in memory, and time. */
import * as Duration from "effect/Duration"
import { BodyBudget } from "./BodyBudget.ts"

export interface BodyOptions {
  /**
   * How long one body may take to arrive whole, 30 seconds by default: a slow sender must not hold
   * memory for long.
   */
  readonly bodyTimeout?: Duration.Input
  /**
   * How many bytes of bodies may be in memory at one time; small ones have a quarter of it besides:
   * see {@link BodyBudget}. Without it all handlers of the process share 128 MB: twelve bodies of
   * the largest kind.
   */
  readonly maxBufferedBytes?: number
}

/** {@link BodyOptions}, ready for use. */
export interface BodyLimits {
  /** ms */
  readonly timeout: number
  readonly budget: BodyBudget
}

// Memory belongs to the process, so what may be used of it is counted there.
const processBudget = new BodyBudget(128 * 1024 * 1024)

/** Once per handler, when it is made. */
export const bodyLimits = (options: BodyOptions = {}): BodyLimits => ({
  timeout: Duration.toMillis(Duration.fromInputUnsafe(options.bodyTimeout ?? "30 seconds")),
  budget: options.maxBufferedBytes === undefined ? processBudget : new BodyBudget(options.maxBufferedBytes),
})

/** How much of an upload nobody wants is read and forgotten before its connection is cut. */
export const discardLimits = {
  /** Six times the largest body we take. */
  bytes: 64 * 1024 * 1024,
  /**
   * ms. A client on a phone's network gets its reply; one that sends on for ever does not keep the
   * connection.
   */
  time: 10_000,
}

/**
 * ms: how long nothing may come, before it matters how much. A phone between two cells is silent
 * for a second or two.
 */
const rateSpan = 10_000

/**
 * Bytes a second in each {@link rateSpan}: a twentieth of the slowest network that phones still
 * have.
 */
const slowestRate = 1_024

/** How fast one body has to come, asked at the end of each span. */
export class BodyPace {
  /** ms until {@link holds} is to be asked. */
  span: number
  private left: number
  private lengthBefore = 0

  /** @param timeout ms for all of it */
  constructor(timeout: number) {
    this.span = Math.min(rateSpan, timeout)
    this.left = timeout - this.span
  }

  /**
   * Whether enough has come in the span that ends, and time is left for another.
   *
   * @param length in bytes, of what has come since the beginning
   */
  holds(length: number): boolean {
    const isTooSlow = length - this.lengthBefore < slowestRate * (this.span / 1000)
    if (this.left <= 0 || isTooSlow) return false
    this.lengthBefore = length
    this.span = Math.min(rateSpan, this.left)
    this.left -= this.span
    return true
  }
}
