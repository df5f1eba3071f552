import * as Effect from "effect/Effect"

/** The longest wait for those who wrote in the last round, in ms: one of them may have ended. */
const patience = { least: 25, most: 1000 }

/**
 * Has the processes that append to one partition take turns, so that they do not refuse each other: whoever has written lets
 * those go first who wrote between its last two writes. It is a courtesy only, what keeps them apart are the sequence numbers
 * they name.
 */
export class Turns {
  readonly #heard = new Set<string>()
  #expected = 0
  #longest = 0
  #go: (() => void) | undefined

  /** Another process has written. */
  hear(process: string): void {
    this.#heard.add(process)
    if (this.#heard.size >= this.#expected) this.#go?.()
  }

  /** This process has written, in so many ms. */
  wrote(duration: number): void {
    this.#expected = this.#heard.size
    this.#longest = duration
    this.#heard.clear()
  }

  readonly wait: Effect.Effect<void> = Effect.callback((resume) => {
    if (this.#heard.size >= this.#expected) {
      resume(Effect.void)
      return
    }
    const most = Math.min(patience.most, Math.max(patience.least, this.#longest * 6 * this.#expected))
    const go = () => {
      clearTimeout(timer)
      this.#go = undefined
      resume(Effect.void)
    }
    const timer = setTimeout(go, most).unref()
    this.#go = go
    return Effect.sync(() => {
      clearTimeout(timer)
      this.#go = undefined
    })
  })
}
