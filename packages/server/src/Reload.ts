import type { InvalidOptions, StoreError } from "@millrace/core"
import type { LogLine } from "@millrace/core/host"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type { Config } from "./config/Config.ts"
import { needRestart } from "./config/needRestart.ts"
import type { Server } from "./Server.ts"
import type { ConfigError } from "./text/Mistake.ts"

export interface ReloadOptions {
  /** What it was started by. */
  readonly config: Config
  /** Reads the configuration again. */
  readonly load: Effect.Effect<Config, ConfigError>
  /** Waits for the start. */
  readonly server: Effect.Effect<Pick<Server, "reconfigure">>
  readonly log: (line: LogLine) => void
}

const reasonOf = (cause: Cause.Cause<ConfigError | InvalidOptions | StoreError>): string => {
  const failure = Cause.findErrorOption(cause)
  if (Option.isNone(failure)) return Cause.pretty(cause)
  const error = failure.value
  return error._tag === "InvalidOptions"
    ? error.problems.map(({ path, message }) => `${path}: ${message}`).join("; ")
    : error.message.split("\n").join("; ")
}

const listed = (name: string, values: ReadonlyArray<string>): Readonly<Record<string, string>> =>
  values.length === 0 ? {} : { [name]: values.join(",") }

/**
 * Reads the configuration again and goes on by it, or goes on as before: either is told in one
 * line, and neither ends the server. To be run as often as somebody asks.
 */
export const make = ({ config, load, server, log }: ReloadOptions): Effect.Effect<void> => {
  const reload = Effect.gen(function* () {
    const running = yield* server
    const next = yield* load
    const { added, changed, removed } = yield* running.reconfigure(next)
    const { server: serverKeys, client: clientKeys } = next.keys
    log({
      level: "Info",
      message: "the configuration has been read again",
      fields: {
        destinations: next.destinations.map(({ id }) => id).join(",") || "none",
        ...listed("added", added),
        ...listed("changed", changed),
        ...listed("removed", removed),
        keys: serverKeys.length + clientKeys.length,
        ...listed("needsRestart", needRestart(config, next)),
      },
    })
  }).pipe(
    Effect.catchCause((cause) =>
      Effect.sync(() => {
        const reason = reasonOf(cause)
        log({
          level: "Error",
          message: "the configuration cannot be used: all goes on as before",
          fields: { reason },
        })
      }),
    ),
  )
  return Semaphore.makeUnsafe(1).withPermits(1)(reload)
}
