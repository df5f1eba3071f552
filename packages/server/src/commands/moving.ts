import { resolve } from "node:path"
import { ByteText } from "@millrace/console/admin"
import type { StoreError } from "@millrace/core"
import type { Migration } from "@millrace/core/host"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as StoreAccess from "../admin/StoreAccess.ts"
import * as StoreUrl from "../config/StoreUrl.ts"
import { complain } from "../text/complain.ts"
import { remark } from "./operate.ts"

// What the commands have in common that bring everything into another store.

/** The store that a flag names. */
export const parse = (
  flag: string,
  text: string,
  maxBytes?: number,
): Effect.Effect<StoreUrl.StoreUrl, StoreAccess.AccessError> =>
  Effect.mapError(
    StoreUrl.parse(text, maxBytes),
    (message) => new StoreAccess.AccessError({ message: `${flag}: ${message}` }),
  )

export const identity = ({ path, text }: StoreUrl.StoreUrl): string => (path === null ? text : resolve(path))

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`

export const amount = ({
  entries,
  events,
  bytes,
}: Pick<Migration.MigrationProgress, "entries" | "events" | "bytes">) =>
  `${plural(entries, "entry", "entries")}, ${plural(events, "event")}, ${ByteText.format(bytes)}`

/** A file of a log, or a pipe, gets a line now and then. */
const tellEvery = 5_000

/** On a terminal one line that changes. */
export const teller = (stream: NodeJS.WriteStream): ((progress: Migration.MigrationProgress) => void) => {
  let last = 0
  return (progress) => {
    const now = Date.now()
    const { entries, ofEntries } = progress
    const isDone = entries >= ofEntries
    const share = ofEntries === 0 ? 100 : Math.floor((entries / ofEntries) * 100)
    const text = `${share} %: ${amount(progress)}`
    if (stream.isTTY) stream.write(`\r\u001b[K${text}${isDone ? "\r\u001b[K" : ""}`)
    else if (!isDone && now - last >= tellEvery) stream.write(`${text}\n`)
    else return
    last = now
  }
}

/** What was brought there beside the log. */
export const records = (report: Migration.MigrationReport): string =>
  [
    plural(report.destinations, "destination"),
    plural(report.cursors, "cursor"),
    plural(report.deadLetters, "dead letter"),
    plural(report.attempts, "attempt"),
    plural(report.keys, "key"),
    plural(report.counters, "hourly count"),
  ].join(", ")

/** What destinations get that they were done with. */
export const repeated = (report: Migration.MigrationReport): ReadonlyArray<string> =>
  report.repeated === 0
    ? []
    : [`${plural(report.repeated, "event")} that a destination was done with will be sent to it once more`]

export const lines = (all: ReadonlyArray<string>): string => all.map((line) => `${line}\n`).join("")

export type Failure = StoreAccess.AccessError | Migration.MigrationError | StoreError

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

interface Ending<A> {
  /** Says what was done, and returns the exit code. */
  readonly onSuccess: (report: A) => number
  readonly messageOf: (failure: Failure) => string
}

/** Runs a program to its end, or until a signal. Returns the exit code. */
export const runToEnd = async <A>(
  program: Effect.Effect<A, Failure, Scope.Scope>,
  { onSuccess, messageOf }: Ending<A>,
): Promise<number> => {
  const fiber = Effect.runFork(Effect.scoped(program))
  let stoppedBy: (typeof signals)[number] | null = null
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppedBy !== null) process.exit(codes[stoppedBy])
    stoppedBy = signal as (typeof signals)[number]
    fiber.interruptUnsafe()
  }
  for (const signal of signals) process.on(signal, onSignal)
  const exit = await Effect.runPromise(Fiber.await(fiber))
  for (const signal of signals) process.off(signal, onSignal)

  if (Exit.isSuccess(exit)) return onSuccess(exit.value)
  if (Cause.hasInterruptsOnly(exit.cause)) {
    remark("interrupted: the same command goes on where it was")
    return codes[stoppedBy ?? "SIGINT"]
  }
  const failure = Cause.findErrorOption(exit.cause)
  complain(failure._tag === "Some" ? messageOf(failure.value) : Cause.pretty(exit.cause))
  return 1
}
