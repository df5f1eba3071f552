import type { ConnectionOptions } from "./Connection.ts"
import type { Failure } from "./errors.ts"
import type { Limits } from "./limits.ts"
import type { Tables } from "./tables/index.ts"
import type { Appended, Known, LogNews, PackedAppends } from "./tables/records.ts"

/** A worker's `workerData`. */
export interface WorkerOptions extends ConnectionOptions {
  /**
   * `write`: what it is asked for together is one transaction. `read`: each call sees one state of
   * the file.
   */
  readonly mode: "write" | "read"
  readonly limits: Limits
  /** What this process has seen of the log; `null` at first. */
  readonly known: Known | null
  /** Where is noted how the files were left, see `FileMarks`. */
  readonly marks: SharedArrayBuffer
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

export type Outcome<A> = { readonly kind: "done"; readonly value: A } | Failure

export interface Reply {
  /** `null` when there were none. */
  readonly appends: Outcome<Appended> | null
  readonly calls: ReadonlyArray<Outcome<unknown>>
  /**
   * What a transaction has found the log to be, and made of it; only of one that has been
   * committed.
   */
  readonly news?: LogNews
  /** Where a write-ahead log was put that was another file's. */
  readonly putAside?: string
  /**
   * The file, or its write-ahead log, is not where it was: every connection has to be closed before
   * one may be opened again.
   */
  readonly isLost?: boolean
}

/** Says that the connection is to be closed and the worker to end, after what was asked before. */
export interface Close {
  readonly kind: "close"
}
