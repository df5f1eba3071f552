import { AdminApi, TimeText } from "@millrace/console/admin"
import { DeadLetters } from "@millrace/core"
import { Actions } from "@millrace/core/host"
import { Command } from "commander"
import * as Effect from "effect/Effect"
import type { Access } from "../admin/StoreAccess.ts"
import { heading } from "../text/colour.ts"
import { json, printable } from "../text/SafeText.ts"
import * as Table from "../text/Table.ts"
import {
  count,
  ensureDestination,
  jsonOption,
  list,
  operate,
  print,
  printJson,
  remark,
  type StoreFlags,
  storeCommand,
  time,
} from "./operate.ts"

type Letter = AdminApi.Output<"deadLetters">["letters"][number]

interface Flags extends StoreFlags {
  readonly destination?: string
  readonly id?: ReadonlyArray<string>
  readonly before?: number
}

const selectionOf = ({ destination, id, before }: Flags) => ({
  ...(destination === undefined ? {} : { destination }),
  ...(id === undefined ? {} : { eventIds: id }),
  ...(before === undefined ? {} : { before }),
})

/** For a list that nothing was found for. */
const ensureNamed = (admin: Access["admin"], { destination = DeadLetters.intake }: Flags) =>
  destination === DeadLetters.intake ? Effect.void : ensureDestination(admin, destination)

const filtered = (name: string, description: string): Command =>
  storeCommand(name, description)
    .option("--id <timeUUID>", "only this event's; may be repeated", list)
    .option("--before <time>", 'only those that died before, like 2026-01-31 or "2 hours" ago', time)

const columns = (now: number): ReadonlyArray<Table.Column<Letter>> => [
  { name: "id", text: ({ eventId }) => eventId },
  { name: "destination", text: ({ destination }) => destination },
  { name: "event", text: ({ eventName }) => eventName },
  { name: "reason", text: ({ reason }) => reason },
  { name: "status", text: ({ status }) => String(status ?? "-"), right: true },
  { name: "died", text: ({ deadAt }) => TimeText.ago(deadAt, now) },
  { name: "replayed", text: ({ replayedAt }) => TimeText.ago(replayedAt, now) },
  { name: "message", text: ({ message }) => message },
]

/** What was refused on arrival may be cut, and then is no JSON. */
const eventText = (event: string): string => {
  try {
    return json(JSON.parse(event))
  } catch {
    return printable(event)
  }
}

const details = (letter: Letter): string =>
  [
    ["id", letter.eventId],
    ["destination", letter.destination],
    ["event", letter.eventName],
    ["reason", letter.reason],
    ["status", String(letter.status ?? "-")],
    ["message", letter.message],
    ["received", TimeText.format(letter.receivedAt)],
    ["died", TimeText.format(letter.deadAt)],
    ["replayed", letter.replayedAt === null ? "-" : TimeText.format(letter.replayedAt)],
  ]
    .map(([name, text]) => `${name!.padEnd(11)}  ${printable(text!)}\n`)
    .join("")

const listCommand = (): Command =>
  filtered("list", "List events that were refused for good, newest first")
    .option("--destination <id>", 'only those of this one; "intake" are those refused on arrival')
    .option("--limit <count>", "how many at most (default: 100)", count(Actions.maxListed))
    .addOption(jsonOption)
    .action((flags: Flags & { readonly limit?: number }) =>
      operate(flags, false, ({ admin }) =>
        Effect.gen(function* () {
          const { letters, next } = yield* admin.deadLetters({
            ...selectionOf(flags),
            ...(flags.limit === undefined ? {} : { limit: flags.limit }),
          })
          if (letters.length === 0) yield* ensureNamed(admin, flags)
          if (flags.json === true) for (const letter of letters) printJson(letter)
          else print(letters.length === 0 ? "none\n" : Table.format(columns(Date.now()), letters, heading))
          if (next !== null) remark("there are more: --limit, --before and --destination choose")
        }),
      ),
    )

const showCommand = (): Command =>
  storeCommand("show", "Show all that is known of one event's dead letters, with the event")
    .argument("<timeUUID>", "the event's id")
    .addOption(jsonOption)
    .action((id: string, flags: StoreFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.flatMap(admin.deadLetters({ eventIds: [id] }), ({ letters }) => {
          if (letters.length === 0) {
            return Effect.fail(
              new AdminApi.AdminError({ status: 404, message: `there is no dead letter ${id}` }),
            )
          }
          if (flags.json === true) for (const letter of letters) printJson(letter)
          else print(letters.map((letter) => `${details(letter)}\n${eventText(letter.event)}\n`).join("\n"))
          return Effect.void
        }),
      ),
    )

const replayCommand = (): Command =>
  filtered("replay", "Send dead letters of a destination once more, now; without --id those not replayed yet")
    .requiredOption("--destination <id>", "whose")
    .addOption(jsonOption)
    .addHelpText(
      "after",
      `
Needs a running server, which goes on when this command is interrupted; \`millrace destinations disable\` stops it. Ends with 1 when
an event has failed again.`,
    )
    .action((flags: Flags & { readonly destination: string }) =>
      operate(flags, true, ({ admin }) =>
        Effect.map(
          admin.replayDeadLetters({ ...selectionOf(flags), destination: flags.destination }),
          ({ replayed, failed, stopped }) => {
            if (flags.json === true) printJson({ replayed, failed, stopped })
            else {
              print(`${replayed} replayed, ${failed.length} failed\n`)
              for (const { eventId, message } of failed) print(`${eventId}  ${printable(message)}\n`)
              if (stopped !== null) print(`stopped: ${printable(stopped)}\n`)
            }
            if (failed.length > 0 || stopped !== null) process.exitCode = 1
          },
        ),
      ),
    )

const purgeCommand = (): Command => {
  const purge = filtered("purge", "Remove dead letters for good")
    .option("--destination <id>", 'only those of this one; "intake" are those refused on arrival')
    .option("--all", "all there are")
    .addOption(jsonOption)
  return purge.action((flags: Flags & { readonly all?: boolean }) => {
    const selection = selectionOf(flags)
    const isSelected = Object.keys(selection).length > 0
    if (isSelected === (flags.all === true)) {
      purge.error("say which ones, by --destination, --id or --before; or --all")
    }
    return operate(flags, false, ({ admin }) =>
      Effect.gen(function* () {
        const { purged } = yield* admin.purgeDeadLetters(selection)
        if (purged === 0) yield* ensureNamed(admin, flags)
        if (flags.json === true) printJson({ purged })
        else print(`${purged} removed\n`)
      }),
    )
  })
}

export const command = (): Command =>
  new Command("dead-letters")
    .description("See, replay and remove events that were refused for good")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(replayCommand())
    .addCommand(purgeCommand())
