/**
 * Old .NET and Unity SDKs write milliseconds with decimals, in the machine's culture: a comma is
 * possible.
 */
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

/**
 * An event's time in ms since the epoch: a number, a number as text, or ISO 8601. `null` when it is
 * none of them.
 */
export const readTime = (value: unknown): number | null => {
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value !== "string") return null
  const text = value.trim()
  return fromNumeric(text) ?? fromIso(text)
}

/**
 * A number, also one written as text; `null` when it is none. What it counts is another question.
 */
const readCount = (value: unknown): number | null => {
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  return typeof value === "string" ? fromNumeric(value.trim()) : null
}

/** What the sender's clock says, in whatever unit. `null` when it cannot be a clock. */
export const readClientTime = (value: unknown): number | null => {
  const count = readCount(value)
  return count !== null && count > 0 && count <= latest * 1e6 ? count : null
}

const day = 86_400_000
const year = 365 * day

/** No clock of a sender is right and older: 10^9 seconds, in September 2001. */
const earliest = 1e12

/** The end of the year 2099: no date beyond it leaves by our arithmetic, and none before 1970. */
const latest = 4_102_444_800_000

/** A clock that is wrong by more is believed only when the events' own times agree with it. */
const believed = 10 * year

/** What a sender's clock counts in. */
type Unit = "s" | "ms" | "us" | "ns"

export const units: ReadonlyArray<Unit> = ["s", "ms", "us", "ns"]

/**
 * The clock that an event's time is read by.
 *
 * What counts in what, since a number does not say it:
 *
 * | a number | as a client time | as an event's time |
 * |---|---|---|
 * | up to 10^9 | ms: a device whose clock began in 1970 | s beside a client time in s, else ms |
 * | up to 4.1 * 10^9 (2099) | s or ms, see below | s or ms, see below |
 * | up to 4.1 * 10^12 | ms | ms |
 * | up to 4.1 * 10^15 | us | us from 10^14 (1973) on or beside a client time in us, else ms |
 * | up to 4.1 * 10^18 | ns | ns from 10^17 on or beside a client time in ns, else ms |
 *
 * Up to 4.1 * 10^9 a client time is in s when that is within a year of now, or beside events in ms
 * of 2001 or later. An event's time is in s beside a client time in s; without a client time,
 * unless that would be to come; and beside another one when that is of the year before it. Else
 * both are in ms.
 *
 * The difference of clocks is added to an event's time, except a difference of 2 s or less, one of
 * over ten years that the newest event speaks against (it lies nearer to our clock than to the
 * sender's), and one that would put the event before 1970 or after 2099.
 */
export interface Clock {
  /** `none` when no client time counts. */
  readonly unit: Unit | "none"
  /**
   * The sender's, when the request was sent; the receive time when it did not tell. ms since the
   * epoch.
   */
  readonly time: number
}

const isSeconds = (count: number): boolean => count * 1000 >= earliest && count * 1000 <= latest

/**
 * Finer than the present in ms is a sure sign only when it is the present: what counts from 1970
 * shows it by its client time.
 */
const surelyFine = 1e11

const inFineMillis = (count: number, unit: Clock["unit"]): number => {
  if (count <= latest * 1e3) return unit === "us" || count >= surelyFine * 1e3 ? count / 1e3 : count
  return count <= latest * 1e6 && (unit === "ns" || count >= surelyFine * 1e6) ? count / 1e6 : count
}

/** A time that was counted, in ms since the epoch. */
const inMillis = (count: number, { unit, time }: Clock): number => {
  if (count > latest) return inFineMillis(count, unit)
  const seconds = count * 1000
  if (unit === "s") return count >= 0 && seconds <= latest ? seconds : count
  const isMeant = isSeconds(count) && seconds <= time + day && (unit === "none" || seconds >= time - year)
  return isMeant ? seconds : count
}

/**
 * An event's time as it was sent, in ms since the epoch: a number by a clock, a date as it is.
 * `null` when it is none.
 */
const sentMillis = (value: unknown, clock: Clock): number | null => {
  const count = readCount(value)
  return count === null ? readTime(value) : inMillis(count, clock)
}

/** Whether a time is another one by a clock than when it is taken for ms. */
const isConverted = (value: unknown, clock: Clock): boolean => {
  const count = readCount(value)
  return count !== null && inMillis(count, clock) !== count
}

