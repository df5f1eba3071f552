import type { Json } from "./json.ts"

/** Far from where recursive readers, `JSON.stringify` among them, run out of stack. */
export const most = 256

/**
 * Whether arrays and objects stand in one another more than `depth` deep. It goes no deeper than
 * that itself.
 */
export const isDeeper = (value: Json, depth: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (depth === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) {
      if (typeof item === "object" && item !== null && isDeeper(item, depth - 1)) return true
    }
    return false
  }
  const object = value as { readonly [key: string]: Json }
  for (const key in object) {
    const item = object[key] as Json
    if (typeof item === "object" && item !== null && isDeeper(item, depth - 1)) return true
  }
  return false
}
