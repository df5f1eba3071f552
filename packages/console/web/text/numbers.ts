const whole = new Intl.NumberFormat("en-GB")
const tenths = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 })

/** `369,412`. */
export const count = (value: number): string => whole.format(Math.round(value))

/** `49.8`, `166`: one digit behind the point at most. */
export const decimal = (value: number): string => tenths.format(value)

/** Adds up a column; what is not known in it counts as nothing. */
export const sum = (column: ReadonlyArray<number | null>): number =>
  column.reduce<number>((all, value) => all + (value ?? 0), 0)

/** `1 destination`, `5 destinations`. */
export const plural = (value: number, noun: string, nouns = `${noun}s`): string =>
  `${count(value)} ${value === 1 ? noun : nouns}`

/** `369 k`, `9.91 M`: three digits are what is compared at a glance. */
export const short = (value: number): string => {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value >= 1e7 ? 1 : 2)} M`
  if (value >= 1e4) return `${(value / 1e3).toFixed(value >= 1e5 ? 0 : 1)} k`
  return count(value)
}

/** Says "100 %" only when it is all of them. */
export const percent = (part: number, all: number): string => {
  if (all === 0) return "–"
  return part === all ? "100 %" : `${Math.min((part / all) * 100, 99.9).toFixed(1)} %`
}

const units = [
  [2 ** 40, "TiB"],
  [2 ** 30, "GiB"],
  [2 ** 20, "MiB"],
  [2 ** 10, "KiB"],
] as const

/** `1.4 KiB`. */
export const bytes = (value: number): string => {
  const unit = units.find(([size]) => value >= size)
  return unit === undefined ? `${value} B` : `${decimal(value / unit[0])} ${unit[1]}`
}

/** `+260 %`, `−41 %`. */
export const change = (part: number): string => `${part < 0 ? "−" : "+"}${Math.round(Math.abs(part) * 100)} %`
