import { parentPort, workerData } from "node:worker_threads"
import type { Close, Outcome, Request, WorkerOptions } from "./protocol.ts"
import { Reading } from "./Reading.ts"
import { Writing } from "./Writing.ts"

// The entry of the thread that owns a connection: SQLite is synchronous, and the disk is slow.

const options = workerData as WorkerOptions

const side = options.mode === "write" ? new Writing(options) : new Reading(options)

/**
 * The buffers to hand over instead of cloning them: detached here, where nobody reads events byte
 * by byte.
 */
const buffersOf = (results: ReadonlyArray<Outcome<unknown>>): ReadonlyArray<ArrayBuffer> =>
  results.flatMap((outcome) => {
    const value: unknown = outcome.kind === "done" ? outcome.value : null
    return typeof value === "object" &&
      value !== null &&
      "index" in value &&
      value.index instanceof Float64Array
      ? [value.index.buffer as ArrayBuffer]
      : []
  })

parentPort?.on("message", (message: Request | Close) => {
  if (message.kind === "close") {
    side.close()
    parentPort?.close()
    return
  }
  const reply = side.answer(message)
  parentPort?.postMessage(reply, buffersOf(reply.calls))
  side.tidy(message)
})
