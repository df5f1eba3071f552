import * as Schema from "effect/Schema"

/**
 * A place in one partition of a log, made by the store.
 *
 * Opaque to everybody else, save for its order: positions of one partition compare as plain
 * strings, `a < b` meaning that `a` was appended earlier. A store therefore writes its numbers with
 * a fixed width.
 */
export const Position = Schema.String.pipe(Schema.brand("Position"))

export type Position = typeof Position.Type

/** The place before the first entry there ever was. */
export const origin = "" as Position

/** Behind every entry there will ever be. */
export const end = "~" as Position

/** Digits of a number, and of a generation: every safe integer has room. */
const width = 16

/**
 * Says that a generation follows. It sorts behind all digits, and so behind the first generation.
 */
const mark = "g"

const digits = (value: number): string => String(value).padStart(width, "0")

/**
 * For stores: the position of an entry's number, counted from 1, 16 digits wide, so that the order
 * of text is the order of numbers. 0 is the {@link origin}. Entries of a log's first generation
 * have such positions.
 */
export const fromNumber = (value: number): Position => (value === 0 ? origin : (digits(value) as Position))

/** What stands before the number of an entry in the position of a later generation. */
export const prefixOf = (generation: number): string =>
  generation === 0 ? "" : `${mark}${digits(generation)}.`

/** For stores: the position of an entry that was appended in a generation, with its number. */
export const of = (prefix: string, value: number): Position =>
  value === 0 ? origin : ((prefix + digits(value)) as Position)

/**
 * For stores: the inverse of {@link fromNumber}; `NaN` for what was not made by it, such as another
 * store's position, or one of a later generation.
 */
export const toNumber = (position: Position): number => {
  if (position === origin) return 0
  if (position === end) return Number.MAX_SAFE_INTEGER
  return /^\d{16}$/.test(position) ? Number(position) : Number.NaN
}

/**
 * What a position says: in which generation of the log its entry was appended, and the entry's
 * number.
 */
export interface Parts {
  readonly generation: number
  readonly number: number
}

/** For stores: `null` for another store's position. */
export const parse = (position: Position): Parts | null => {
  const number = toNumber(position)
  if (!Number.isNaN(number)) return { generation: 0, number }
  const found = /^g(\d{16})\.(\d{16})$/.exec(position)
  return found === null ? null : { generation: Number(found[1]), number: Number(found[2]) }
}
