import * as Data from "effect/Data"
import type { Position } from "./Position.ts"

/**
 * Why a store could not do what it was asked.
 *
 * - `Full`: no room: entries that some destination still waits for fill the cap, or the disk or the
 * server itself is full. It passes when they are delivered, or somebody makes room; nothing was
 * stored.
 * - `Unavailable`: no answer now (server down, file locked). It may pass by itself; nothing was
 * stored.
 * - `ReadOnly`: it can be read and takes nothing (a standby, a file or file system that is
 * read-only). It may pass by itself; nothing was stored.
 * - `LevelTooLow`: its settings were changed, so that an append would survive less than the log
 * declares. It passes when they are changed back; nothing was acknowledged.
 * - `Corrupt`: the data are damaged or belong to something else. It does not pass.
 * - `Lost`: it was emptied, or another one stands in its place, and what was acknowledged should
 * have survived that. It does not pass: to go on would hide the loss, so whoever has a process to
 * end ends it.
 * - `Incompatible`: the schema is of another version. It does not pass.
 * - `OutOfRange`: the position asked for lies outside the log. `tail` and `head` say what there is:
 * reading after `tail` gives the first entry kept. `resumeAt` says where a reader goes on. When
 * entries behind the position have been trimmed, that is `tail`. When the log has come back with
 * less than it had given, and the position is of what is gone, it lies before the position:
 * everything up to it is as it was, everything behind it is new to whoever asks.
 * - `Closed`: used after closing.
 */
export type StoreReason =
  | { readonly _tag: "Full" }
  | { readonly _tag: "Unavailable" }
  | { readonly _tag: "ReadOnly" }
  | { readonly _tag: "LevelTooLow" }
  | { readonly _tag: "Corrupt" }
  | { readonly _tag: "Lost" }
  | { readonly _tag: "Incompatible" }
  | {
      readonly _tag: "OutOfRange"
      readonly tail: Position
      readonly head: Position
      readonly resumeAt: Position
    }
  | { readonly _tag: "Closed" }

/** Whether a store may do later, with nobody restarting anything, what it cannot do now. */
export const mayPass = (reason: StoreReason): boolean => {
  switch (reason._tag) {
    case "Full":
    case "Unavailable":
    case "ReadOnly":
    case "LevelTooLow":
      return true
    case "Corrupt":
    case "Lost":
    case "Incompatible":
    case "OutOfRange":
    case "Closed":
      return false
  }
}

/**
 * What to say of a store that does not do what it was asked: "the store is ...". Shown to senders
 * too, so it names nothing.
 */
export const conditionOf = (reason: StoreReason): string => {
  switch (reason._tag) {
    case "Full":
      return "full"
    case "Unavailable":
      return "not reachable"
    case "ReadOnly":
      return "read-only"
    case "LevelTooLow":
      return "set up to keep less than it promises"
    case "Corrupt":
      return "damaged"
    case "Lost":
      return "emptied"
    case "Incompatible":
      return "of another version"
    case "OutOfRange":
      return "without what was asked for"
    case "Closed":
      return "closed"
  }
}

/**
 * The one error of every storage port. `message` is fit to be shown to an operator: no event, no
 * key, no password.
 */
export class StoreError extends Data.TaggedError("StoreError")<{
  readonly reason: StoreReason
  readonly message: string
  readonly cause?: unknown
}> {}
