import { prelude, type Script, script, unguarded, urgent } from "./Script.ts"
import { damaged } from "./scriptErrors.ts"

/*
 * All take KEYS[2] to [4]: a partition's entries, bodies and state. Positions are numbers that
 * count entries from 1 without a gap, so a position is also the number of entries up to it; in the
 * stream they are the first half of an id.
 *
 * A mark is the log up to one entry: its position, when that entry was appended, and the sums up to
 * it.
 */
const library = `
local entries, bodies, state = KEYS[2], KEYS[3], KEYS[4]

local fields = {'head', 'at', 'events', 'bytes', 'tail', 'tailEvents', 'tailBytes', 'released'}
local log = {}
for at, value in ipairs(redis.call('HMGET', state, unpack(fields))) do log[fields[at]] = tonumber(value) end

local function id(position) return text(position) .. '-0' end

local function generation() return redis.call('HGET', state, 'generation') or '0' end

-- What is written of an entry is one text, since each further value costs a script more than the entry's place in the stream:
-- when it was appended, its events, the sums up to it, its body's name and its id.
local function mark_of(position, values)
  local at, events, bytes = string.match(values[2], '^(%S+) %S+ (%S+) (%S+)')
  return {position = position, at = tonumber(at), events = tonumber(events), bytes = tonumber(bytes)}
end

local function body_of(values) return string.match(values[2], '^%S+ %S+ %S+ %S+ (%S+)') end

local function mark(position)
  if position <= log.tail then
    return {position = log.tail, at = 0, events = log.tailEvents, bytes = log.tailBytes}
  end
  local found = redis.call('XRANGE', entries, id(position), id(position))[1]
  if not found then error('${damaged} the log lacks an entry') end
  return mark_of(position, found[2])
end

-- The last position after low, up to high, for which a condition holds that no longer holds for any after the first it does
-- not hold for; low when there is none.
local function last_while(low, high, holds)
  if high <= low or holds(mark(high)) then return math.max(low, high) end
  local inside, outside = low, high
  while inside + 1 < outside do
    local middle = math.floor((inside + outside) / 2)
    if holds(mark(middle)) then inside = middle else outside = middle end
  end
  return inside
end

local function drop_up_to(position)
  while log.tail < position do
    local some = redis.call('XRANGE', entries, id(log.tail + 1), id(position), 'COUNT', 1000)
    if #some == 0 then error('${damaged} the log lacks an entry') end
    local names = {}
    for at, entry in ipairs(some) do names[at] = body_of(entry[2]) end
    redis.call('HDEL', bodies, unpack(names))
    local last = mark_of(log.tail + #some, some[#some][2])
    log.tail, log.tailEvents, log.tailBytes = last.position, last.events, last.bytes
  end
  redis.call('XTRIM', entries, 'MINID', id(position + 1))
end

local function save()
  local values = {}
  for _, field in ipairs(fields) do
    if field ~= 'released' then
      values[#values + 1] = field
      values[#values + 1] = text(log[field])
    end
  end
  redis.call('HSET', state, unpack(values))
end
`

const logScript = (body: string): Script => script(library + body)

const urgentLogScript = (body: string): Script => urgent(library + body)

/**
 * For a script that is about positions: ARGV[2] is the generation that the caller took them to be
 * of. When another one has begun the answer is its forks.
 */
const sameGeneration = `
if ARGV[2] ~= generation() then return {'forks', redis.call('HGET', state, 'forks')} end
`

/** What one command takes: Lua's stack is bounded. */
const atOnce = 1_000

/**
 * A hash of ids gives way to a new one at this size, so that an id is known at least as long as so
 * many newer ones.
 */
const rememberedIds = 4_000

/**
 * Several appends, each whole or not at all, behind an HSET of all bodies in the same transaction:
 * those not wanted it takes away again. KEYS[5] and [6]: the ids. ARGV: the cap, the number of
 * appends, the number of entries; of each append the time and its number of entries; of each entry
 * its id, events and envelope, its body's name and size.
 *
 * Returns the head, the generation, then the number of each entry, 0 for those of an append that
 * found the log full.
 */
