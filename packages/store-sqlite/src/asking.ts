import type { Failure } from "./errors.ts"
import type { Call, Outcome, Reply, Request } from "./protocol.ts"
import type { Tables } from "./tables/index.ts"

/** What is asked for together. */
export type Parts = Pick<Request, "appends" | "calls">

export const invoke = (on: Tables, { table, method, parameters }: Call): unknown =>
  (on[table] as unknown as Readonly<Record<string, (...parameters: ReadonlyArray<unknown>) => unknown>>)[
    method
  ]?.(...parameters)

export const done = <A>(value: A): Outcome<A> => ({ kind: "done", value })

export const failAll = ({ appends, calls }: Parts, failure: Failure): Reply => ({
  appends: appends === null ? null : failure,
  calls: calls.map(() => failure),
})
