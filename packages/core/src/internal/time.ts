/** Old .NET and Unity SDKs write milliseconds with decimals, in the machine's culture: a comma is possible. */
const numeric = /^[+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?$/i

/** ISO 8601 with a full date. Without a zone it is UTC: the reader's own zone must not decide. */
const iso = /^(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)(Z|[+-]\d\d(?::?\d\d)?)?)?$/i

const fromNumeric = (text: string): number | null => {
  if (!numeric.test(text)) return null
  const value = Number(text.replace(",", "."))
  return Number.isFinite(value) ? value : null
}

const fromIso = (text: string): number | null => {
  const match = iso.exec(text)
  if (match === null) return null
  const [, date, time = "00:00", zone = "Z"] = match
  const offset =
    zone.length === 3 ? `${zone}:00` : zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone
  const value = Date.parse(`${date}T${time.replace(",", ".")}${offset.toUpperCase()}`)
  return Number.isNaN(value) ? null : value
}

/** An event's time in ms since the epoch: a number, a number as text, or ISO 8601. `null` when it is none of them. */
export const readTime = (value: unknown): number | null => {
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value !== "string") return null
  const text = value.trim()
  return fromNumeric(text) ?? fromIso(text)
}

/** Below it a client time is one in seconds: as milliseconds it would lie before March 1973. */
const secondsBelow = 1e11

/** The end of what a date can be in JavaScript. */
const maxTime = 8.64e15

/** The sender's clock in ms, from a header, a query or a body. `null` when it cannot be one. */
export const readClientTime = (value: unknown): number | null => {
  const time =
    typeof value === "number" ? value : typeof value === "string" ? fromNumeric(value.trim()) : null
  if (time === null || !(time > 0 && time <= maxTime)) return null
  return time < secondsBelow ? time * 1000 : time
}

/** What the OpenAPI document asks of `STATSIG-CLIENT-TIME`. */
export const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text.trim())
