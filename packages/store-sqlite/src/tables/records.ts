import type { PackedEntries } from "../packing.ts"

/** Several appends on their way to one transaction, the index and the bytes of their entries in memory that both threads share. */
export interface PackedAppends extends PackedEntries {
  /** How many of the entries belong to each append, in order. */
  readonly counts: Uint32Array
}

/** What became of the entries of several appends. */
export interface Appended {
  /** Of each entry; 0 for those of an append that found the log full. */
  readonly positions: Float64Array
  /** When each entry was appended, in ms since the epoch; `NaN` for those that were not: their ids were known, or the log was full. */
  readonly times: Float64Array
  /** The last entry dropped, to make room for these or before. */
  readonly tail: number
  /** Why there was none for some of them; `null` when there was. */
  readonly full: string | null
}

/** How far released entries have been dropped. */
export interface Dropped {
  /** The last entry dropped, now or before. */
  readonly tail: number
  readonly more: boolean
}

/** How far one call has come with all letters of a selection: so that many of them do not hold up appends. */
export interface Progress {
  readonly count: number
  /** Where the next call goes on; `null` when there are no more. */
  readonly next: number | null
}
