import { messagesOf } from "./eventStream.ts"
import type { Failure, Reply } from "./failure.ts"

/** What a stream is doing, for the beat in the corner and the bar below it. */
export type Connection =
  | { readonly _tag: "Connecting" }
  | { readonly _tag: "Connected" }
  /** Nobody looks: the tab has been hidden for a while. */
  | { readonly _tag: "Asleep" }
  | {
      readonly _tag: "Lost"
      readonly since: number
      /** When it is tried again; `null` while it is being tried. */
      readonly retryAt: number | null
      readonly failure: Failure
    }

export interface StreamOptions {
  readonly open: (input: unknown, signal: AbortSignal) => Promise<Reply<Response>>
  readonly onMessage: (message: unknown) => void
  readonly onConnection: (connection: Connection) => void
  /** Milliseconds; tests have their own. */
  readonly now?: () => number
}

/**
 * Waits between tries, in ms: the first is short, since most servers are back at once, and the last
 * one repeats. Up to a fifth is added at random, so that five hundred pages do not come as one.
 */
export const backOff = [1_000, 2_000, 3_000, 5_000, 8_000, 15_000] as const

export const waitAfter = (failures: number, random: number): number =>
  Math.round(backOff[Math.min(failures, backOff.length) - 1]! * (1 + random / 5))

/**
 * Silence after which a stream counts as lost, in ms: the status comes every 2 s, and a connection
 * that has gone without a word would never end by itself.
 */
export const silence = 10_000

/** How long a hidden tab keeps its stream, in ms: 500 forgotten tabs cost nothing. */
export const hiddenFor = 30_000

/**
 * The one stream of a tab: all topics in one request, since browsers allow six an origin. It comes
 * back by itself, with waits that grow, and at once when the network or the tab does.
 */
export class ConsoleStream {
  private input: unknown = null
  private running: AbortController | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private sleep: ReturnType<typeof setTimeout> | undefined
  private failures = 0
  private lostSince: number | null = null
  private readonly options: StreamOptions
  private readonly now: () => number

  constructor(options: StreamOptions) {
    this.options = options
    this.now = options.now ?? Date.now
  }

  /** Begins, or asks for other topics instead. */
  ask(input: unknown): void {
    this.input = input
    this.connect()
  }

  /** Tries now, instead of at the end of the wait. */
  again(): void {
    if (this.input !== null) this.connect()
  }

  stop(): void {
    this.input = null
    this.halt()
  }

  /** To be told when the tab is hidden and shown again. */
  visible(isVisible: boolean): void {
    clearTimeout(this.sleep)
    if (isVisible) {
      if (this.running === null) this.again()
      return
    }
    this.sleep = setTimeout(() => {
      this.halt()
      if (this.input !== null) this.options.onConnection({ _tag: "Asleep" })
    }, hiddenFor)
  }

  private halt(): void {
    clearTimeout(this.timer)
    this.running?.abort()
    this.running = null
  }

  private connect(): void {
    this.halt()
    const controller = new AbortController()
    this.running = controller
    if (this.lostSince === null) this.options.onConnection({ _tag: "Connecting" })
    void this.read(controller)
  }

  private async read(controller: AbortController): Promise<void> {
    const { signal } = controller
    const reply = await this.options.open(this.input, signal)
    if (signal.aborted) return
    if (!reply.ok) return this.lost(controller, reply.failure)
    const watch = () =>
      setTimeout(() => this.lost(controller, { status: 0, message: "Nothing has come for 10 s." }), silence)
    let watched = watch()
    try {
      for await (const { data } of messagesOf(reply.value)) {
        if (signal.aborted) return
        clearTimeout(watched)
        watched = watch()
        this.failures = 0
        this.lostSince = null
        this.options.onConnection({ _tag: "Connected" })
        this.options.onMessage(JSON.parse(data))
      }
    } catch {
      // Broken off: the same as an end.
    } finally {
      clearTimeout(watched)
    }
    if (!signal.aborted) this.lost(controller, { status: 0, message: "The connection has ended." })
  }

  private lost(controller: AbortController, failure: Failure): void {
    if (this.running !== controller) return
    controller.abort()
    this.running = null
    this.lostSince ??= this.now()
    this.failures += 1
    // Nobody is signed in: the page asks for the token, and trying again would not help.
    if (failure.status === 401) return
    const wait = waitAfter(this.failures, Math.random())
    this.options.onConnection({ _tag: "Lost", since: this.lostSince, retryAt: this.now() + wait, failure })
    this.timer = setTimeout(() => this.again(), wait)
  }
}
