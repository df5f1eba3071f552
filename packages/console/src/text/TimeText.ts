import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Result from "effect/Result"

const expected = 'expected a time like 2026-01-31T12:00:00Z, or how long ago, like "2 hours"'

/** Without a zone it is UTC: the same on every machine, and as times are printed. */
const iso = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)([Zz]|[+-]\d\d:?\d\d)?)?$/

/** Milliseconds as programs have them: 12 digits began in 1973. */
const epochMillis = /^\d{12,14}$/

const offset = (zone: string): string =>
  zone.includes(":") || zone.length === 1 ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`

/** JavaScript takes 31 February for 3 March. */
const isDay = (date: string): boolean => {
  const value = new Date(date)
  return !Number.isNaN(value.getTime()) && value.toISOString().startsWith(date)
}

/**
 * Reads an operator's time as ms since the epoch: `now`, ISO 8601, ms since the epoch, or a
 * duration before now, with or without "ago".
 */
export const parse = (text: string, now: number): Result.Result<number, string> => {
  const trimmed = text.trim()
  if (trimmed === "now") return Result.succeed(now)
  if (epochMillis.test(trimmed)) return Result.succeed(Number(trimmed))
  const match = iso.exec(trimmed)
  if (match !== null) {
    const [, date, time = "00:00", zone = "Z"] = match
    const value = Date.parse(`${date}T${time}${offset(zone).toUpperCase()}`)
    return Number.isNaN(value) || !isDay(date!) ? Result.fail(expected) : Result.succeed(value)
  }
  const duration = Duration.fromInput(trimmed.replace(/\s+ago$/, "") as Duration.Input)
  if (Option.isNone(duration) || !Duration.isFinite(duration.value)) return Result.fail(expected)
  const millis = Duration.toMillis(duration.value)
  return millis >= 0 && millis <= now ? Result.succeed(now - millis) : Result.fail(expected)
}

const units = [
  [24 * 60 * 60 * 1000, "day", "days"],
  [60 * 60 * 1000, "hour", "hours"],
  [60 * 1000, "min", "min"],
  [1000, "s", "s"],
  [1, "ms", "ms"],
] as const

/** The largest unit that fits, rounded down: "3 days", "5 min", "0 ms". */
export const duration = (millis: number): string => {
  const [size, one, many] = units.find(([size]) => millis >= size) ?? units[4]
  const count = Math.max(Math.floor(millis / size), 0)
  return `${count} ${count === 1 ? one : many}`
}

/** `null` is a dash. */
export const ago = (time: number | null, now: number): string =>
  time === null ? "-" : time > now ? `in ${duration(time - now)}` : `${duration(now - time)} ago`

/** To the second, in UTC; ms as they are where no calendar has a date for them. */
export const format = (time: number): string => {
  const date = new Date(time)
  return Number.isNaN(date.getTime()) ? `${time} ms` : date.toISOString().replace(/\.\d+Z$/, "Z")
}
