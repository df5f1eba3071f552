import type { Members } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import type { Reply } from "../Link.ts"
import { list, text } from "../reply.ts"
import { script, urgent } from "../Script.ts"
import { change } from "../scripts.ts"
import { byText, decode, encode } from "../text.ts"

const now = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
`

/** KEYS[2]: the members. ARGV: an id and its lease in ms. Returns all ids. */
const beat = urgent(`${now}
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
redis.call('ZADD', KEYS[2], text(now + tonumber(ARGV[3])), ARGV[2])
return redis.call('ZRANGE', KEYS[2], 0, -1)
`)

const present = script(`${now}
return redis.call('ZRANGE', KEYS[2], '(' .. text(now), '+inf', 'BYSCORE')
`)

const toIds = (reply: Reply): ReadonlyArray<string> =>
  list(reply)
    .map((id) => decode(text(id)))
    .sort(byText)

export const members = (connection: Connection): Members.Members["Service"] => {
  const { keys } = connection
  return {
    shared: true,
    beat: (id, lease) =>
      fromPromise(async () => toIds(await connection.run(beat, [keys.members], [encode(id), lease]))),
    list: fromPromise(async () => toIds(await connection.run(present, [keys.members]))),
    leave: (id) => fromPromise(() => change(connection, "ZREM", keys.members, [encode(id)])),
  }
}
