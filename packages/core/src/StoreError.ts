import * as Data from "effect/Data"
import type { Position } from "./Position.ts"

/**
 * Why a store could not do what it was asked.
 *
 * - `Full`: entries that some destination still waits for fill the cap. It passes when they are delivered.
 * - `Unavailable`: no answer now (server down, file locked, disk full). It may pass by itself; nothing was stored.
 * - `Corrupt`: the data are damaged or belong to something else. It does not pass.
 * - `Incompatible`: the schema is of another version. It does not pass.
 * - `OutOfRange`: the position asked for lies outside the log. `tail` and `head` say what there is: reading after
 *   `tail` gives the first entry kept.
 * - `Closed`: used after closing.
 */
export type StoreReason =
  | { readonly _tag: "Full" }
  | { readonly _tag: "Unavailable" }
  | { readonly _tag: "Corrupt" }
  | { readonly _tag: "Incompatible" }
  | { readonly _tag: "OutOfRange"; readonly tail: Position; readonly head: Position }
  | { readonly _tag: "Closed" }

/** The one error of every storage port. `message` is fit to be shown to an operator: no event, no key, no password. */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly reason: StoreReason
  readonly message: string
  readonly cause?: unknown
}> {}
