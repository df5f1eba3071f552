import { resolve } from "node:path"
import type { StoreError } from "@millrace/core"
import { Migration } from "@millrace/core/host"
import { Command } from "commander"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as StoreAccess from "../admin/StoreAccess.ts"
import * as StoreUrl from "../config/StoreUrl.ts"
import * as ByteText from "../text/ByteText.ts"
import { complain } from "../text/complain.ts"
import { jsonOption, print, printJson, remark, size } from "./operate.ts"

interface Flags {
  readonly from: string
  readonly to: string
  readonly toMaxBytes?: number
  readonly pendingOnly?: boolean
  readonly json?: boolean
}

const { AccessError } = StoreAccess

const parse = (
  flag: string,
  text: string,
  maxBytes?: number,
): Effect.Effect<StoreUrl.StoreUrl, StoreAccess.AccessError> =>
  Effect.mapError(
    StoreUrl.parse(text, maxBytes),
    (message) => new AccessError({ message: `${flag}: ${message}` }),
  )

const identity = ({ path, text }: StoreUrl.StoreUrl): string => (path === null ? text : resolve(path))

const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en-US")} ${count === 1 ? one : many}`

const amount = ({
  entries,
  events,
  bytes,
}: Pick<Migration.MigrationProgress, "entries" | "events" | "bytes">) =>
  `${plural(entries, "entry", "entries")}, ${plural(events, "event")}, ${ByteText.format(bytes)}`

/** A file of a log, or a pipe, gets a line now and then. */
const tellEvery = 5_000

/** On a terminal one line that changes. */
const teller = (stream: NodeJS.WriteStream): ((progress: Migration.MigrationProgress) => void) => {
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

const cap = (from: StoreUrl.StoreUrl, to: StoreUrl.StoreUrl): ReadonlyArray<string> =>
  from.maxBytes === to.maxBytes
    ? []
    : [`cap: the log may take ${ByteText.format(to.maxBytes)} instead of ${ByteText.format(from.maxBytes)}`]

const reportText = (report: Migration.MigrationReport): string =>
  [
    `moved ${amount(report)}`,
    [
      plural(report.destinations, "destination"),
      plural(report.cursors, "cursor"),
      plural(report.deadLetters, "dead letter"),
      plural(report.attempts, "attempt"),
      plural(report.keys, "key"),
      plural(report.counters, "hourly count"),
    ].join(", "),
    ...(report.repeated === 0
      ? []
      : [
          `${plural(report.repeated, "event")} that a destination was done with will be sent to it once more`,
        ]),
    ...report.changes,
  ]
    .map((line) => `${line}\n`)
    .join("")

type Failure = StoreAccess.AccessError | Migration.MigrationError | StoreError

const messageOf = (failure: Failure): string =>
  failure._tag === "StoreError" && failure.reason._tag === "Full"
    ? `the target is too small: ${failure.message}; raise its cap by --to-max-bytes, or leave out what is delivered by --pending-only`
    : failure.message

const program = Effect.fnUntraced(function* (flags: Flags) {
  const [from, to] = [yield* parse("--from", flags.from), yield* parse("--to", flags.to, flags.toMaxBytes)]
  if (identity(from) === identity(to)) {
    return yield* new AccessError({ message: "--to: is the store that --from names" })
  }
  const source = yield* StoreAccess.openAlone(from, false)
  const target = yield* StoreAccess.openAlone(to, true)
  const report = yield* Migration.run(source, target, {
    sourceName: from.path === null ? from.text : `sqlite:${resolve(from.path)}`,
    pendingOnly: flags.pendingOnly === true,
    onProgress: teller(process.stderr),
  })
  return { ...report, changes: [...report.changes, ...cap(from, to)] }
})

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** The exit code. */
const migrate = async (flags: Flags): Promise<number> => {
  const fiber = Effect.runFork(Effect.scoped(program(flags)))
  const codes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }
  let stoppedBy: (typeof signals)[number] | null = null
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stoppedBy !== null) process.exit(codes[stoppedBy])
    stoppedBy = signal as (typeof signals)[number]
    fiber.interruptUnsafe()
  }
  for (const signal of signals) process.on(signal, onSignal)
  const exit = await Effect.runPromise(Fiber.await(fiber))
  for (const signal of signals) process.off(signal, onSignal)

  if (Exit.isSuccess(exit)) {
    if (flags.json === true) printJson(exit.value)
    else print(reportText(exit.value))
    return 0
  }
  if (Cause.hasInterruptsOnly(exit.cause)) {
    remark("interrupted: the same command goes on where it was")
    return codes[stoppedBy ?? "SIGINT"]
  }
  const failure = Cause.findErrorOption(exit.cause)
  complain(failure._tag === "Some" ? messageOf(failure.value) : Cause.pretty(exit.cause))
  return 1
}

export const command = (): Command =>
  new Command("migrate")
    .description(
      "Move everything from one store to another: events, where each destination stands, dead letters",
    )
    .requiredOption("--from <url>", `the store as it is: ${StoreUrl.forms}`)
    .requiredOption("--to <url>", "an empty one")
    .option("--to-max-bytes <size>", "what its log may take, such as 2GiB, as its server has it", size)
    .option(
      "--pending-only",
      "leave out events that every destination is done with: they cannot be replayed then",
    )
    .addOption(jsonOption)
    .showHelpAfterError()
    .addHelpText(
      "after",
      `
Stop the servers of both first. The old store stays as it is. An interrupted migration goes on where it was when the same command
is run again; until it is done, no server starts on the new store. It ends with what was moved, and what is different there.`,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await migrate(flags)
    })
