/**
 * Hides the values of users from those who may only read. Ids, names and times stay: what has
 * arrived can be told, and where it went.
 */
import { type Action, mask } from "@millrace/core/host"

/** What stands in the place of a value. */
export const hidden = mask

/** Below these names stands what an event has of its user, and of what was done. */
const personal = new Set(["user", "metadata", "value", "privateAttributes"])

/** These names have it as a text: a request's body, or what a filter has found at a path. */
const personalText = new Set(["body", "found"])

/** These names have an event as JSON text. Where it is none, `event` is a name. */
const written = new Set(["event", "came", "leaves"])

/** Below a user: they name somebody to the program, and support asks by them. */
const ids = new Set(["userID", "customIDs"])

/** Where an event's value stands in a row of a list (see `EventRow`). */
const valueInRow = 5

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

const maskText = (text: string): string =>
  /^\s*[[{]/.test(text) ? JSON.stringify(maskEvents(parse(text))) : text

const maskRow = (row: unknown): unknown =>
  Array.isArray(row) ? row.map((cell, at) => (at === valueInRow ? hide(cell) : cell)) : row

const maskAt = (key: string, value: unknown): unknown => {
  if (personal.has(key) || (personalText.has(key) && typeof value === "string")) return hide(value)
  if (written.has(key) && typeof value === "string") return maskText(value)
  if (key === "row") return maskRow(value)
  if (key === "rows" && Array.isArray(value)) return value.map(maskRow)
  return maskEvents(value)
}

/** Hides what stands under the names that events have for it, wherever in a value. */
export const maskEvents = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(maskEvents)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, maskAt(key, inner)]))
}

/** What an action shows, as those who may only read see it. */
export const masked = (action: Action.Action, shown: unknown): unknown =>
  action.masked === undefined ? maskEvents(shown) : action.masked(shown)
