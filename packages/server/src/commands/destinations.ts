import { type AdminApi, TimeText } from "@millrace/console/admin"
import type { Destination } from "@millrace/core"
import type { Rows } from "@millrace/core/host"
import { Command } from "commander"
import * as Effect from "effect/Effect"
import type { Access } from "../admin/StoreAccess.ts"
import { heading } from "../text/colour.ts"
import { json, printable } from "../text/SafeText.ts"
import * as Table from "../text/Table.ts"
import {
  count,
  type JsonObject,
  jsonObject,
  jsonOption,
  operate,
  print,
  printJson,
  remark,
  type StoreFlags,
  storeCommand,
  time,
} from "./operate.ts"

const state = ({ disabled, failingSince }: Rows.DestinationRow): string => {
  switch (disabled?.reason) {
    case "gone":
      return "disabled (gone)"
    case "by-hand":
      return "disabled"
    case "unconfigured":
      return "unconfigured"
    case undefined:
      return failingSince === null ? "ok" : "failing"
  }
}

const number = (
  name: "delivered" | "filtered" | "dead" | "trimmed" | "pending",
): Table.Column<Rows.DestinationRow> => ({ name, text: (row) => String(row[name]), right: true })

const columns = (now: number): ReadonlyArray<Table.Column<Rows.DestinationRow>> => [
  { name: "id", text: ({ id }) => id },
  { name: "state", text: state },
  number("delivered"),
  number("filtered"),
  number("dead"),
  number("trimmed"),
  number("pending"),
  { name: "lag", text: ({ lag }) => (lag === null ? "-" : TimeText.duration(lag)) },
  {
    name: "failing since",
    text: ({ failingSince, failures }) =>
      failingSince === null ? "-" : `${TimeText.ago(failingSince, now)}, ${failures} times`,
  },
  { name: "circuit", text: ({ circuit }) => circuit },
]

const remarkOnServer = ({ isServed }: Access): void => {
  if (!isServed) remark("no server runs on this store: nothing is delivered")
}

const listCommand = (): Command =>
  storeCommand("list", "List destinations and how they are doing")
    .addOption(jsonOption)
    .action((flags: StoreFlags) =>
      operate(flags, false, (access) =>
        Effect.map(access.admin.destinations({}), ({ destinations }) => {
          if (flags.json === true) for (const row of destinations) printJson(row)
          else
            print(
              destinations.length === 0 ? "none\n" : Table.format(columns(Date.now()), destinations, heading),
            )
          remarkOnServer(access)
        }),
      ),
    )

type Detail = AdminApi.Output<"destination">

/** Its options one a line, defaults included; secrets and the values of headers are masked. */
const described = ({ id, selects, origin, createdAt, selectionSince, hasCode, config }: Detail): string => {
  const { id: _, ...options } = config
  const names = Object.keys(options)
  const width = Math.max(...names.map((name) => name.length))
  const added = createdAt === null ? "added" : `added ${TimeText.format(createdAt)}`
  const facts = [
    origin === "added" ? added : "of the configuration, and changed there",
    ...(selectionSince === null ? [] : [`its filter changed ${TimeText.format(selectionSince)}`]),
    ...(hasCode ? ["code of the program decides, too"] : []),
  ]
  return [
    `${printable(id)}: ${printable(selects)}\n`,
    `${facts.join("; ")}\n\n`,
    ...names.map((name) => `${name.padEnd(width)}  ${json(options[name])}\n`),
  ].join("")
}

const showCommand = (): Command =>
  storeCommand("show", "Show how one is set up, without its secrets")
    .argument("<id>", "the destination's")
    .addOption(jsonOption)
    .action((id: string, flags: StoreFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.map(admin.destination({ id }), (detail) =>
          flags.json === true ? printJson(detail) : print(described(detail)),
        ),
      ),
    )

const tryNowCommand = (): Command =>
  storeCommand("try-now", "Try at once what waits for a destination, whatever it waits for")
    .argument("<id>", "the destination's")
    .addHelpText(
      "after",
      "\nNeeds a running server. `millrace attempts --destination` shows what came of it.",
    )
    .action((id: string, flags: StoreFlags) =>
      operate(flags, true, ({ admin }) => Effect.map(admin.tryNow({ id }), () => print(`${id} is tried\n`))),
    )

interface AddFlags extends StoreFlags {
  readonly id?: string
  readonly url?: string
}

