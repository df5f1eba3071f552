import { Worker } from "node:worker_threads"
import type { Failure } from "./errors.ts"
import type { Close, Reply, Request, WorkerOptions } from "./protocol.ts"

/**
 * Starts the built worker, which stands beside this module. It needs nothing that the program's
 * command line preloads: a loader would take 8 MB in each thread.
 */
const start = (workerData: WorkerOptions): Worker =>
  new Worker(new URL("./worker.js", import.meta.url), { workerData, execArgv: [] })

type Settle = (reply: Reply | Failure) => void

/**
 * A worker that answers one request after the other. It is started by the first one, again by the
 * next one after it has stopped by accident, and keeps the process alive only while a request waits
 * for its answer.
 */
export class Thread {
  readonly #options: () => WorkerOptions
  #worker: Worker | undefined
  /** In the order of the requests, which is that of the replies. */
  #waiting: Array<Settle> = []
  /** Asked while it is paused. */
  #held: Array<readonly [request: Request, settle: Settle]> | undefined

  readonly #onReply: (reply: Reply) => void
  #isClosing = false

  /**
   * @param options asked for whenever a worker is started
   * @param onReply told of each reply before whoever asked
   */
  constructor(options: () => WorkerOptions, onReply: (reply: Reply) => void = () => {}) {
    this.#options = options
    this.#onReply = onReply
  }

  post(request: Request, settle: Settle): void {
    if (this.#held !== undefined) {
      this.#held.push([request, settle])
      return
    }
    try {
      const worker = this.#running()
      worker.postMessage(request)
      if (this.#waiting.length === 0) worker.ref()
      this.#waiting.push(settle)
    } catch (error) {
      settle({ kind: "defect", message: String(error) })
    }
  }

  /**
   * Ends the worker when everything asked before is answered; what is asked from now on waits. Only
   * when a worker has ended it is sure to have let go of its connection: one with statements
   * prepared may outlive its closing.
   *
   * @returns ends the pause: whatever is asked next is another worker's
   */
  async pause(): Promise<() => void> {
    this.#held ??= []
    await this.#end()
    this.#isClosing = false
    return () => {
      const held = this.#held ?? []
      this.#held = undefined
      for (const [request, settle] of held) this.post(request, settle)
    }
  }

  /** Ends the worker when everything asked before is answered and its connection closed. */
  close(): Promise<void> {
    return this.#end()
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    if (worker === undefined) return
    // A reply that is still on its way must not let the process go before the connection is closed.
    this.#isClosing = true
    worker.ref()
    await new Promise<void>((resolve) => {
      worker.once("exit", () => resolve())
      worker.postMessage({ kind: "close" } satisfies Close)
    })
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = start(this.#options())
    let problem = "it ended"
    worker.on("message", (reply: Reply) => this.#settle(reply))
    worker.on("error", (error) => {
      problem = String(error)
    })
    worker.on("exit", () => this.#lose(problem))
    worker.unref()
    this.#worker = worker
    return worker
  }

  #settle(reply: Reply): void {
    const settle = this.#waiting.shift()
    if (this.#waiting.length === 0 && !this.#isClosing) this.#worker?.unref()
    this.#onReply(reply)
    settle?.(reply)
  }

  #lose(problem: string): void {
    const waiting = this.#waiting
    this.#worker = undefined
    this.#waiting = []
    for (const settle of waiting) {
      settle({
        kind: "refused",
        reason: { _tag: "Unavailable" },
        message: `the thread of ${this.#options().path} stopped: ${problem}`,
      })
    }
  }
}
