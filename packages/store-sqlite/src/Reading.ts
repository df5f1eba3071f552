import { done, failAll, invoke } from "./asking.ts"
import { type Connection, openReader } from "./Connection.ts"
import { failureOf } from "./errors.ts"
import type { Outcome, Reply, Request, WorkerOptions } from "./protocol.ts"
import { unlimited } from "./Room.ts"
import { type Tables, tables } from "./tables/index.ts"

interface Open {
  readonly connection: Connection
  readonly tables: Tables
}

/** What the thread that reads does: each call sees one state of the file. */
export class Reading {
  readonly #options: WorkerOptions
  /** By the first request, so that a file that could not be opened is tried again by the next. */
  #opened: Open | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  answer(request: Request): Reply {
    try {
      this.#opened ??= this.#open()
    } catch (error) {
      return failAll(request, failureOf(error, this.#options.path))
    }
    const { connection, tables } = this.#opened
    const calls = request.calls.map((call): Outcome<unknown> => {
      try {
        // Nothing is to be had of a transaction any more in which a damaged page was met.
        const isApart = call.table === "examination"
        return done(
          isApart ? invoke(tables, call) : connection.transaction("DEFERRED", () => invoke(tables, call)),
        )
      } catch (error) {
        return failureOf(error, this.#options.path)
      }
    })
    return { appends: null, calls }
  }

  /** Nothing is left to do when it has been answered. */
  tidy(_: Request): void {}

  close(): void {
    this.#opened?.connection.close()
  }

  #open(): Open {
    const connection = openReader(this.#options)
    const surroundings = { space: unlimited, known: null }
    return { connection, tables: tables(connection, this.#options.limits, surroundings) }
  }
}
