import { randomUUID } from "node:crypto"
import { Generations } from "@millrace/core/store"
import * as Result from "effect/Result"
import { emptiedAt } from "./errors.ts"
import { type Layout, schema, types } from "./Layout.ts"
import type { Link } from "./Link.ts"
import { list, numbers, text, texts } from "./reply.ts"
import { evaluate, inAFullServer, unguarded } from "./Script.ts"
import type { Safety } from "./Server.ts"

/** A store as it was found, or made. */
export interface Found {
  readonly instance: string
  /** The number of each partition's last entry, and its generations. */
  readonly heads: ReadonlyArray<number>
  readonly generations: ReadonlyArray<Generations>
}

/** Why a store cannot be opened: these do not pass by themselves. */
export interface Refusal {
  readonly reason: "Corrupt" | "Lost" | "Incompatible"
  readonly message: string
}

const refuse = (reason: Refusal["reason"], message: string): Result.Result<never, Refusal> =>
  Result.fail({ reason, message })

/** As the scripts write them: `generation:number`, with spaces between. */
export const parseForks = (forks: string): Generations =>
  new Generations(
    forks
      .split(" ")
      .filter((fork) => fork !== "")
      .map((fork) => {
        const [generation, number] = fork.split(":").map(Number)
        return { generation: generation ?? 0, number: number ?? 0 }
      }),
  )

/**
 * Makes the keys when there are none. On another server than the last time (a replica that took
 * over, one that was started again) the log may have come back with less than it had given, so a
 * generation begins there: what is appended from now on is told apart from that. So does one in a
 * new store, since it may stand in the place of one that others still have open. Nothing is written
 * before everything has been looked at; XADD with NOMKSTREAM writes nothing, but fails when this
 * user may not append, and HSET is tried also when it changes nothing.
 *
 * KEYS: meta, probe, then those of a known type, the log's last, five of each partition. ARGV: the
 * instance there is, or '', the one to make then, the schema, the number of partitions, the
 * server's run, then the types.
 */
const claim = unguarded(`
local meta, probe = KEYS[1], KEYS[2]
local seen, made, schema, partitions, run = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
if (redis.call('HGET', meta, 'instance') or '') ~= seen then return {'again'} end
for at = 3, #KEYS do
  local kind = redis.call('TYPE', KEYS[at]).ok
  if kind ~= 'none' and (seen == '' or kind ~= ARGV[at + 3]) then return {'foreign', KEYS[at]} end
end
local states = {}
for partition = 1, partitions do
  local first = #KEYS - (partitions - partition + 1) * 5
  local entries, bodies, state = KEYS[first + 1], KEYS[first + 2], KEYS[first + 3]
  local ends = redis.call('HMGET', state, 'head', 'tail')
  if seen ~= '' then
    if not (ends[1] and ends[2]) then return {'damaged', state} end
    local kept = tonumber(ends[1]) - tonumber(ends[2])
    if redis.call('XLEN', entries) ~= kept then return {'damaged', entries} end
    if redis.call('HLEN', bodies) ~= kept then return {'damaged', bodies} end
  end
  states[partition] = {state, ends[1] or '0', ends[2] or '0'}
end
${inAFullServer("probe")}redis.call('XADD', probe, 'NOMKSTREAM', '*', 'may', 'append')
if seen == '' then
  redis.call('HSET', meta, 'schema', schema, 'instance', made, 'partitions', partitions)
  for _, one in ipairs(states) do
    redis.call('HSET', one[1], 'head', 0, 'at', 0, 'events', 0, 'bytes', 0)
    redis.call('HSET', one[1], 'tail', 0, 'tailEvents', 0, 'tailBytes', 0, 'released', 0)
  end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local function begin_generation(state, head, tail)
  local kept, last = {}, 0
  for generation, number in string.gmatch(redis.call('HGET', state, 'forks') or '', '(%d+):(%d+)') do
    last = tonumber(generation)
    if tonumber(number) < head then kept[#kept + 1] = {generation, tonumber(number)} end
  end
  while #kept > 1 and kept[2][2] < tail do table.remove(kept, 1) end
  local generation = string.format('%.0f', math.max(last + 1, now))
  kept[#kept + 1] = {generation, head}
  for at, fork in ipairs(kept) do kept[at] = fork[1] .. ':' .. string.format('%.0f', fork[2]) end
  redis.call('HSET', state, 'generation', generation, 'forks', table.concat(kept, ' '))
  -- What comes in place of what is lost has been delivered to nobody.
  local released = math.min(tonumber(redis.call('HGET', state, 'released')), head)
  redis.call('HSET', state, 'released', string.format('%.0f', released))
end
local isAnother = seen ~= '' and redis.call('HGET', meta, 'run') ~= run
if seen == '' or isAnother then redis.call('HSET', meta, 'run', run) end
local heads, forks = {}, {}
for partition, one in ipairs(states) do
  if seen == '' or isAnother then begin_generation(one[1], tonumber(one[2]), tonumber(one[3])) end
  heads[partition] = tonumber(one[2])
  forks[partition] = redis.call('HGET', one[1], 'forks') or ''
end
return {'open', heads, forks}
`)

