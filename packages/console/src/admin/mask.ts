/**
 * Hides the values of users from those who may only read. Ids, names and times stay: what has
 * arrived can be told, and where it went.
 */
import type { Action } from "@millrace/core/host"

/** What stands in the place of a value. */
const hidden = "•••"

/** What an event has of its user, and of what was done. */
const personal = new Set(["user", "metadata", "value", "privateAttributes"])

/** Below a user: they name somebody to the program, and support asks by them. */
const ids = new Set(["userID", "customIDs"])

const hide = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(hide)
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, ids.has(key) ? inner : hide(inner)]),
    )
  }
  return value === null || value === "" ? value : hidden
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // One that was cut: how it goes on is not known.
    return hidden
  }
}

/** A dead letter's event is JSON as text; elsewhere `event` is a name. */
const maskText = (text: string): string =>
  /^\s*[[{]/.test(text) ? JSON.stringify(maskEvents(parse(text))) : text

/** Hides what stands under the names that events have for it, wherever in a value. */
const maskEvents = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(maskEvents)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (personal.has(key)) return [key, hide(inner)]
      if (key === "event" && typeof inner === "string") return [key, maskText(inner)]
      return [key, maskEvents(inner)]
    }),
  )
}

/** What an action shows, as those who may only read see it. */
export const masked = (action: Action.Action, shown: unknown): unknown =>
  action.masked === undefined ? maskEvents(shown) : action.masked(shown)
