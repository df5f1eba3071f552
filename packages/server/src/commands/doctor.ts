import type { AdminApi } from "@millrace/console/admin"
import type { Command } from "commander"
import * as Effect from "effect/Effect"
import * as Settings from "../config/settings.ts"
import { onStdout } from "../text/colour.ts"
import { printable } from "../text/SafeText.ts"
import { jsonOption, operate, print, printJson, type StoreFlags, storeCommand } from "./operate.ts"

const colours = { ok: "green", note: "yellow", wrong: "red" } as const

const line = ({ level, name, message }: AdminApi.Check): string =>
  `${onStdout(colours[level], level.padEnd(5))}  ${name.padEnd(12)}  ${printable(message)}\n`

export const command = (): Command =>
  storeCommand("doctor", "Look for what is wrong; ends with 1 when something is")
    .option(Settings.usageOf("ack"), "what the server demands of it, if anything")
    .addOption(jsonOption)
    .action((flags: StoreFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.map(admin.doctor({}), ({ checks }) => {
          if (flags.json === true) for (const check of checks) printJson(check)
          else print(checks.map(line).join(""))
          if (checks.some(({ level }) => level === "wrong")) process.exitCode = 1
        }),
      ),
    )
