import { type AdminApi, TimeText } from "@millrace/console/admin"
import { Actions } from "@millrace/core/host"
import type { Command } from "commander"
import * as Effect from "effect/Effect"
import { heading } from "../text/colour.ts"
import * as Table from "../text/Table.ts"
import {
  count,
  ensureDestination,
  jsonOption,
  operate,
  print,
  printJson,
  type StoreFlags,
  storeCommand,
} from "./operate.ts"

type Attempt = AdminApi.Output<"attempts">["attempts"][number]

const columns = (now: number): ReadonlyArray<Table.Column<Attempt>> => [
  { name: "when", text: ({ startedAt }) => TimeText.ago(startedAt, now) },
  { name: "destination", text: ({ destination }) => destination },
  { name: "outcome", text: ({ outcome }) => outcome },
  { name: "status", text: ({ status }) => String(status ?? "-"), right: true },
  { name: "events", text: ({ events }) => String(events), right: true },
  { name: "took", text: ({ duration }) => `${Math.round(duration)} ms`, right: true },
  {
    name: "next",
    text: ({ wait, waitReason }) =>
      wait === null
        ? "-"
        : `after ${TimeText.duration(wait)}${waitReason === null ? "" : ` (${waitReason})`}`,
  },
  { name: "error", text: ({ error }) => error ?? "" },
]

interface Flags extends StoreFlags {
  readonly destination?: string
  readonly failures?: boolean
  readonly limit?: number
}

export const command = (): Command =>
  storeCommand("attempts", "List what was sent, newest first, and what came back")
    .option("--destination <id>", "only to this one")
    .option("--failures", "only those that failed")
    .option("--limit <count>", "how many at most (default: 100)", count(Actions.maxListed))
    .addOption(jsonOption)
    .action(({ destination, failures, limit, ...flags }: Flags) =>
      operate(flags, false, ({ admin }) =>
        Effect.gen(function* () {
          const { attempts } = yield* admin.attempts({
            ...(destination === undefined ? {} : { destination }),
            ...(failures === undefined ? {} : { failuresOnly: failures }),
            ...(limit === undefined ? {} : { limit }),
          })
          if (attempts.length === 0 && destination !== undefined) yield* ensureDestination(admin, destination)
          if (flags.json === true) for (const attempt of attempts) printJson(attempt)
          else print(attempts.length === 0 ? "none\n" : Table.format(columns(Date.now()), attempts, heading))
        }),
      ),
    )
