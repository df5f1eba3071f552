import { monotonicMillisOf, quietSleep } from "@millrace/core/store"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** The longest wait for those who wrote in the last round, in ms: one of them may have ended. */
const patience = { least: 25, most: 1000 }

/** The longest that others wait for one who asks for it, in ms. */
const longestClaim = 5_000

/** For a message of a claim, in ms, before any has been written. */
const unknown = 100

/**
 * Has the processes that append to one partition take turns, so that they do not refuse each other:
 * whoever has written lets those go first who wrote between its last two writes. One that needs
 * several messages for an entry asks the others to wait for it: each of theirs in between would
 * make it begin again. It is a courtesy only, what keeps them apart are the sequence numbers they
 * name.
 */
export class Turns {
  readonly #heard = new Set<string>()
  #expected = 0
  #lastWrite = unknown
  #claim: { readonly process: string; readonly until: number } | undefined
  readonly #go = Latch.makeUnsafe(true)
  readonly #clock: Clock.Clock

  constructor(clock: Clock.Clock) {
    this.#clock = clock
  }

  /** Another process has written. */
  hear(process: string): void {
    this.#heard.add(process)
    if (this.#claim?.process === process) this.#claim = undefined
    this.#check()
  }

  /** Another process wants to be let write for so many ms. */
  yieldTo(process: string, duration: number): void {
    this.#claim = { process, until: monotonicMillisOf(this.#clock) + Math.min(longestClaim, duration) }
  }

  /** This process has written one message, in so many ms. */
  wrote(duration: number): void {
    this.#expected = this.#heard.size
    this.#lastWrite = duration
    this.#heard.clear()
  }

  /** What to ask the others for, in ms, to write so many messages. */
  claimFor(messages: number): number {
    return Math.ceil(Math.max(patience.least, this.#lastWrite * 4) * messages)
  }

  readonly wait: Effect.Effect<void> = Effect.suspend(() => {
    const left = this.#left()
    if (left <= 0) return Effect.void
    this.#go.closeUnsafe()
    return Effect.raceFirst(this.#go.await, quietSleep(left))
  })

  /** How long to wait, at most. */
  #left(): number {
    const claimed = this.#claim === undefined ? 0 : this.#claim.until - monotonicMillisOf(this.#clock)
    const missing = this.#expected - this.#heard.size
    if (missing <= 0) return claimed
    const rest = Math.max(patience.least, this.#lastWrite * 6 * missing)
    return Math.max(claimed, Math.min(patience.most, rest))
  }

  #check(): void {
    if (this.#left() <= 0) this.#go.openUnsafe()
  }
}
