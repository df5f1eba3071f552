import type { PackedEntries } from "../packing.ts"

/**
 * Several appends on their way to one transaction, the index and the bytes of their entries in
 * memory that both threads share.
 */
export interface PackedAppends extends PackedEntries {
  /** How many of the entries belong to each append, in order. */
  readonly counts: Uint32Array
}

/** What became of the entries of several appends. */
export interface Appended {
  /** The position of each entry; 0 for those of an append that found the log full. */
  readonly positions: Float64Array
  /**
   * When each entry was appended, in ms since the epoch; `NaN` for those that were not: their ids
   * were known, or the log was full.
   */
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

/**
 * How far one call has come with all letters of a selection: so that many of them do not hold up
 * appends.
 */
export interface Progress {
  readonly count: number
  /** Where the next call goes on; `null` when there are no more. */
  readonly next: number | null
}

/** The log up to one entry: its sums, and when that entry was appended. */
export interface Mark {
  readonly position: number
  /** In ms since the epoch. */
  readonly at: number
  readonly events: number
  readonly bytes: number
}

/** Where the log begins and ends. */
export interface Ends {
  /** The last entry dropped. */
  readonly tail: Mark
  /** The last entry appended. */
  readonly head: Mark
  /** The last entry that lies behind all cursors. */
  readonly released: number
}

/** The beginning of a generation of the log, as core has it. */
export interface Fork {
  readonly generation: number
  /** The last entry that survived. */
  readonly number: number
}

/** What a process has seen of the log, and has to find there again. */
export interface Known {
  /** The oldest first. */
  readonly forks: ReadonlyArray<Fork>
  readonly head: Mark
}

/** The log has come back with less than it had given. */
export interface Lost {
  /** The last entry that is as it was. */
  readonly after: number
  /** How many are known to be gone. */
  readonly entries: number
  readonly events: number
}

/** What a transaction has found out of the log as a whole. */
export interface LogNews {
  readonly known: Known
  /** `null` when everything known before is still there. */
  readonly lost: Lost | null
}

/** How far entries have been looked at, and which of them cannot be read. */
export interface Examined {
  readonly upTo: number
  readonly damaged: ReadonlyArray<readonly [first: number, last: number]>
}
