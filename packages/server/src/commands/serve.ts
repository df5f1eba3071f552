import { isatty } from "node:tty"
import type { LogWriter } from "@millrace/core/host"
import { Command } from "commander"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Config from "../config/Config.ts"
import * as Settings from "../config/settings.ts"
import * as Reload from "../Reload.ts"
import * as Server from "../Server.ts"
import { complain } from "../text/complain.ts"
import * as Log from "../text/Log.ts"
import { version } from "../version.ts"

/**
 * Requests in flight finish within 3 seconds before what is pending goes out, and the store is
 * closed after that. Docker kills a container ten seconds after asking it to stop.
 */
const stopBesides = 4_500

const keyText = (key: string, url: string, isKept: boolean): string => `
No key is configured, so here is one. It is ${isKept ? "kept in the store, as a hash: this is the only time it is shown" : "not kept: events in memory go with the process, and so does the key"}.

  ${key}

Try it:

  curl ${url}/v1/webhooks/event_webhook -H 'statsig-api-key: ${key}' -d '{"user":{"userID":"you"},"event":"hello"}'

`

const announce = (config: Config.Config, server: Server.Server, log: LogWriter): void => {
  const { url, generatedKey, durability, destinations } = server
  // The first line is for programs: it says where, also when the port was ours to choose.
  process.stdout.write(`millrace listening on ${url}\n`)
  if (generatedKey !== null) process.stdout.write(keyText(generatedKey, url, config.store.kind !== "memory"))
  if (config.store.kind === "memory") {
    log({
      level: "Warn",
      message: "events are kept in memory: those that are pending go with the process",
      fields: {},
    })
  }
  log({
    level: "Info",
    message: "started",
    fields: {
      version,
      store: config.store.text,
      durability,
      validation: config.validation,
      ...(config.workers === 1 ? {} : { workers: config.workers }),
      destinations: destinations.join(",") || "none",
      ...(server.ops === null ? {} : { ops: server.ops }),
      ...(server.console === null ? {} : { console: server.console }),
    },
  })
  if (destinations.length === 0) {
    log({
      level: "Warn",
      message: "no destination is configured: events are kept, and go nowhere",
      fields: {},
    })
  }
}

const warn = (log: LogWriter): void => {
  for (const { variable, nearest } of Settings.unknownVariables(process.env)) {
    const fields = nearest === null ? { variable } : { variable, nearest }
    log({ level: "Warn", message: "this variable is not known, and ignored", fields })
  }
}

/** Whether SIGHUP says that the terminal has gone before which somebody has started this. */
export const isBeforeTerminal = (isTerminal: (descriptor: number) => boolean): boolean =>
  [0, 1, 2].some((descriptor) => isTerminal(descriptor))

interface OnSignals {
  readonly stop: () => void
  /** ms. */
  readonly stopWithin: number
  readonly log: LogWriter
  /** Reads the configuration again. */
  readonly reload: () => void
}

/**
 * Listens to signals until the program has stopped: the first one asks it to stop, the second does
 * not wait. SIGHUP asks to read the configuration again; before a terminal it comes when that is
 * closed, often several times: it asks as SIGTERM does then, and never ends what is being sent.
 */
const listenToSignals = ({ stop, stopWithin, reload, log }: OnSignals): (() => void) => {
  const isHangup = isBeforeTerminal(isatty)
  let stopping = false
  const onSignal = (signal: NodeJS.Signals): void => {
    if (signal === "SIGHUP" && stopping) return
    if (signal === "SIGHUP" && !isHangup) {
      reload()
      return
    }
    if (stopping) process.exit(signal === "SIGINT" ? 130 : 143)
    stopping = true
    log({ level: "Info", message: "stopping", fields: { signal } })
    setTimeout(() => {
      log({ level: "Error", message: "could not stop in time", fields: {} })
      process.exit(1)
    }, stopWithin).unref()
    stop()
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  process.on("SIGHUP", onSignal)
  return () => {
    process.off("SIGTERM", onSignal)
    process.off("SIGINT", onSignal)
    process.off("SIGHUP", onSignal)
  }
}

/** A line for each thing that is wrong; a stack only for mistakes of ours. */
const reasonOf = (cause: Cause.Cause<Server.StartError>): string => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isNone(failure)) return Cause.pretty(cause)
  const error = failure.value
  return error._tag === "InvalidOptions"
    ? error.problems.map(({ path, message }) => `${path}: ${message}`).join("\n")
    : error.message
}

/** Runs until it is told to stop, and returns the exit code. */
const serve = async (flags: Settings.Flags): Promise<number> => {
  const loaded = await Effect.runPromise(Effect.result(Config.load(flags, process.env)))
  if (Result.isFailure(loaded)) {
    complain(loaded.failure.message)
    return 1
  }
  const config = loaded.success
  const log = Log.toStderr(config.log)
  warn(log)

  const started = Deferred.makeUnsafe<Server.Server>()
  const program = Effect.gen(function* () {
    const server = yield* Server.start(config, version, log)
    announce(config, server, log)
    Deferred.doneUnsafe(started, Effect.succeed(server))
    return yield* server.running
  })
  const load = Config.load(flags, process.env)
  const reload = Reload.make({ config, load, server: Deferred.await(started), log })
  const fiber = Effect.runFork(Effect.scoped(program))
  const release = listenToSignals({
    stop: () => fiber.interruptUnsafe(),
    stopWithin: config.drainDeadline + stopBesides,
    log,
    reload: () => void Effect.runFork(reload),
  })
  const exit = await Effect.runPromise(Fiber.await(fiber))
  release()

  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) {
    log({ level: "Info", message: "stopped", fields: {} })
    return 0
  }
  complain(reasonOf(exit.cause))
  return 1
}

const list = (value: string, values: ReadonlyArray<string> = []): ReadonlyArray<string> => [...values, value]

export const command = (): Command => {
  const serving = new Command("serve").description("Take events in and send them on to webhooks")
  for (const name of Settings.names.filter(Settings.hasFlag)) {
    const usage = [Settings.usageOf(name), Settings.helpOf(name)] as const
    if (Settings.table[name].isList === true) serving.option(...usage, list)
    else serving.option(...usage)
  }
  return serving
    .addHelpText(
      "after",
      `
Every flag has a variable: --server-key is MILLRACE_SERVER_KEY, or MILLRACE_SERVER_KEY_FILE, which names a file with the value.
Lists are separated by commas there. Flags beat variables, and variables beat the config file, whose texts may hold variables:
"\${NAME}", or "\${NAME:-default}". Keys, secrets and URLs with passwords belong into variables or files: flags show in ps.

SIGTERM and SIGINT stop it: what is pending goes out first, within --drain-deadline. SIGHUP has it read the config file again, and
go on by its destinations and keys without a pause; a line says what is another now, what needs a restart, or what is wrong, and
then all goes on as before. Before a terminal SIGHUP stops it: closing the terminal sends it.`,
    )
    .action(async (flags: Settings.Flags) => {
      process.exitCode = await serve(flags)
    })
}
