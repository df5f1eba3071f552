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

export interface ConsoleStream {
  /** Begins, or asks for other topics instead. */
  readonly ask: (input: unknown) => void
  /** Tries now, instead of at the end of the wait. */
  readonly again: () => void
  readonly stop: () => void
  /** To be told when the tab is hidden and shown again. */
  readonly visible: (isVisible: boolean) => void
}

/**
 * The one stream of a tab: all topics in one request, since browsers allow six an origin. It comes
 * back by itself, with waits that grow, and at once when the network or the tab does.
 */
export const makeStream = ({ open, onMessage, onConnection }: StreamOptions): ConsoleStream => {
  let input: unknown = null
  let running: AbortController | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let sleep: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let since: number | null = null

  const halt = (): void => {
    clearTimeout(timer)
    running?.abort()
    running = null
  }

  const again = (): void => {
    if (input !== null) connect()
  }

  const connect = (): void => {
    halt()
    const controller = new AbortController()
    running = controller
    if (since === null) onConnection({ _tag: "Connecting" })
    void read(controller)
  }

  const lost = (controller: AbortController, failure: Failure): void => {
    if (running !== controller) return
    controller.abort()
    running = null
    since ??= Date.now()
    failures += 1
    // Nobody is signed in: the page asks for the token, and trying again would not help.
    if (failure.status === 401) return
    const wait = waitAfter(failures, Math.random())
    onConnection({ _tag: "Lost", since, retryAt: Date.now() + wait, failure })
    timer = setTimeout(again, wait)
  }

  const read = async (controller: AbortController): Promise<void> => {
    const { signal } = controller
    const broken = (message: string) => lost(controller, { status: 0, message })
    const reply = await open(input, signal)
    if (signal.aborted) return
    if (!reply.ok) return lost(controller, reply.failure)
    const watch = () => setTimeout(() => broken("Nothing has come for 10 s."), silence)
    let watched = watch()
    try {
      for await (const { data } of messagesOf(reply.value)) {
        if (signal.aborted) return
        clearTimeout(watched)
        watched = watch()
        failures = 0
        since = null
        onConnection({ _tag: "Connected" })
        onMessage(JSON.parse(data))
      }
    } catch {
      // Broken off: the same as an end.
    } finally {
      clearTimeout(watched)
    }
    if (!signal.aborted) broken("The connection has ended.")
  }

  return {
    ask: (wanted) => {
      input = wanted
      connect()
    },
    again,
    stop: () => {
      input = null
      halt()
    },
    visible: (isVisible) => {
      clearTimeout(sleep)
      if (isVisible) {
        if (running === null) again()
        return
      }
      sleep = setTimeout(() => {
        halt()
        if (input !== null) onConnection({ _tag: "Asleep" })
      }, hiddenFor)
    },
  }
}
