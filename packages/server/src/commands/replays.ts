import { AdminApi, TimeText } from "@millrace/console/admin"
import { Command } from "commander"
import * as Effect from "effect/Effect"
import { heading } from "../text/colour.ts"
import { printable } from "../text/SafeText.ts"
import * as Table from "../text/Table.ts"
import { ending } from "./ending.ts"
import { jsonOption, operate, print, printJson, type StoreFlags, storeCommand } from "./operate.ts"

type Job = AdminApi.Output<"jobs">["jobs"][number]

/** ms from one look at replays that are followed to the next. */
const lookEvery = 1_000

const state = ({ endedAt, stopped }: Job): string => {
  if (stopped !== null) return `stopped: ${stopped}`
  return endedAt === null ? "running" : "done"
}

const number = (name: "delivered" | "filtered" | "failed"): Table.Column<Job> => ({
  name,
  text: (job) => String(job[name]),
  right: true,
})

const columns = (now: number): ReadonlyArray<Table.Column<Job>> => [
  { name: "replay", text: ({ name }) => name },
  { name: "of", text: ({ kind }) => (kind === "range" ? "a time range" : "dead letters") },
  { name: "destination", text: ({ destination }) => destination },
  { name: "began", text: ({ startedAt }) => (startedAt === null ? "-" : TimeText.ago(startedAt, now)) },
  number("delivered"),
  number("filtered"),
  number("failed"),
  {
    name: "looked at",
    text: ({ looked, total }) => (total === null ? String(looked) : `${looked} of ${total}`),
    right: true,
  },
  { name: "state", text: state },
]

const listCommand = (): Command =>
  storeCommand("list", "List replays that run, and those that have ended within the hour")
    .addOption(jsonOption)
    .action((flags: StoreFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.map(admin.jobs({}), ({ jobs }) => {
          if (flags.json === true) for (const job of jobs) printJson(job)
          else print(jobs.length === 0 ? "none\n" : Table.format(columns(Date.now()), jobs, heading))
        }),
      ),
    )

/** How far one has come, in a line. */
const progress = (job: Job): string => {
  const { name, delivered, filtered, failed, looked, total } = job
  const left = total === null || job.endedAt !== null ? null : Math.max(total - looked, 0)
  const parts = [
    `${delivered} delivered`,
    ...(filtered === 0 ? [] : [`${filtered} filtered out`]),
    `${failed} failed`,
    ...(left === null ? [] : [`${left} left`]),
  ]
  return `${name}: ${parts.join(", ")}; ${printable(state(job))}\n`
}

/** Says how one goes whenever that has changed, until it has come to its end. */
const follow = Effect.fnUntraced(function* (
  { jobs }: Pick<AdminApi.Admin<AdminApi.NoServer>, "jobs">,
  name: string,
  say: (job: Job) => void,
) {
  let said = ""
  for (;;) {
    const job = (yield* jobs({})).jobs.find((one) => one.name === name)
    if (job === undefined) {
      return yield* new AdminApi.AdminError({
        status: 404,
        message: `there is no replay ${JSON.stringify(name)}`,
      })
    }
    const text = JSON.stringify(job)
    if (text !== said) say(job)
    said = text
    if (job.endedAt !== null) {
      if (job.stopped !== null || job.failed > 0) process.exitCode = 1
      return
    }
    yield* Effect.sleep(lookEvery)
  }
})

const followCommand = (): Command =>
  storeCommand("follow", "Say how far a replay has come, until it has ended or this is interrupted")
    .argument("<name>", "the replay's")
    .addOption(jsonOption)
    .addHelpText(
      "after",
      `
The replay goes on when this command is interrupted; \`millrace replays cancel\` stops it. Ends with 1 when it was stopped, or an
event has failed.`,
    )
    .action((name: string, flags: StoreFlags) =>
      operate(flags, false, ({ admin }) =>
        Effect.raceFirst(
          follow(admin, name, (job) => (flags.json === true ? printJson(job) : print(progress(job)))),
          ending,
        ),
      ),
    )

const cancelCommand = (): Command =>
  storeCommand("cancel", "Stop a replay: what it has sent stays sent")
    .argument("<name>", "the replay's")
    .action((name: string, flags: StoreFlags) =>
      operate(flags, true, ({ admin }) =>
        Effect.map(admin.stopJob({ name }), () => print(`${name} is cancelled\n`)),
      ),
    )

export const command = (): Command =>
  new Command("replays")
    .description("See how far replays have come, and stop them")
    .addCommand(listCommand())
    .addCommand(followCommand())
    .addCommand(cancelCommand())
