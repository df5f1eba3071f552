import type { Keys } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { pairs } from "../reply.ts"
import { change } from "../scripts.ts"
import { byText, encode } from "../text.ts"

const toJson = ({ hash, kind, createdAt, name, hint }: Keys.KeyRecord): string =>
  JSON.stringify({ hash, kind, createdAt, name, hint })

export const apiKeys = (connection: Connection): Keys.Keys["Service"] => {
  const { keys } = connection
  return {
    list: fromPromise(async () =>
      pairs(await connection.read("HGETALL", [keys.keys]))
        .map(([, json]) => JSON.parse(json.toString()) as Keys.KeyRecord)
        .sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),
    ),

    put: (record) =>
      fromPromise(() => change(connection, "HSET", keys.keys, [encode(record.hash), toJson(record)])),

    remove: (hash) => fromPromise(() => change(connection, "HDEL", keys.keys, [encode(hash)])),
  }
}