export const append = unguarded(`
local appends, count = tonumber(ARGV[3]), tonumber(ARGV[4])
local first_entry = 5 + appends * 2
local function argument(entry, number) return ARGV[first_entry + (entry - 1) * 5 + number] end

local unwanted = {}
local function sweep(bodies)
  for from = 1, #unwanted, ${atOnce} do
    redis.call('HDEL', bodies, unpack(unwanted, from, math.min(from + ${atOnce - 1}, #unwanted)))
  end
end
if redis.call('HGET', KEYS[1], 'instance') ~= ARGV[1] then
  for at = 1, count do unwanted[at] = argument(at, 3) end
  sweep(KEYS[3])
end
${prelude}${library}
local ids, older, cap = KEYS[5], KEYS[6], tonumber(ARGV[2])

local given = {}
for at = 1, count do given[at] = argument(at, 0) end

local known = {}
for _, key in ipairs({older, ids}) do
  for from = 1, count, ${atOnce} do
    local found = redis.call('HMGET', key, unpack(given, from, math.min(from + ${atOnce - 1}, count)))
    for at = 1, #found do
      if found[at] then known[given[from + at - 1]] = tonumber(found[at]) end
    end
  end
end

local function make_room(needed)
  local allowed = cap - needed
  local function fits(tail) return log.bytes - tail.bytes <= allowed end
  if log.bytes - log.tailBytes <= allowed then return true end
  local released = math.min(log.released, log.head)
  if not fits(mark(released)) then return false end
  drop_up_to(last_while(log.tail, released, function(one) return not fits(one) end) + 1)
  return true
end

if redis.call('HEXISTS', bodies, argument(1, 3)) == 0 then error('${damaged} the bodies are missing') end

local positions, added = {}, {}
local offset = 0
for one = 1, appends do
  local now, size = tonumber(ARGV[3 + one * 2]), tonumber(ARGV[4 + one * 2])
  local fresh, mine, needed = {}, {}, 0
  for at = offset + 1, offset + size do
    local name = given[at]
    if known[name] or mine[name] then
      unwanted[#unwanted + 1] = argument(at, 3)
    else
      mine[name] = true
      fresh[#fresh + 1] = at
      needed = needed + #argument(at, 2) + tonumber(argument(at, 4))
    end
  end
  local fits = #fresh == 0 or make_room(needed)
  if not fits then
    for _, at in ipairs(fresh) do unwanted[#unwanted + 1] = argument(at, 3) end
  elseif #fresh > 0 then
    -- The clock may be set back, the log's order of time is not.
    log.at = math.max(log.at, now)
    local appended_at = text(log.at)
    for _, at in ipairs(fresh) do
      local events, envelope = argument(at, 1), argument(at, 2)
      log.head = log.head + 1
      log.events = log.events + tonumber(events)
      log.bytes = log.bytes + #envelope + tonumber(argument(at, 4))
      local place = text(log.head)
      local entry = table.concat({appended_at, events, text(log.events), text(log.bytes), argument(at, 3), given[at]}, ' ')
      redis.call('XADD', entries, place .. '-0', 'entry', entry, 'envelope', envelope)
      known[given[at]] = log.head
      added[#added + 1] = given[at]
      added[#added + 1] = place
    end
  end
  for at = offset + 1, offset + size do positions[at + 2] = fits and known[given[at]] or 0 end
  offset = offset + size
end

sweep(bodies)
for from = 1, #added, ${atOnce} do
  redis.call('HSET', ids, unpack(added, from, math.min(from + ${atOnce - 1}, #added)))
end
if #added > 0 then
  if redis.call('HLEN', ids) > ${rememberedIds} then
    redis.call('UNLINK', older)
    redis.call('RENAME', ids, older)
  end
  save()
end
positions[1], positions[2] = log.head, tonumber(generation())
return positions
`)

