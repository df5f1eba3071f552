import { resolve } from "node:path"
import { ByteText } from "@millrace/console/admin"
import { Migration } from "@millrace/core/host"
import { Command } from "commander"
import * as Effect from "effect/Effect"
import * as StoreAccess from "../admin/StoreAccess.ts"
import * as StoreUrl from "../config/StoreUrl.ts"
import {
  amount,
  type Failure,
  identity,
  lines,
  parse,
  records,
  repeated,
  runToEnd,
  teller,
} from "./moving.ts"
import { jsonOption, print, printJson, size } from "./operate.ts"

interface Flags {
  readonly from: string
  readonly to: string
  readonly toMaxBytes?: number
  readonly pendingOnly?: boolean
  readonly json?: boolean
}

const { AccessError } = StoreAccess

const cap = (from: StoreUrl.StoreUrl, to: StoreUrl.StoreUrl): ReadonlyArray<string> =>
  from.maxBytes === to.maxBytes
    ? []
    : [`cap: the log may take ${ByteText.format(to.maxBytes)} instead of ${ByteText.format(from.maxBytes)}`]

const reportText = (report: Migration.MigrationReport): string =>
  lines([`moved ${amount(report)}`, records(report), ...repeated(report), ...report.changes])

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

/** The exit code. */
const migrate = (flags: Flags): Promise<number> =>
  runToEnd(program(flags), {
    messageOf,
    onSuccess: (report) => {
      if (flags.json === true) printJson(report)
      else print(reportText(report))
      return 0
    },
  })

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
    .addHelpText(
      "after",
      `
Stop the servers of both first. The old store stays as it is. An interrupted migration goes on where it was when the same command
is run again; until it is done, no server starts on the new store. It ends with what was moved, and what is different there.`,
    )
    .action(async (flags: Flags) => {
      process.exitCode = await migrate(flags)
    })
