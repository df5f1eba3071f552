import { DeadLetters } from "@millrace/core/store"
import { type Script, script, urgent } from "./Script.ts"
import { encode } from "./text.ts"

const { maxBytes, maxCount, maxIntakeCount } = DeadLetters.limits

/** How many letters one script puts, looks at or drops: some ms, in which nobody else is served. */
export const lettersAtOnce = 500

/**
 * KEYS[2] to [7]: the letters, their order, the two ways to find them, the counts and the totals.
 *
 * A letter is kept by the number of its arrival, as lines: when it died, its size, when it was
 * replayed or nothing, its destination, its event's id, the rest. Texts are encoded, so that none
 * holds a line break.
 */
const library = `
local letters, order, by_event, by_destination, counts, totals = unpack(KEYS, 2, 7)
local intake = ${JSON.stringify(encode(DeadLetters.intake))}

local function read(number)
  local stored = redis.call('HGET', letters, number)
  local dead_at, size, replayed_at, destination, event, rest =
    string.match(stored, '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  return {
    dead_at = dead_at, size = size, replayed_at = replayed_at,
    destination = destination, event = event, rest = rest,
  }
end

local function write(number, letter)
  local lines = {letter.dead_at, letter.size, letter.replayed_at, letter.destination, letter.event, letter.rest}
  redis.call('HSET', letters, number, table.concat(lines, '\\n'))
end

-- Of one width, so that the order of texts is that of numbers.
local function digits(number) return string.format('%016.0f', number) end

-- Intake's letters have a place of their own: what they take is no part of what destinations' may.
local function count_bytes(letter, bytes)
  redis.call('HINCRBY', totals, 'bytes', bytes)
  if letter.destination == intake and redis.call('HEXISTS', totals, 'intake_bytes') == 1 then
    redis.call('HINCRBY', totals, 'intake_bytes', bytes)
  end
end

local function remove(number, letter)
  redis.call('HDEL', letters, number)
  redis.call('ZREM', order, number)
  redis.call('ZREM', by_event, letter.event .. '\\n' .. letter.destination .. '\\n' .. number)
  redis.call('ZREM', by_destination, letter.destination .. '\\n' .. number)
  if redis.call('HINCRBY', counts, letter.destination, -1) == 0 then
    redis.call('HDEL', counts, letter.destination)
  end
  count_bytes(letter, 0 - tonumber(letter.size))
end

local function add(letter)
  local number = digits(redis.call('HINCRBY', totals, 'last', 1))
  write(number, letter)
  redis.call('ZADD', order, tonumber(number), number)
  redis.call('ZADD', by_event, 0, letter.event .. '\\n' .. letter.destination .. '\\n' .. number)
  redis.call('ZADD', by_destination, 0, letter.destination .. '\\n' .. number)
  redis.call('HINCRBY', counts, letter.destination, 1)
  count_bytes(letter, letter.size)
end

-- The numbers at the end of lines that begin with something.
local function numbers_behind(index, beginning)
  local numbers = {}
  for _, line in ipairs(redis.call('ZRANGE', index, '[' .. beginning .. '\\n', '(' .. beginning .. '\\n\\255', 'BYLEX')) do
    numbers[#numbers + 1] = string.sub(line, -16)
  end
  return numbers
end
`

const letterScript = (body: string): Script => script(library + body)

/**
 * ARGV: the time before which letters are too old, then of each letter when it died, its size, when
 * it was replayed or '', its destination, its event's id and the rest. Returns 1 when more than
 * this call drops has to go.
 */
