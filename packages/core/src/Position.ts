/**
 * A place in one partition of a log, made by the store.
 *
 * Opaque to everybody else, save for its order: positions of one partition compare as plain strings, `a < b`
 * meaning that `a` was appended earlier. A store therefore writes its numbers with a fixed width.
 */
export type Position = string & { readonly Position: unique symbol }

/** The place before the first entry there ever was. */
export const origin = "" as Position

/** Behind every entry there will ever be. */
export const end = String(Number.MAX_SAFE_INTEGER) as Position

/**
 * For stores: the position of an entry's number, counted from 1, 16 digits wide, so that the order of text is the order
 * of numbers. 0 is the {@link origin}.
 */
export const fromNumber = (value: number): Position =>
  value === 0 ? origin : (String(value).padStart(16, "0") as Position)

/** For stores: the inverse of {@link fromNumber}; `NaN` for what was not made by it, such as another store's position. */
export const toNumber = (position: Position): number =>
  position === origin ? 0 : /^\d{16}$/.test(position) ? Number(position) : Number.NaN
