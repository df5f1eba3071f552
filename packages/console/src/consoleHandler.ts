import type { Millrace } from "@millrace/core"
import * as Effect from "effect/Effect"
import * as Admin from "./admin/Admin.ts"
import * as Processes from "./admin/processes.ts"
import * as Streams from "./admin/Streams.ts"
import * as Console from "./Console.ts"
import { version } from "./version.ts"

/**
 * A listener for the console of a Millrace that a program has mounted, and for the admin API below
 * it. It is one for Express, for `node:http`, and for whatever calls a listener as these do.
 *
 * Express takes off the path that it is mounted on. Elsewhere it is at `path`, and what is not
 * below that goes to `next`, or is a 404.
 *
 * Without a token, and without `authorize`, there is no console: all of it is a 404, and the log
 * says so once. Throws `InvalidOptions` for a token that can be guessed.
 *
 * @example
 * ```ts
 * import { consoleHandler } from "@millrace/console"
 *
 * app.use("/console", consoleHandler(millrace, { adminToken: process.env.ADMIN_TOKEN }))
 * ```
 */
export const consoleHandler = (
  millrace: Millrace.Millrace,
  options: Console.ConsoleOptions,
): Console.Handler => {
  const { context, ending } = millrace.host
  const admin = Admin.make({
    operator: millrace.operator,
    store: context,
    path: null,
    status: {
      version,
      pid: process.pid,
      startedAt: Date.now() - Math.round(process.uptime() * 1000),
      url: null,
    },
    readiness: millrace.readiness,
    isEmbedded: true,
    processes: Effect.sync(() => [Processes.own("program", "everything")]),
    ack: null,
  })
  const console = Console.make(options, { admin, context, streams: Streams.make(ending) })
  if (!console.isOpen) {
    Effect.runForkWith(context)(Effect.logWarning("no console: it was given no adminToken to sign in with"))
  }
  return console.handler
}