const addCommand = (): Command =>
  storeCommand("add", "Add a destination: it is kept in the store, and gets events at once")
    .argument("[config]", 'as in the config file: \'{"id": ..., "url": ...}\'', jsonObject)
    .option("--id <id>", "its name")
    .option("--url <url>", "where to")
    .action((config: JsonObject | undefined, { id, url, ...flags }: AddFlags) => {
      // Wrong as it may be: whoever is asked says all that is wrong with it.
      const destination = {
        ...config,
        ...(id === undefined ? {} : { id }),
        ...(url === undefined ? {} : { url }),
      } as Destination.DestinationOptions
      return operate(flags, true, (access) =>
        Effect.map(access.admin.addDestination({ destination }), () => {
          print(`${json(destination.id)} is added\n`)
          remarkOnServer(access)
        }),
      )
    })

type ById = "removeDestination" | "disable" | "enable"

const byId = (name: string, action: ById, description: string, done: string): Command =>
  storeCommand(name, description)
    .argument("<id>", "the destination's")
    .action((id: string, flags: StoreFlags) =>
      operate(flags, true, ({ admin }) =>
        Effect.map(admin[action]({ id }), () => print(`${id} is ${done}\n`)),
      ),
    )

const events = (count: number): string => `${count} event${count === 1 ? "" : "s"}`

const rewindCommand = (): Command =>
  storeCommand(
    "rewind",
    "Put a destination back: everything from a time on is sent once more, before anything new",
  )
    .argument("<id>", "the destination's")
    .requiredOption("--since <time>", 'like 2026-01-31T12:00:00Z, or how long ago, like "2 hours"', time)
    .addOption(jsonOption)
    .action((id: string, { since, ...flags }: StoreFlags & { readonly since: number }) =>
      operate(flags, true, ({ admin }) =>
        Effect.map(admin.rewind({ id, since }), (result) => {
          if (flags.json === true) printJson(result)
          else print(`${id}: ${events(result.events)} due once more\n`)
        }),
      ),
    )

const skipCommand = (): Command =>
  storeCommand(
    "skip",
    "Give up what is pending for a destination; a replay can still send it while it is kept",
  )
    .argument("<id>", "the destination's")
    .addOption(jsonOption)
    .action((id: string, flags: StoreFlags) =>
      operate(flags, true, ({ admin }) =>
        Effect.map(admin.skip({ id }), (result) => {
          if (flags.json === true) printJson(result)
          else print(`${id}: ${events(result.events)} passed over\n`)
        }),
      ),
    )

type Report = AdminApi.Output<"tryFilter">

const nameColumns: ReadonlyArray<Table.Column<Report["names"][number]>> = [
  { name: "event", text: ({ eventName }) => eventName },
  { name: "seen", text: ({ looked }) => String(looked), right: true },
  { name: "passed", text: ({ passed }) => String(passed), right: true },
]

const report = ({ looked, passed, unexportable, names, examples }: Report): string => {
  const failing = unexportable === 0 ? "" : `, ${unexportable} of them cannot be exported`
  return [
    `${passed} of the newest ${events(looked)} would pass${failing}\n`,
    ...(names.length === 0 ? [] : ["\n", Table.format(nameColumns, names, heading)]),
    ...(examples.length === 0 ? [] : ["\n", ...examples.map((example) => `${json(example)}\n`)]),
  ].join("")
}

interface TryFlags extends StoreFlags {
  readonly fields?: JsonObject
  readonly limit?: number
  readonly examples?: number
}

const tryFilterCommand = (): Command =>
  storeCommand("try-filter", "Say what a filter would have done with the newest events; nothing is sent")
    .argument("[filter]", 'as in the config file: \'{"include": ["checkout_*"]}\'', jsonObject)
    .option("--fields <rule>", 'field rules as in the config file: \'{"drop": ["user.email"]}\'', jsonObject)
    .option("--limit <count>", "how many events to look at (default: 1000)", count(100_000))
    .option("--examples <count>", "how many to show as they would be sent (default: 5)", count(100))
    .addOption(jsonOption)
    .action((filter: JsonObject = {}, { fields, limit, examples, ...flags }: TryFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.map(
          admin.tryFilter({
            selection: { filter, ...(fields === undefined ? {} : { fields }) },
            ...(limit === undefined ? {} : { limit }),
            ...(examples === undefined ? {} : { examples }),
          }),
          (result) => (flags.json === true ? printJson(result) : print(report(result))),
        ),
      ),
    )

export const command = (): Command =>
  new Command("destinations")
    .description("See and change where events go")
    .addCommand(listCommand())
    .addCommand(showCommand())
    .addCommand(addCommand())
    .addCommand(byId("remove", "removeDestination", "Forget one that was added, and its place", "removed"))
    .addCommand(byId("disable", "disable", "Stop sending; its place stays", "disabled"))
    .addCommand(byId("enable", "enable", "Go on where it stood", "enabled"))
    .addCommand(tryNowCommand())
    .addCommand(rewindCommand())
    .addCommand(skipCommand())
    .addCommand(tryFilterCommand())
