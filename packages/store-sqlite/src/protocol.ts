import type { Attempts, Counters, DeadLetters } from "@millrace/core"
import type { ConnectionOptions } from "./Connection.ts"
import type { Failure } from "./errors.ts"
import type { PackedEntries } from "./packing.ts"
import type { Tables } from "./tables/index.ts"

/** The bounds that the ports state, handed to the worker so that it need not load the core. */
export interface Limits {
  readonly log: { readonly maxBytes: number }
  readonly deadLetters: typeof DeadLetters.limits & { readonly intake: typeof DeadLetters.intake }
  readonly attempts: typeof Attempts.limits & { readonly delivered: typeof Attempts.delivered }
  readonly counters: typeof Counters.limits & { readonly otherNames: typeof Counters.otherNames }
}

/** How far one call has come with all letters of a selection: so that many of them do not hold up appends. */
export interface Progress {
  readonly count: number
  /** Where the next call goes on; `null` when there are no more. */
  readonly next: number | null
}

/** Of 8 KiB at most: what a call writes stays under 4 MB. */
export const lettersPerCall = 500

/** A worker's `workerData`. */
export interface WorkerOptions extends ConnectionOptions {
  /** `write`: what it is asked for together is one transaction. `read`: each call sees one state of the file. */
  readonly mode: "write" | "read"
  readonly limits: Limits
}

/** Several appends on their way to one transaction, the index and the bytes of their entries in memory that both threads share. */
export interface PackedAppends extends PackedEntries {
  /** How many of the entries belong to each append, in order. */
  readonly counts: Uint32Array
}

/** One method of one of the worker's tables, with its arguments. */
export interface Call {
  readonly table: keyof Tables
  readonly method: string
  readonly parameters: ReadonlyArray<unknown>
}

export type TableName = keyof Tables

export type MethodName<T extends TableName> = keyof Tables[T] & string

type Method<T extends TableName, M extends MethodName<T>> = Extract<
  Tables[T][M],
  (...parameters: never) => unknown
>

export type Asked<T extends TableName, M extends MethodName<T>> = Parameters<Method<T, M>>

export type Returned<T extends TableName, M extends MethodName<T>> = ReturnType<Method<T, M>>

export interface Request {
  readonly kind: "request"
  readonly appends: PackedAppends | null
  readonly calls: ReadonlyArray<Call>
}

/** What became of the entries of several appends. */
export interface Appended {
  /** Of each entry; 0 for those of an append that found the log full. */
  readonly positions: Float64Array
  /** When each entry was appended, in ms since the epoch; `NaN` for those that were not: their ids were known, or the log was full. */
  readonly times: Float64Array
  /** The last entry dropped, to make room for these or before. */
  readonly tail: number
}

/** How far released entries have been dropped. */
export interface Dropped {
  /** The last entry dropped, now or before. */
  readonly tail: number
  readonly more: boolean
}

export type Outcome<A> = { readonly kind: "done"; readonly value: A } | Failure

export interface Reply {
  /** `null` when there were none. */
  readonly appends: Outcome<Appended> | null
  readonly calls: ReadonlyArray<Outcome<unknown>>
  /** The write-ahead log is gone from its path: every connection has to be closed before one may be opened again. */
  readonly isLost?: boolean
}

/** Says that the connection is to be closed; the next request opens another. Answered by an empty {@link Reply}. */
export interface Reopen {
  readonly kind: "reopen"
}

/** Says that the connection is to be closed and the worker to end, after what was asked before. */
export interface Close {
  readonly kind: "close"
}
