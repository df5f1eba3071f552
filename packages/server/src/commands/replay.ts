import { TimeText } from "@millrace/console/admin"
import type { Command } from "commander"
import * as Effect from "effect/Effect"
import { jsonOption, operate, print, printJson, type StoreFlags, storeCommand, time } from "./operate.ts"

interface Flags extends StoreFlags {
  readonly destination: string
  readonly since: number
  readonly until?: number
}

export const command = (): Command => {
  const replay = storeCommand(
    "replay",
    "Send a time range to a destination once more, beside live traffic; the events keep their ids",
  )
    .requiredOption("--destination <id>", "where to")
    .requiredOption("--since <time>", "what arrived at or after it", time)
    .option("--until <time>", "and before it (default: now)", time)
    .addOption(jsonOption)
    .addHelpText(
      "after",
      `
A time is ISO 8601 (UTC, unless it names a zone), or how long ago: "2 hours". When no server runs, the replay is kept in the
store, and begins when one does.`,
    )
  return replay.action(({ destination, since, until = Date.now(), ...flags }: Flags) => {
    if (since >= until) replay.error("--since: has to be before --until")
    return operate(flags, true, ({ admin, isServed }) =>
      Effect.map(admin.replay({ destination, since, until }), ({ replay }) => {
        if (flags.json === true) return printJson({ replay, since, until })
        const range = `${TimeText.format(since)} to ${TimeText.format(until)}`
        const when = isServed ? "has begun" : "will begin when a server runs"
        print(`${replay} ${when}: ${range} to ${destination}\n`)
      }),
    )
  })
}