const clockOf = (count: number, receivedAt: number, times: ReadonlyArray<unknown>): Clock => {
  if (count > latest) {
    return count <= latest * 1e3 ? { unit: "us", time: count / 1e3 } : { unit: "ns", time: count / 1e6 }
  }
  const seconds = count * 1000
  const areMillis = (): boolean =>
    times.some((value) => {
      const time = readTime(value)
      return time !== null && time >= earliest && time <= latest
    })
  return isSeconds(count) && (Math.abs(seconds - receivedAt) <= year || areMillis())
    ? { unit: "s", time: seconds }
    : { unit: "ms", time: count }
}

/** What is known of a sender's clock, for all events of a request. */
export interface Judged {
  /** Receive time minus the sender's clock, in ms; `undefined` when none counts. */
  readonly offset: number | undefined
  /** The unit of the sender's clock; `undefined` when every time in the request is one in ms. */
  readonly clock: Clock["unit"] | undefined
}

/**
 * Judges a client time beside the events' own.
 *
 * @param count what {@link readClientTime} made of it
 * @param times the events' as they came
 */
export const judge = (count: number | null, receivedAt: number, times: ReadonlyArray<unknown>): Judged => {
  const none: Clock = { unit: "none", time: receivedAt }
  const told = count === null ? none : clockOf(count, receivedAt, times)
  const clock = isCredible(told, receivedAt, times) ? told : none
  return {
    offset: clock.unit === "none" ? undefined : Math.round(receivedAt - clock.time),
    clock: times.some((value) => isConverted(value, clock)) ? clock.unit : undefined,
  }
}

const isCredible = (clock: Clock, receivedAt: number, times: ReadonlyArray<unknown>): boolean => {
  if (Math.abs(receivedAt - clock.time) <= believed) return true
  let newest = Number.NEGATIVE_INFINITY
  for (const value of times) {
    const time = sentMillis(value, clock)
    if (time !== null && time <= latest) newest = Math.max(newest, time)
  }
  return Math.abs(newest - clock.time) <= Math.abs(newest - receivedAt)
}

/**
 * Whether {@link judge} would find nothing to say but the difference of clocks, whatever usual
 * times the events have.
 */
export const isUsualClientTime = (count: number | null, receivedAt: number): boolean =>
  count === null || Math.abs(receivedAt - count) <= believed

/** A smaller difference of clocks is the network's. */
const deadZone = 2000

/** How times that were sent are corrected, for all events of an entry. */
export interface Correction {
  /** What is added, in ms. */
  readonly offset: number
  /** `null` when every time is one in ms. */
  readonly clock: Clock | null
}

export const correctionOf = ({
  receivedAt,
  offset,
  clock,
}: Judged & { readonly receivedAt: number }): Correction => ({
  offset: offset !== undefined && Math.abs(offset) > deadZone ? offset : 0,
  clock: clock === undefined ? null : { unit: clock, time: receivedAt - (offset ?? 0) },
})

/** How far dates reach in JavaScript, either way. */
const lastDate = 8.64e15

/**
 * An event's time as it may leave. Senders write `1e24` by mistake and by malice, and receivers,
 * and our own commands, make dates of it: what is later than 2099 leaves as the end of that year,
 * and what is earlier than any date as the beginning of 1970. An earlier date that somebody wrote
 * stays.
 */
export const clampTime = (time: number): number => (time > latest ? latest : time < -lastDate ? 0 : time)

/** A time that was counted, corrected: in ms since the epoch, and one that may leave. */
export const corrected = (count: number, { offset, clock }: Correction): number => {
  const time = clock === null ? count : inMillis(count, clock)
  if (offset === 0) return clampTime(time)
  const moved = time + offset
  return moved >= 0 && moved <= latest ? moved : clampTime(time)
}

/** An event's time as it was sent, corrected: in ms since the epoch. `null` when it is none. */
export const readCorrected = (value: unknown, correction: Correction): number | null => {
  const count = readCount(value)
  if (count !== null) return corrected(count, correction)
  const date = readTime(value)
  return date === null ? null : corrected(date, { ...correction, clock: null })
}

/** What the OpenAPI document asks of `STATSIG-CLIENT-TIME`. */
export const isInteger = (text: string): boolean => /^[+-]?\d+$/.test(text.trim())
