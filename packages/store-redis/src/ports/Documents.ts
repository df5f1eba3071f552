import { Buffer } from "node:buffer"
import { Documents } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import type { Reply } from "../Link.ts"
import { script } from "../Script.ts"
import { change } from "../scripts.ts"
import { encode } from "../text.ts"

/**
 * KEYS[2] and [3]: the documents, and their names by when they were saved. ARGV: a name, its time,
 * and how many are kept.
 */
const arrange = script(`
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
local surplus = redis.call('ZCARD', KEYS[3]) - tonumber(ARGV[4])
if surplus > 0 then
  for _, name in ipairs(redis.call('ZRANGE', KEYS[3], 0, surplus - 1)) do
    redis.call('HDEL', KEYS[2], name)
    redis.call('ZREM', KEYS[3], name)
  end
end
`)

const lineBreak = 0x0a

/** A line of JSON, and the bytes: one value, so that it is replaced as a whole. */
const toValue = ({ savedAt, meta, body }: Documents.Document): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify({ savedAt, meta })}\n`), body])

const toDocument = (name: string, value: Reply): Documents.Document | null => {
  if (!(value instanceof Buffer)) return null
  const end = value.indexOf(lineBreak)
  const { savedAt, meta } = JSON.parse(value.toString("utf8", 0, end)) as Pick<
    Documents.Document,
    "savedAt" | "meta"
  >
  return { name, savedAt, meta, body: new Uint8Array(value.subarray(end + 1)) }
}

export const documents = (connection: Connection): Documents.Documents["Service"] => {
  const { keys } = connection
  return {
    get: (name) =>
      fromPromise(async () =>
        toDocument(name, await connection.read("HGET", [keys.documents, encode(name)])),
      ),

    // The bytes go in front of the script: through it they would be copied some times more.
    put: (document) =>
      fromPromise(async () => {
        const name = encode(document.name)
        await connection.runAfter(
          ["HSET", [keys.documents, name, toValue(document)]],
          arrange,
          [keys.documents, keys.documentOrder],
          [name, document.savedAt, Documents.limits.maxDocuments],
        )
      }),

    remove: (name) =>
      fromPromise(async () => {
        await change(connection, "HDEL", keys.documents, [encode(name)])
        await change(connection, "ZREM", keys.documentOrder, [encode(name)])
      }),
  }
}
