import type { Json } from "../base/json.ts"

/** The fields of an exported event that hold objects. */
export const objectFields = ["user", "metadata", "statsigMetadata"] as const

export type ObjectField = (typeof objectFields)[number]

/** The other five. */
export const scalarFields = ["eventName", "userID", "timestamp", "value", "timeUUID"] as const

export type ScalarField = (typeof scalarFields)[number]

/**
 * More is a mistake: events nest 64 deep at most, and a path has as many readings as its dots have
 * subsets.
 */
const maxParts = 16

const maxLength = 512

export const isObjectField = (name: string): name is ObjectField =>
  objectFields.some((field) => field === name)

const isScalarField = (name: string): name is ScalarField => scalarFields.some((field) => field === name)

/**
 * What is wrong with a dotted path into an exported event, whatever it is used for; `null` when
 * nothing is.
 */
export const problemOf = (path: string): string | null => {
  const [root, ...parts] = path.split(".")
  if (isScalarField(root!)) return parts.length === 0 ? null : `${root} has nothing below it`
  if (!isObjectField(root!)) {
    return `expected a path that begins with one of ${[...scalarFields, ...objectFields].join(", ")}`
  }
  if (path.length > maxLength || parts.length > maxParts) {
    return `expected ${maxParts} parts and ${maxLength} characters at most`
  }
  return parts.includes("") ? "there is nothing between two dots" : null
}

const arrayIndex = /^(?:0|[1-9]\d{0,8})$/

/**
 * What stands directly under a key or an index; `undefined` when nothing does. `null` counts as
 * nothing.
 */
const child = (value: Json, key: string): Json | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  if (Array.isArray(value)) return arrayIndex.test(key) ? (value[Number(key)] ?? undefined) : undefined
  return Object.hasOwn(value, key)
    ? ((value as { readonly [key: string]: Json })[key] ?? undefined)
    : undefined
}

/** Reads below an object; `undefined` when there is nothing, or `null`. */
export type Reader = (value: Json) => Json | undefined

/**
 * Compiles the parts of a path below its first. A key that has dots itself is found, too: at each
 * object the longest key that the rest of the path could spell is tried first, then shorter ones.
 */
export const reader = (parts: ReadonlyArray<string>): Reader => {
  if (parts.length === 1) {
    const [key] = parts
    return (value) => child(value, key!)
  }
  const readings = parts.map((_, at) => {
    const length = parts.length - at
    return { key: parts.slice(0, length).join("."), below: at === 0 ? null : reader(parts.slice(length)) }
  })
  return (value) => {
    for (const { key, below } of readings) {
      const next = child(value, key)
      const found = next === undefined || below === null ? next : below(next)
      if (found !== undefined) return found
    }
    return undefined
  }
}
