import * as Cause from "effect/Cause"
import { StoreError } from "./StoreError.ts"

/**
 * A cause as text that may be logged: names and places, and of messages only those of a {@link
 * StoreError}. Others quote what was at hand: `JSON.parse` its text, a driver its parameters.
 */
export const defectSummary = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  if (error instanceof StoreError) return `${error.reason._tag}: ${error.message}`
  if (!(error instanceof Error)) return typeof error
  // Its message first: a quoted text may hold lines that look like places.
  const places = (error.stack ?? "")
    .replace(error.message, "")
    .split("\n")
    .filter((line) => line.startsWith("    at "))
  return [error.name, ...places].join("\n")
}
