import type { EventAt } from "../../api/rows.ts"
import type { Changes } from "../../parts/json.ts"

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const at = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((inner, key) => (isObject(inner) ? inner[key] : undefined), value)

/** The same with something at a path; where the path leads nowhere, it is left as it is. */
const withAt = (value: unknown, [key, ...rest]: ReadonlyArray<string>, put: unknown): unknown => {
  if (key === undefined) return put
  if (!isObject(value)) return value
  if (rest.length > 0 && !isObject(value[key])) return value
  return { ...value, [key]: withAt(value[key], rest, put) }
}

export interface Leaving {
  readonly value: unknown
  readonly changes: Changes
}

/**
 * An event as it leaves, with what field rules have dropped put back to be struck through: what is
 * missing is seen only beside what it was.
 */
export const leavingOf = (
  leaves: unknown,
  came: unknown,
  { dropped, hashed }: EventAt["fields"],
): Leaving => {
  const value = dropped.reduce((whole, path) => {
    const keys = path.split(".")
    return withAt(whole, keys, at(came, keys) ?? "…")
  }, leaves)
  return {
    value,
    changes: Object.fromEntries([
      ...dropped.map((path) => [path, "dropped"] as const),
      ...hashed.map((path) => [path, "hashed"] as const),
    ]),
  }
}

/** The value of a JSON text, or that it was cut and is none. */
export const parsed = (text: string): { readonly value: unknown } | null => {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}
