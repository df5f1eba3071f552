import type { Cursors } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { list, pairs, text } from "../reply.ts"
import { urgent } from "../Script.ts"
import { change } from "../scripts.ts"
import { byText, decode, encode } from "../text.ts"

/**
 * KEYS[2]: the cursors. ARGV: a name. Returns what stands there then: the epoch and, on a second
 * line, the record.
 *
 * Epochs are the server's time, so that also a server that has lost the last of them gives none a
 * second time.
 */
const acquire = urgent(`
local name = ARGV[2]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local epoch = math.max(now, tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') + 1)
redis.call('HSET', KEYS[1], 'epoch', text(epoch))
local record = string.match(redis.call('HGET', KEYS[2], name) or '', '^%d+(.*)$') or ''
local cursor = text(epoch) .. record
redis.call('HSET', KEYS[2], name, cursor)
return cursor
`)

/**
 * KEYS[2]: the cursors. ARGV: of each save the name, the epoch and the record. Returns 1 for those
 * saved.
 */
const save = urgent(`
local outcomes = {}
for at = 2, #ARGV, 3 do
  local name, epoch, record = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local saved = 0
  if string.match(redis.call('HGET', KEYS[2], name) or '', '^%d+') == epoch then
    redis.call('HSET', KEYS[2], name, epoch .. '\\n' .. record)
    saved = 1
  end
  outcomes[#outcomes + 1] = saved
end
return outcomes
`)

const toCursor = (name: string, stored: string): Cursors.Cursor => {
  const end = stored.indexOf("\n")
  return end === -1
    ? { name, epoch: Number(stored), record: null }
    : {
        name,
        epoch: Number(stored.slice(0, end)),
        record: JSON.parse(stored.slice(end + 1)) as Cursors.CursorRecord,
      }
}

const toJson = ({ position, index, state }: Cursors.CursorRecord): string =>
  JSON.stringify({ position, index, state })

export const cursors = (connection: Connection): Cursors.Cursors["Service"] => {
  const { keys } = connection
  return {
    acquire: (name) =>
      fromPromise(async () =>
        toCursor(name, text(await connection.run(acquire, [keys.cursors], [encode(name)]))),
      ),

    save: (saves) =>
      fromPromise(async () => {
        const parameters = saves.flatMap(({ name, epoch, record }) => [encode(name), epoch, toJson(record)])
        return list(await connection.run(save, [keys.cursors], parameters)).map((outcome) =>
          outcome === 1 ? "saved" : "fenced",
        )
      }),

    list: fromPromise(async () =>
      pairs(await connection.read("HGETALL", [keys.cursors]))
        .map(([name, stored]) => toCursor(decode(name), stored.toString()))
        .sort((a, b) => byText(a.name, b.name)),
    ),

    remove: (name) => fromPromise(() => change(connection, "HDEL", keys.cursors, [encode(name)])),
  }
}