const puts = `
-- Letters that were put before intake's were counted by themselves are counted once.
if redis.call('HEXISTS', totals, 'intake_bytes') == 0 then
  local bytes = 0
  for _, number in ipairs(numbers_behind(by_destination, intake)) do bytes = bytes + tonumber(read(number).size) end
  redis.call('HSET', totals, 'intake_bytes', bytes)
end

for at = 3, #ARGV, 6 do
  local letter = {
    dead_at = ARGV[at], size = ARGV[at + 1], replayed_at = ARGV[at + 2],
    destination = ARGV[at + 3], event = ARGV[at + 4], rest = ARGV[at + 5],
  }
  for _, number in ipairs(numbers_behind(by_event, letter.event .. '\\n' .. letter.destination)) do
    remove(number, read(number))
  end
  add(letter)
end

local oldest = tonumber(ARGV[2])
local function total(name) return tonumber(redis.call('HGET', totals, name) or 0) end
local function of_intake() return tonumber(redis.call('HGET', counts, intake) or 0) end

-- The oldest letter that has to go; nothing when none has to. The last result is its place, where it is one of a destination.
local function needless(from)
  local number = redis.call('ZRANGE', order, 0, 0)[1]
  if not number then return nil end
  local letter = read(number)
  if tonumber(letter.dead_at) < oldest then return number, letter, 0 end
  if of_intake() > ${maxIntakeCount} then
    local bottom, top = '[' .. intake .. '\\n', '(' .. intake .. '\\n\\255'
    number = string.sub(redis.call('ZRANGE', by_destination, bottom, top, 'BYLEX', 'LIMIT', 0, 1)[1], -16)
    return number, read(number), 0
  end
  if redis.call('ZCARD', order) - of_intake() <= ${maxCount}
    and total('bytes') - total('intake_bytes') <= ${maxBytes} then return nil end
  for at = from, from + ${maxIntakeCount} do
    number = redis.call('ZRANGE', order, at, at)[1]
    if not number then return nil end
    letter = read(number)
    if letter.destination ~= intake then return number, letter, at end
  end
end

local from = 0
for dropped = 0, ${lettersAtOnce * 2} do
  local number, letter, at = needless(from)
  if not number then return 0 end
  from = at
  if dropped < ${lettersAtOnce * 2} then remove(number, letter) end
end
return 1
`

export const put = letterScript(puts)

/**
 * Also in a full server: until its letters are kept, a destination does not get past the events
 * they are of.
 */
export const putUrgently = urgent(library + puts)

/**
 * ARGV: a destination or '', the number to begin below, how many. Returns numbers, the last first.
 */
export const numbersBelow = letterScript(`
local destination, below, most = ARGV[2], ARGV[3], ARGV[4]
if destination == '' then
  return redis.call('ZRANGE', order, '(' .. below, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, most)
end
local top = '(' .. destination .. '\\n' .. digits(tonumber(below))
local found = redis.call('ZRANGE', by_destination, top, '[' .. destination .. '\\n', 'BYLEX', 'REV', 'LIMIT', 0, most)
for at, line in ipairs(found) do found[at] = string.sub(line, -16) end
return found
`)

/**
 * ARGV: what to do, 'mark' or 'purge'; when they were replayed; a destination or ''; the time
 * before which they died; then the ids of events, or the number to begin behind when all are meant.
 *
 * Returns how many it was done to and, when all are meant and there may be more, the number to go
 * on behind.
 */
const change = (next: string): Script =>
  urgent(`${library}
local action, at, destination, before = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])
local numbers, go_on = {}, false
${next}
local changed = 0
for _, number in ipairs(numbers) do
  local letter = read(number)
  if (destination == '' or letter.destination == destination) and tonumber(letter.dead_at) < before then
    changed = changed + 1
    if action == 'purge' then
      remove(number, letter)
    else
      letter.replayed_at = at
      write(number, letter)
    end
  end
end
return {changed, go_on}
`)

export const changeOfEvents = change(`
for argument = 6, #ARGV do
  for _, number in ipairs(numbers_behind(by_event, ARGV[argument])) do numbers[#numbers + 1] = number end
end
`)

export const changeAll = change(`
local after = ARGV[6]
if destination == '' then
  numbers = redis.call('ZRANGE', order, '(' .. after, '+inf', 'BYSCORE', 'LIMIT', 0, ${lettersAtOnce})
else
  local bottom = '(' .. destination .. '\\n' .. digits(tonumber(after))
  local top = '(' .. destination .. '\\n\\255'
  numbers = redis.call('ZRANGE', by_destination, bottom, top, 'BYLEX', 'LIMIT', 0, ${lettersAtOnce})
  for at, line in ipairs(numbers) do numbers[at] = string.sub(line, -16) end
end
if #numbers == ${lettersAtOnce} then go_on = tonumber(numbers[#numbers]) end
`)
