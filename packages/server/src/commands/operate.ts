import { AdminApi, ByteText, TimeText } from "@millrace/console/admin"
import { OperatorError } from "@millrace/core"
import { SecretReader } from "@millrace/core/host"
import { SecretReader as FromNode } from "@millrace/node"
import { Command, InvalidArgumentError, Option } from "commander"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as StoreAccess from "../admin/StoreAccess.ts"
import * as Config from "../config/Config.ts"
import * as Settings from "../config/settings.ts"
import * as Variables from "../config/variables.ts"
import { complain } from "../text/complain.ts"
import { json } from "../text/SafeText.ts"

/** What every command has that looks after a store. */
export interface StoreFlags {
  readonly store?: string
  readonly config?: string
  readonly ack?: string
  /** A server on another machine, instead of a store. */
  readonly server?: string
  readonly adminToken?: string
  readonly json?: boolean
}

/** A command that finds the store as `serve` does. */
export const storeCommand = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option(Settings.usageOf("store"), `the server's store${Settings.defaultText("store")}`)
    .option(Settings.usageOf("config"), `the server's config file${Settings.defaultText("config")}`)
    .option(
      "--server <url>",
      "a server that runs elsewhere, such as https://millrace.example, instead of a store",
    )
    .option("--admin-token <token>", "its token; better as MILLRACE_ADMIN_TOKEN, since flags show in ps")

export const jsonOption = new Option("--json", "for programs: JSON, one value a line")

export const list = (value: string, values: ReadonlyArray<string> = []): ReadonlyArray<string> => [
  ...values,
  value,
]

export const time = (text: string): number => {
  const parsed = TimeText.parse(text, Date.now())
  if (Result.isFailure(parsed)) throw new InvalidArgumentError(parsed.failure)
  return parsed.success
}

export const size = (text: string): number => {
  const parsed = ByteText.parse(text)
  if (Result.isFailure(parsed)) throw new InvalidArgumentError(parsed.failure)
  return parsed.success
}

/** @param most what makes sense, and no more */
export const count =
  (most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : 0
    if (value >= 1 && value <= most) return value
    throw new InvalidArgumentError(`expected a number from 1 to ${most}`)
  }

type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export const jsonObject = (text: string): JsonObject => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // Said below, without quoting what may hold a secret.
  }
  throw new InvalidArgumentError("expected a JSON object")
}

export const print = (text: string): void => {
  process.stdout.write(text)
}

export const printJson = (value: unknown): void => print(`${json(value)}\n`)

/** What a person has to know besides the result: not for programs, so not on standard output. */
export const remark = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

export type Program = (
  access: StoreAccess.Access,
) => Effect.Effect<unknown, AdminApi.AdminError | AdminApi.NoServer, Scope.Scope>

/**
 * Fails for a destination that is not there, naming those that are: a list would be empty as if
 * nothing had happened. One that was removed may still be in it, so look there first.
 */
export const ensureDestination = (
  admin: StoreAccess.Access["admin"],
  id: string,
): Effect.Effect<void, AdminApi.AdminError | AdminApi.NoServer> =>
  Effect.flatMap(admin.destinations({}), ({ destinations }) => {
    const known = destinations.map((row) => row.id)
    if (known.includes(id)) return Effect.void
    const { message } = new OperatorError.UnknownDestination({ id, known })
    return Effect.fail(new AdminApi.AdminError({ status: 404, message }))
  })

const storeFlags = ({ store, config, ack }: StoreFlags): Settings.Flags => ({
  ...(store === undefined ? {} : { store }),
  ...(config === undefined ? {} : { config }),
  ...(ack === undefined ? {} : { ack }),
})

const failed = (message: string): Effect.Effect<never, StoreAccess.AccessError> =>
  Effect.fail(new StoreAccess.AccessError({ message }))

/** What a flag says, or else a variable. */
const given = Effect.fnUntraced(function* (flag: string | undefined, variable: string) {
  if (flag !== undefined) return flag
  const reader = yield* Effect.provide(SecretReader, FromNode.layer)
  const said = Variables.read(variable, process.env, reader)
  return Result.isSuccess(said)
    ? said.success?.text
    : yield* failed(`${said.failure.where}: ${said.failure.message}`)
})

/** The server that somebody has named. */
const remote = Effect.fnUntraced(function* (
  server: string,
  flags: StoreFlags,
): Effect.fn.Return<StoreAccess.Access, StoreAccess.AccessError> {
  const token = yield* given(flags.adminToken, Settings.variableOf("adminToken"))
  const url = URL.canParse(server) ? new URL(server) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    return yield* failed("--server: expected a URL with http or https")
  if (url.username !== "" || url.password !== "")
    return yield* failed("--server: the token belongs into --admin-token")
  if (flags.store !== undefined) return yield* failed("--server and --store: name one of them")
  return yield* token === undefined
    ? failed("--server: needs the server's --admin-token, or MILLRACE_ADMIN_TOKEN")
    : StoreAccess.openServer(url, token)
})

/**
 * Runs a program on a store, reached as {@link StoreAccess.open} says. When it fails, the exit code
 * is 1, and a line says why.
 */
export const operate = async (flags: StoreFlags, changes: boolean, program: Program): Promise<void> => {
  const access = Effect.gen(function* () {
    // Whoever names a store means it, whatever the environment says.
    const server =
      flags.store === undefined ? yield* given(flags.server, Settings.serverVariable) : flags.server
    if (server !== undefined) return yield* remote(server, flags)
    const { store, ack } = yield* Config.load(storeFlags(flags), process.env, "to look")
    return yield* StoreAccess.open(store, { changes, ack })
  })
  const exit = await Effect.runPromiseExit(Effect.scoped(Effect.flatMap(access, program)))
  if (Exit.isSuccess(exit)) return
  const failure = Cause.findErrorOption(exit.cause)
  complain(failure._tag === "Some" ? failure.value.message : Cause.pretty(exit.cause))
  process.exitCode = 1
}
