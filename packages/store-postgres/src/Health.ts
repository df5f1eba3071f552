/** Between two questions to a server that does not answer, in ms, doubling. */
const pause = { first: 25, max: 1000 }

/**
 * Whether the server answers. When somebody got no answer, it is asked; as long as it gives none,
 * all calls fail at once, rather than each for itself after its time, and one question at a time is
 * all that a server gets that comes back.
 */
export class Health {
  readonly #ask: () => Promise<void>
  #failure: { readonly error: unknown } | undefined
  #asking = false
  #pause = pause.first
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #answers = 0

  /** @param ask fails when there is no answer in bounded time */
  constructor(ask: () => Promise<void>) {
    this.#ask = ask
  }

  /**
   * How many answers there have been: what was asked before the last one says nothing of the
   * present.
   */
  get answers(): number {
    return this.#answers
  }

  /** Somebody got an answer. */
  answered(): void {
    this.#answers += 1
    this.#failure = undefined
  }

  /** Why there is no answer at present. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Somebody got no answer: the server may be slow, or gone. */
  doubt(): void {
    if (this.#asking || this.#closed) return
    this.#asking = true
    this.#turn()
  }

  /**
   * There is no server to connect to.
   *
   * @param since the number of answers when that was tried
   */
  fail(error: unknown, since: number): void {
    if (since !== this.#answers) return
    this.#failure ??= { error }
    if (this.#asking || this.#closed) return
    this.#asking = true
    this.#later()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #turn(): void {
    const since = this.#answers
    const well = (): void => {
      this.answered()
      this.#asking = false
      this.#pause = pause.first
    }
    this.#ask().then(well, (error: unknown) => {
      if (since !== this.#answers) {
        well()
        return
      }
      this.#failure = { error }
      this.#later()
    })
  }

  #later(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => this.#turn(), this.#pause).unref()
    this.#pause = Math.min(this.#pause * 2, pause.max)
  }
}
