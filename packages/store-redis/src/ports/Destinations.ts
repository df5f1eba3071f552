import type { Destinations } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { pairs, textOrNull } from "../reply.ts"
import { change } from "../scripts.ts"
import { byText, encode } from "../text.ts"

const toRecord = (json: string): Destinations.DestinationRecord =>
  JSON.parse(json) as Destinations.DestinationRecord

const toJson = ({ id, config, disabled, createdAt, selection }: Destinations.DestinationRecord): string =>
  JSON.stringify({ id, config, disabled, createdAt, selection })

export const destinations = (connection: Connection): Destinations.Destinations["Service"] => {
  const { keys } = connection
  return {
    get: (id) =>
      fromPromise(async () => {
        const json = textOrNull(await connection.read("HGET", [keys.destinations, encode(id)]))
        return json === null ? null : toRecord(json)
      }),

    list: fromPromise(async () =>
      pairs(await connection.read("HGETALL", [keys.destinations]))
        .map(([, json]) => toRecord(json.toString()))
        .sort((a, b) => byText(a.id, b.id)),
    ),

    put: (record) =>
      fromPromise(() => change(connection, "HSET", keys.destinations, [encode(record.id), toJson(record)])),

    remove: (id) => fromPromise(() => change(connection, "HDEL", keys.destinations, [encode(id)])),
  }
}
