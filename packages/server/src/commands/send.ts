import { AdminApi } from "@millrace/console/admin"
import { SchemaProblems } from "@millrace/core/host"
import type { Command } from "commander"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  type JsonObject,
  jsonObject,
  operate,
  print,
  remark,
  type StoreFlags,
  storeCommand,
} from "./operate.ts"

interface Flags extends Omit<StoreFlags, "json"> {
  readonly name?: string
  readonly value?: string
  readonly user?: string
  readonly json?: JsonObject
}

const decode = Schema.decodeUnknownResult(AdminApi.actions.logEvent.input, {
  errors: "all",
  onExcessProperty: "error",
})

/** A number is meant as one: filters compare it as such. */
const readValue = (text: string): string | number => (/^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text)

const eventOf = ({ name, value, user, json = {} }: Flags): unknown => ({
  event: "test",
  user: { userID: "test" },
  ...json,
  ...(name === undefined ? {} : { event: name }),
  ...(value === undefined ? {} : { value: readValue(value) }),
  ...(user === undefined ? {} : { user: { userID: user } }),
})

export const command = (): Command => {
  const send = storeCommand("send", "Take one event in through the server, and print the id it arrives with")
    .option("--name <name>", "of the event (default: test)")
    .option("--value <value>", "a text or a number")
    .option("--user <id>", "the user's (default: test)")
    .option("--json <event>", "the whole event: {event, user, value, metadata, timestamp}", jsonObject)
  return send.action((flags: Flags) => {
    const event = decode(eventOf(flags))
    if (Result.isFailure(event)) {
      const problems = SchemaProblems.problemsOf(event.failure).map(
        ({ path, message }) => `${path}: ${message}`,
      )
      return send.error(problems.join("\n"))
    }
    const { json: _, ...storeFlags } = flags
    return operate(storeFlags, false, ({ admin }) =>
      Effect.map(admin.logEvent(event.success), ({ timeUUID }) => {
        if (timeUUID === null) return remark("a repetition: it was taken in before")
        print(`${timeUUID}\n`)
        remark("accepted and stored: receivers get it with this timeUUID")
      }),
    )
  })
}