const outside = `
local function outside(position) return not (position >= log.tail and position <= log.head) end
`

/** What one read gives at most, whatever its limits: nobody else is served meanwhile. */
const readAtOnce = 10_000

/**
 * The entries after a position, without their bodies. ARGV: the position, how many entries and
 * bytes at most. For a position outside the log: nothing, its tail and its head.
 */
export const read = logScript(`${sameGeneration}${outside}
local after, most, bytes = tonumber(ARGV[3]), math.min(tonumber(ARGV[4]), ${readAtOnce}), tonumber(ARGV[5])
if outside(after) then return {false, log.tail, log.head} end
local up_to = math.min(after + most, log.head)
if up_to <= after then return {} end
local start = mark(after).bytes
local last = last_while(after, up_to, function(one) return one.bytes - start <= bytes end)
-- However large the first one is.
return redis.call('XRANGE', entries, id(after + 1), id(math.max(last, after + 1)))
`)

/** ARGV: a time. Returns the last position with an earlier one. */
export const locate = logScript(`${sameGeneration}
local time = tonumber(ARGV[3])
return last_while(log.tail, log.head, function(one) return one.at < time end)
`)

/** Returns tail, head, bytes and when the first entry was appended, if there is one. */
export const bounds = logScript(`${sameGeneration}
local oldest = log.head > log.tail and mark(log.tail + 1).at or false
return {log.tail, log.head, log.bytes - log.tailBytes, oldest}
`)

/**
 * ARGV: a position. Returns the sums up to it, or, outside the log, nothing, its tail and its head.
 */
export const stats = logScript(`${sameGeneration}${outside}
local position = tonumber(ARGV[3])
if outside(position) then return {false, log.tail, log.head} end
local found = mark(position)
return {found.position, found.events, found.bytes}
`)

/** What one call drops at most: a few ms, in which nobody else is served. */
const droppedAtOnce = { entries: 1_000, bytes: 16 * 1024 * 1024 }

/**
 * ARGV: the last position released, and the time before which released entries go. Returns 1 when
 * there are more of them.
 */
export const trim = urgentLogScript(`${sameGeneration}
local older_than = tonumber(ARGV[4])
redis.call('HSET', state, 'released', ARGV[3])
local released = math.min(tonumber(ARGV[3]), log.head)
local up_to = math.min(released, log.tail + ${droppedAtOnce.entries})
local old = last_while(log.tail, up_to, function(one) return one.at < older_than end)
if old <= log.tail then return 0 end
local start = log.tailBytes
local some = last_while(log.tail, old, function(one) return one.bytes - start <= ${droppedAtOnce.bytes} end)
drop_up_to(math.max(some, log.tail + 1))
save()
return log.tail < released and mark(log.tail + 1).at < older_than and 1 or 0
`)

/**
 * Drops released entries, the oldest first, until so many bytes have gone: what the server's own
 * memory lacks, the cap aside. ARGV: the bytes. Returns 0 when there was nothing to drop.
 */
export const makeRoom = urgentLogScript(`
local needed, start = tonumber(ARGV[2]), log.tailBytes
local released = math.min(log.released, log.head, log.tail + ${droppedAtOnce.entries})
if released <= log.tail then return 0 end
local last = last_while(log.tail, released, function(one) return one.bytes - start < needed end)
drop_up_to(math.min(last + 1, released))
save()
return 1
`)

/**
 * Goes the way of an append, and appends nothing. KEYS[5]: what is never there. ARGV: the cap, and
 * the bytes there must be room for. Returns 1 when there is.
 */
export const probe = logScript(`
redis.call('XADD', KEYS[5], 'NOMKSTREAM', '*', 'may', 'append')
local allowed = tonumber(ARGV[2]) - tonumber(ARGV[3])
return log.bytes - mark(math.max(log.tail, math.min(log.released, log.head))).bytes <= allowed and 1 or 0
`)

/** The forks of a partition's generations. */
export const forks = logScript("return redis.call('HGET', state, 'forks') or ''")
