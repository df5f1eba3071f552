/**
 * The shapes of the admin API that the page uses. They are those of the server's own tables, as
 * types only: nothing of the tables is in the page.
 */
import type { Action, Actions, Rows } from "@millrace/core/host"

/** What only the console's server answers: signing in, and what the server says of itself. */
interface OfServer {
  readonly signIn: Answering<"console/sign-in", { readonly token: string }, SignedIn>
  readonly signOut: Answering<"console/sign-out", object, object>
  readonly whoami: Answering<"console/whoami", object, SignedIn>
  readonly status: Answering<"status", object, ServerRow | null>
  readonly changes: Answering<"changes/list", object, { readonly changes: ReadonlyArray<Change> }>
  readonly processes: Answering<"processes/list", object, { readonly processes: ReadonlyArray<ProcessRow> }>
  readonly doctor: Answering<"doctor", object, { readonly checks: ReadonlyArray<Check> }>
}

interface Answering<P extends string, I, O> {
  readonly path: P
  readonly input: { readonly Type: I }
  readonly output: { readonly Type: O }
}

type RowOf<T> = T[keyof T]

type Row =
  | RowOf<typeof Actions.actions>
  | RowOf<typeof Rows.destinationRows>
  | RowOf<typeof Rows.eventRows>
  | RowOf<typeof Rows.historyRows>
  | RowOf<typeof Rows.jobRows>
  | RowOf<typeof Rows.keyRows>
  | RowOf<typeof Rows.streamRows>
  | RowOf<OfServer>

/** The actions that answer once. */
type Asked = Extract<Row, { readonly output: unknown }>

export type Path = Asked["path"]

export type InputOf<P extends Path> = Extract<Asked, { readonly path: P }>["input"]["Type"]

export type OutputOf<P extends Path> = Extract<Asked, { readonly path: P }>["output"]["Type"]

/** What a stream is asked for, and tells. */
export type Ask<P extends "stream" | "events/find"> = Action.Input<Extract<Row, { readonly path: P }>>

export interface SignedIn {
  readonly role: "full" | "read"
  readonly until: number | null
}

interface ServerRow {
  readonly version: string
  readonly pid: number
  readonly startedAt: number
  readonly url: string | null
}

/** What somebody has changed: `did` is the action's path, `what` the id of what it was done to. */
export interface Change {
  readonly id: string
  readonly at: number
  readonly who: string
  readonly did: string
  readonly what: string | null
}

/** One process of the server; `cpu` is a share of a core. */
export interface ProcessRow {
  readonly name: string
  readonly does: string
  readonly memory: number
  readonly cpu: number
  readonly connections: number | null
  readonly restarts: number
}

export interface Check {
  readonly name: string
  readonly level: "ok" | "note" | "wrong"
  readonly message: string
}

export type Status = Rows.StatusNow
export type Destination = Rows.DestinationNow
export type Frame = Rows.Frame
export type Streamed = Rows.Streamed
export type EventRow = Rows.EventRow
export type EventTrace = Rows.EventTrace
export type EventAt = Rows.EventAt
export type EventFound = Rows.EventFound
export type EventQuery = Rows.EventQuery
export type FilterReason = Rows.FilterReason
export type Cause = Rows.Cause
export type NameRow = Rows.NameRow
export type Refusal = Rows.Refusal
export type IntakeHistory = Rows.IntakeHistory
