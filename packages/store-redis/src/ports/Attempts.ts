import { Attempts } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Connection } from "../Connection.ts"
import { fromPromise } from "../effects.ts"
import type { Reply } from "../Link.ts"
import { inPieces } from "../pieces.ts"
import { list, text } from "../reply.ts"
import { finite, script } from "../Script.ts"
import { encode } from "../text.ts"

const { maxAge, maxFailures, maxSuccesses } = Attempts.limits

/** What one script takes. */
const attemptsAtOnce = 500

/**
 * KEYS[2]: the destinations that have attempts; behind it, for each destination of this call, its
 * failures and its successes. ARGV: the time before which failures are too old, the number of
 * destinations, these, then of each attempt which of KEYS it belongs to, when it started, and its
 * JSON. An attempt is kept as lines: the number of its arrival, when it started, its JSON.
 */
const append = script(`
local oldest, destinations = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('SADD', KEYS[2], unpack(ARGV, 4, destinations + 3))
for at = destinations + 4, #ARGV, 3 do
  local number = redis.call('HINCRBY', KEYS[1], 'attempts', 1)
  redis.call('RPUSH', KEYS[tonumber(ARGV[at])], text(number) .. '\\n' .. ARGV[at + 1] .. '\\n' .. ARGV[at + 2])
end
for at = 3, #KEYS, 2 do
  local failures = KEYS[at]
  redis.call('LTRIM', failures, -${maxFailures}, -1)
  redis.call('LTRIM', KEYS[at + 1], -${maxSuccesses}, -1)
  local first = redis.call('LINDEX', failures, 0)
  while first and tonumber(string.match(first, '^[^\\n]*\\n([^\\n]*)')) < oldest do
    redis.call('LPOP', failures)
    first = redis.call('LINDEX', failures, 0)
  end
end
`)

interface Numbered {
  readonly number: number
  readonly attempt: Attempts.Attempt
}

const toNumbered = (reply: Reply): Numbered => {
  const [number = "", , json = ""] = text(reply).split("\n")
  return { number: Number(number), attempt: JSON.parse(json) as Attempts.Attempt }
}

const toJson = ({
  destination,
  webhookId,
  startedAt,
  duration,
  events,
  bytes,
  ...rest
}: Attempts.Attempt): string => {
  const { outcome, status, error, wait, waitReason, range } = rest
  return JSON.stringify({
    ...{ destination, webhookId, startedAt, duration, events, bytes },
    ...{ outcome, status, error, wait, waitReason, range },
  })
}

export const attempts = (connection: Connection): Attempts.Attempts["Service"] => {
  const { keys } = connection

  const appendSome = async (added: ReadonlyArray<Attempts.Attempt>, oldest: number): Promise<void> => {
    const destinations = [...new Set(added.map(({ destination }) => encode(destination)))]
    const lists = destinations.flatMap((name) => [keys.failures(name), keys.successes(name)])
    // KEYS is counted from 1, and the lists stand behind two others.
    const place = new Map(destinations.map((name, index) => [name, 3 + index * 2]))
    const parameters = added.flatMap((attempt) => {
      const list =
        (place.get(encode(attempt.destination)) ?? 0) + (attempt.outcome === Attempts.delivered ? 1 : 0)
      return [list, attempt.startedAt, toJson(attempt)]
    })
    await connection.run(
      append,
      [keys.attempted, ...lists],
      [oldest, destinations.length, ...destinations, ...parameters],
    )
  }

  /** The newest that match, newest last. They are read in pieces where most may not match. */
  const newest = async (
    key: string,
    most: number,
    matches: (attempt: Attempts.Attempt) => boolean,
    isPicky: boolean,
  ): Promise<ReadonlyArray<Numbered>> => {
    const piece = isPicky ? attemptsAtOnce : most
    let found: ReadonlyArray<Numbered> = []
    for (let end = -1; found.length < most; end -= piece) {
      const read = list(await connection.read("LRANGE", [key, end - piece + 1, end])).map(toNumbered)
      found = [...read.filter(({ attempt }) => matches(attempt)), ...found]
      if (read.length < piece) break
    }
    return found.slice(-most)
  }

  const read = async (query: Attempts.AttemptQuery): Promise<ReadonlyArray<Attempts.Attempt>> => {
    const { destination, failuresOnly = false, before, webhookId, outcome, limit = 100 } = query
    const matches = Attempts.matcher(query)
    const isPicky = before !== undefined || webhookId !== undefined || outcome !== undefined
    const most = finite(limit)
    if (most < 1) return []
    const destinations =
      destination === undefined
        ? list(await connection.read("SMEMBERS", [keys.attempted])).map(text)
        : [encode(destination)]
    // One destination after the other, so that no more is held than is wanted.
    let found: ReadonlyArray<Numbered> = []
    for (const name of destinations) {
      const failures = await newest(keys.failures(name), most, matches, isPicky)
      const successes = failuresOnly ? [] : await newest(keys.successes(name), most, matches, isPicky)
      found = [...found, ...failures, ...successes].sort((a, b) => b.number - a.number).slice(0, most)
    }
    return found.map(({ attempt }) => attempt)
  }

  return {
    append: (added) =>
      Effect.clockWith((clock) =>
        fromPromise(async () => {
          const oldest = clock.currentTimeMillisUnsafe() - maxAge
          for (const some of inPieces(added, attemptsAtOnce)) await appendSome(some, oldest)
        }),
      ),
    list: (query) => fromPromise(() => read(query)),
  }
}
