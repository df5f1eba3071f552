/** What stands in the place of a value that is hidden. */
export const hidden = "•••"

const personal = new Set(["user", "metadata", "value", "privateAttributes"])

/** They name somebody to the program, and support asks by them. */
const ids = new Set(["userID", "customIDs"])

const hide = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(hide)
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, ids.has(key) ? inner : hide(inner)]),
    )
  return value === null || value === "" ? value : hidden
}

/** An event without the values of its user, as the server shows it to those who may only look. */
export const masked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(masked)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, personal.has(key) ? hide(inner) : masked(inner)]),
  )
}
