import type { Position } from "./Position.ts"

/** 32 lower-case hex digits: 16 random bytes made at intake. */
export type EntryId = string

/** The accepted events of one request: stored as one unit, never looked into by the log. */
export interface NewEntry {
  readonly id: EntryId
  /** How many events the body holds: the log's counts, and so the ledger, come from this number. */
  readonly events: number
  readonly envelope: string
  readonly body: Uint8Array
}

/**
 * What an entry counts for, in bytes. An envelope is counted by its length: it is JSON that is
 * nearly always ASCII, and encoding it to know its bytes would be done twice.
 */
export const sizeOf = ({ envelope, body }: NewEntry): number => envelope.length + body.byteLength

export interface LogEntry extends NewEntry {
  readonly position: Position
  /**
   * When it was appended by Effect's clock, in ms since the epoch; never before the entry in front
   * of it.
   */
  readonly appendedAt: number
  /**
   * How many bytes the body has of an entry that its reader does not want: `body` is empty then.
   */
  readonly leftOut?: number
}

/** Running sums of a partition from its first entry ever, trimmed ones included. */
export interface LogTotals {
  readonly entries: number
  readonly events: number
  readonly bytes: number
}

export interface LogBounds {
  /** Reading after it gives the first entry kept; equal to `head` when the log is empty. */
  readonly tail: Position
  /** The position of the last entry; stays when that entry is trimmed. */
  readonly head: Position
  /** Bytes kept: envelopes and bodies. */
  readonly bytes: number
  /** `appendedAt` of the first entry kept. */
  readonly oldestAt: number | null
}

export interface ReadLimits {
  readonly maxEntries: number
  /** At least one entry is read however large it is. */
  readonly maxBytes: number
}
