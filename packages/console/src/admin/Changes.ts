/** The record of who has changed what: all processes of a store add to it. */
import type { StoreError } from "@millrace/core"
import type { Documents } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SharedRecord from "./sharedRecord.ts"

export const Change = Schema.Struct({
  id: Schema.String,
  /** ms since the epoch. */
  at: Schema.Finite,
  /** A token by its id, somebody by the host's name for them, or "command". */
  who: Schema.String,
  /** The action's path. */
  did: Schema.String,
  /** What it was done to, by its id. */
  what: Schema.NullOr(Schema.String),
  /** What was asked and answered, and what the store had before and after: cut, without secrets. */
  detail: Schema.JsonObject,
}).annotate({ identifier: "Change", description: "What somebody has changed." })

export type Change = typeof Change.Type

/** As many as somebody reads who looks for what has happened. */
const maxChanges = 200

export interface Changes {
  /** Puts one on record. */
  readonly add: (change: Change) => Effect.Effect<void, StoreError>
  /** The last ones, newest first. */
  readonly list: Effect.Effect<ReadonlyArray<Change>, StoreError>
}

export const make = (documents: Documents.Documents["Service"]): Changes => {
  const record = SharedRecord.make(documents, {
    name: "console/changes",
    row: Change,
    keep: (changes) => changes.slice(-maxChanges),
  })
  return { add: record.add, list: Effect.map(record.list, (changes) => changes.toReversed()) }
}
