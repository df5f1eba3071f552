/**
 * Gives back the room of what has been trimmed, beside what else goes on: one at a time, however
 * often it is asked.
 */
export class Reclaimer {
  readonly #reclaim: () => Promise<void>
  #busy = false
  #again = false

  constructor(reclaim: () => Promise<void>) {
    this.#reclaim = reclaim
  }

  reclaim(): void {
    this.#again = true
    if (this.#busy) return
    this.#busy = true
    this.#again = false
    this.#reclaim()
      // What could not be given back is at the next time.
      .catch(() => {})
      .finally(() => {
        this.#busy = false
        if (this.#again) this.reclaim()
      })
  }
}
