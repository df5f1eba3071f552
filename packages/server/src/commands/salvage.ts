import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { Entry, Migration } from "@millrace/core/host"
import type { FoundEntry, Gap, Incomplete, Missing } from "@millrace/store-sqlite"
import { Command } from "commander"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as StoreAccess from "../admin/StoreAccess.ts"
import {
  amount,
  type Failure,
  identity,
  lines,
  parse,
  plural,
  records,
  repeated,
  runToEnd,
  teller,
} from "./moving.ts"
import { jsonOption, print, printJson, remark, size } from "./operate.ts"

interface Flags {
  readonly from: string
  readonly to: string
  readonly toMaxBytes?: number
  readonly json?: boolean
}

const { AccessError } = StoreAccess

/** Everything there was has been copied; some of it is missing. */
const exitCodes = { whole: 0, incomplete: 2 } as const

/** How many stretches of the log are named. */
const mostNamed = 20

const isSound = (entry: FoundEntry): boolean => Result.isSuccess(Entry.decode(entry))

const rangeOf = ({ first, last, events }: Gap): string => {
  const range = first === last ? `${first}` : `${first} to ${last}`
  return events === null ? range : `${range} (${plural(events, "event")})`
}

const incomplete = ({ kind, missing }: Incomplete): string =>
  missing === null ? `${kind}: some, nothing tells how many` : `${kind}: ${missing}`

const nothingIsMissing = ({ entries, records, isLogForeign }: Missing): boolean =>
  entries === 0 && records.length === 0 && !isLogForeign

/** What is missing, a line each. */
const missingText = (missing: Missing): ReadonlyArray<string> => {
  if (nothingIsMissing(missing)) return ["nothing is missing"]
  const { entries, events, gaps, unplaced, isLogForeign } = missing
  const named = gaps.slice(0, mostNamed).map(rangeOf)
  const more = gaps.length > mostNamed ? [`and ${gaps.length - mostNamed} more stretches`] : []
  const counted = events === null ? "events, nothing tells how many," : plural(events, "event")
  return [
    "missing:",
    ...(entries === 0
      ? []
      : [
          `  ${counted} in ${plural(entries, "entry", "entries")} of the log:`,
          ...[...named, ...more].map((line) => `    ${line}`),
        ]),
    ...missing.records.map((one) => `  ${incomplete(one)}`),
    ...(unplaced.length === 0
      ? []
      : [
          `  the places of ${unplaced.join(", ")}: they begin with the oldest event kept, and get what they have had once more; \`millrace destinations skip\` gives up what is pending`,
        ]),
    ...(isLogForeign ? ["  the write-ahead log beside the file is that of another, and was left out"] : []),
  ]
}

const reportText = ({ report, missing }: Salvage): string =>
  lines([`copied ${amount(report)}`, records(report), ...repeated(report), ...missingText(missing)])

interface Salvage {
  readonly report: Migration.MigrationReport
  readonly missing: Missing
}

const program = Effect.fnUntraced(function* (flags: Flags) {
  const [from, to] = [yield* parse("--from", flags.from), yield* parse("--to", flags.to, flags.toMaxBytes)]
  const { path } = from
  if (path === null) return yield* new AccessError({ message: "--from: expected sqlite:PATH" })
  if (!existsSync(path)) return yield* new AccessError({ message: `there is no store ${from.text}` })
  if (identity(from) === identity(to)) {
    return yield* new AccessError({ message: "--to: is the file that --from names, which stays as it is" })
  }
  const { salvage } = yield* Effect.promise(() => import("@millrace/store-sqlite"))
  remark("looking at every page")
  const { store, missing } = yield* salvage(path, isSound)
  const target = yield* StoreAccess.openAlone(to, true)
  const report = yield* Migration.run(store, target, {
    sourceName: `salvaged sqlite:${resolve(path)}`,
    onProgress: teller(process.stderr),
    unplaced: missing.unplaced,
  })
  return { report, missing } satisfies Salvage
})

const messageOf = (failure: Failure): string =>
  failure._tag === "StoreError" && failure.reason._tag === "Full"
    ? `the target is too small: ${failure.message}; raise its cap by --to-max-bytes`
    : failure.message

/** The exit code. */
const salvage = (flags: Flags): Promise<number> =>
  runToEnd(program(flags), {
    messageOf,
    onSuccess: (done) => {
      if (flags.json === true) printJson({ ...done.report, missing: done.missing })
      else print(reportText(done))
      return nothingIsMissing(done.missing) ? exitCodes.whole : exitCodes.incomplete
    },
  })

export const command = (): Command =>
  new Command("salvage")
    .description("Copy what can be read of a damaged SQLite file into a new store, and say what is missing")
    .requiredOption("--from <url>", "the damaged file: sqlite:PATH")
    .requiredOption("--to <url>", "a new store, such as sqlite:PATH")
    .option("--to-max-bytes <size>", "what its log may take, such as 2GiB, as its server has it", size)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      `
Stop the server first. The damaged file is read page by page, and never written to. Ends with 0 when nothing is missing, with 2 when
something is, and with 1 when nothing could be copied. An interrupted salvage goes on where it was when the same command is run again.`,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await salvage(flags)
    })