interface Present {
  readonly instance: string
  readonly partitions: number
}

/** Whose the keys are; `null` when there are none. */
const present = async (link: Link, keys: Layout): Promise<Result.Result<Present | null, Refusal>> => {
  const kind = String(await link.call("TYPE", [keys.meta]))
  if (kind === "none") return Result.succeed(null)
  if (kind !== "hash") return refuse("Corrupt", foreign(keys.meta))
  const [version, instance, partitions] = texts(
    await link.call("HMGET", [keys.meta, "schema", "instance", "partitions"]),
  )
  // Gone since.
  if (version === undefined && instance === undefined && partitions === undefined) return present(link, keys)
  if (!/^\d+$/.test(version ?? "") || !/^[1-9]\d*$/.test(partitions ?? "") || instance === undefined) {
    return refuse("Corrupt", foreign(keys.meta))
  }
  if (Number(version) !== schema) {
    const age = Number(version) > schema ? "a newer" : "an older"
    return refuse(
      "Incompatible",
      `the store was written by ${age} version (schema ${version}; this one knows ${schema})`,
    )
  }
  return Result.succeed({ instance, partitions: Number(partitions) })
}

const foreign = (key: string): string => `the key ${key} is another program's; choose another prefix`

/** What to find. */
export interface Wanted {
  /**
   * The store that was there, and at which level it acknowledged; `null` takes any, and makes one
   * where there is none.
   */
  readonly before: { readonly instance: string; readonly level: Safety["durability"] } | null
  /** `null` takes those there are. */
  readonly partitions: number | null
  /** Which server it is, and since when it is the one that takes writes. */
  readonly run: string
}

/** Finds the store, or makes it. */
export const open = async (
  link: Link,
  keys: Layout,
  wanted: Wanted,
): Promise<Result.Result<Found, Refusal>> => {
  const { before, partitions, run } = wanted
  const there = await present(link, keys)
  if (Result.isFailure(there)) return Result.fail(there.failure)
  const known = there.success
  // What is in the server's memory only may go at any time. It is begun anew, as it would be after
  // a restart of this process.
  if (before !== null && before.level !== "memory" && known?.instance !== before.instance) {
    return refuse("Lost", emptiedAt(before.level))
  }
  if (known !== null && partitions !== null && known.partitions !== partitions) {
    return refuse(
      "Incompatible",
      `the store was made with ${known.partitions} partitions, and cannot have ${partitions}`,
    )
  }
  const made = randomUUID()
  const count = known?.partitions ?? partitions ?? 1
  const typed = types(keys, count)
  const reply = await evaluate(
    link,
    claim,
    [keys.meta, keys.probe, ...typed.map(([key]) => key)],
    [known?.instance ?? "", made, schema, count, run, ...typed.map(([, type]) => type)],
  )
  const [outcome, first, second] = Array.isArray(reply) ? reply : []
  switch (String(outcome)) {
    case "open":
      return Result.succeed({
        instance: known?.instance ?? made,
        heads: numbers(first),
        generations: list(second).map((forks) => parseForks(text(forks))),
      })
    case "again":
      return open(link, keys, wanted)
    case "damaged":
      return refuse("Corrupt", `the key ${String(first)} has lost what this program had written`)
    default:
      return refuse("Corrupt", foreign(String(first)))
  }
}
