const two = (value: number): string => String(value).padStart(2, "0")

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

const dayLength = 24 * 60 * 60 * 1000

/** `14:23`, in the reader's own zone, as all of these. */
export const minute = (time: number): string => {
  const date = new Date(time)
  return `${two(date.getHours())}:${two(date.getMinutes())}`
}

/** `14:23:56`. */
export const clock = (time: number): string => `${minute(time)}:${two(new Date(time).getSeconds())}`

/** `14:23:56.186`. */
export const exact = (time: number): string =>
  `${clock(time)}.${String(new Date(time).getMilliseconds()).padStart(3, "0")}`

/** `18 Nov`. */
export const day = (time: number): string => {
  const date = new Date(time)
  return `${date.getDate()} ${months[date.getMonth()]}`
}

const isSameDay = (a: number, b: number): boolean => new Date(a).toDateString() === new Date(b).toDateString()

/** `14:23:56` today, `17 Nov 16:40` on another day. */
export const when = (time: number, now: number): string =>
  isSameDay(time, now) ? clock(time) : `${day(time)} ${minute(time)}`

/** The same to the millisecond. */
export const exactly = (time: number, now: number): string =>
  isSameDay(time, now) ? exact(time) : `${day(time)} ${exact(time)}`

/** As it stands in a sentence: `13:46`, `yesterday, 16:40`, `15 Nov, 16:40`. */
export const since = (time: number, now: number): string => {
  if (isSameDay(time, now)) return minute(time)
  return `${isSameDay(time, now - dayLength) ? "yesterday" : day(time)}, ${minute(time)}`
}

const units = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
] as const

/** `780 ms`, `1.2 s`, `38 min`, `1 h 21 min`: two units at most, and no false precision. */
export const span = (ms: number): string => {
  const seconds = Math.max(ms, 0) / 1000
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const total = Math.round(seconds)
  const at = units.findIndex(([size]) => total >= size)
  const [size, unit] = units[at]!
  const next = units[at + 1]
  const rest = next === undefined ? 0 : Math.floor((total % size) / next[0])
  // Seconds matter while it is a matter of minutes.
  const isFine = next !== undefined && rest > 0 && (unit !== "min" || total < 600)
  return `${Math.floor(total / size)} ${unit}${isFine ? ` ${rest} ${next[1]}` : ""}`
}

/** `2026-11-18 14:23:56.186 UTC`, for whoever points at a time. */
export const universal = (time: number): string =>
  new Date(time).toISOString().replace("T", " ").replace("Z", " UTC")
