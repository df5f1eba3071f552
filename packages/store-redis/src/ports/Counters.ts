import { Counters } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import { inPieces } from "../pieces.ts"
import { list, number, pairs } from "../reply.ts"
import { finite, script } from "../Script.ts"
import { byText, decode, encode } from "../text.ts"

const { maxAge, maxNamesPerHour } = Counters.limits

/** More than hours begin between two that do. */
const droppedAtOnce = 100

/**
 * KEYS[2]: the hours that have counts; KEYS[3]: one hour's. ARGV: the hour, the oldest one to keep,
 * the name for names past the limit, then names and counts.
 *
 * The hours dropped are not among KEYS; being in the same slot, they may be used for all that.
 */
const add = script(`
local hours, names, hour, oldest, other = KEYS[2], KEYS[3], ARGV[2], ARGV[3], ARGV[4]
if redis.call('EXISTS', names) == 0 then
  local stem = string.sub(names, 1, #names - #hour)
  for _, gone in ipairs(redis.call('ZRANGE', hours, '-inf', '(' .. oldest, 'BYSCORE', 'LIMIT', 0, ${droppedAtOnce})) do
    redis.call('UNLINK', stem .. gone)
    redis.call('ZREM', hours, gone)
  end
  redis.call('ZADD', hours, hour, hour)
end
for at = 5, #ARGV, 2 do
  local name = ARGV[at]
  if redis.call('HLEN', names) >= ${maxNamesPerHour} and redis.call('HEXISTS', names, name) == 0 then name = other end
  redis.call('HINCRBY', names, name, ARGV[at + 1])
end
`)

const namesAtOnce = 1_000

export const counters = (connection: Connection): Counters.Counters["Service"] => {
  const { keys } = connection

  const addAll = async (counts: ReadonlyArray<Counters.HourlyCount>, now: number): Promise<void> => {
    const oldest = now - maxAge
    const hours = new Map<number, Array<Counters.HourlyCount>>()
    for (const count of counts) {
      if (count.hour < oldest) continue
      const own = hours.get(count.hour)
      if (own === undefined) hours.set(count.hour, [count])
      else own.push(count)
    }
    for (const [hour, own] of hours) {
      for (const some of inPieces(own, namesAtOnce)) {
        const names = some.flatMap(({ eventName, count }) => [encode(eventName), count])
        await connection.run(
          add,
          [keys.hours, keys.hour(hour)],
          [hour, oldest, encode(Counters.otherNames), ...names],
        )
      }
    }
  }

  const read = async (from: number, to: number): Promise<ReadonlyArray<Counters.HourlyCount>> => {
    const hours = list(
      await connection.read("ZRANGE", [keys.hours, finite(from), `(${finite(to)}`, "BYSCORE"]),
    ).map(number)
    const counts: Array<Counters.HourlyCount> = []
    for (const hour of hours) {
      for (const [name, count] of pairs(await connection.read("HGETALL", [keys.hour(hour)]))) {
        counts.push({ hour, eventName: decode(name), count: number(count) })
      }
    }
    return counts.sort((a, b) => a.hour - b.hour || byText(a.eventName, b.eventName))
  }

  return {
    add: (counts) =>
      Effect.clockWith((clock) => fromPromise(() => addAll(counts, clock.currentTimeMillisUnsafe()))),
    list: (from, to) => fromPromise(() => read(from, to)),
  }
}
