import { WrittenNumber } from "./WrittenNumber.ts"

export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof WrittenNumber)

/** Reads a field that should hold an object: anything else counts as an empty one. */
export const objectOrEmpty = (json: Json | undefined): JsonObject => (isObject(json) ? json : {})

export const isEmptyArray = (value: unknown): boolean => Array.isArray(value) && value.length === 0

/**
 * Shows other JSON in a field that holds text: numbers and booleans as they are written, anything
 * else as `""`.
 */
export const textOf = (value: Json | undefined): string =>
  typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean" || isWrittenNumber(value)
      ? String(value)
      : ""

/** Whether it is a number, although it is an object. */
export const isWrittenNumber = (value: Json | undefined): boolean =>
  (value as unknown) instanceof WrittenNumber

/** Whether it is a text, a number or a boolean. */
export const isFlat = (value: Json | undefined): value is string | number | boolean =>
  (value !== undefined && typeof value !== "object") || isWrittenNumber(value)

/** A user's id as text: `""` for anything but texts and numbers. `true` is nobody's. */
export const idOf = (value: Json | undefined): string => (typeof value === "boolean" ? "" : textOf(value))

/** An own key whatever its name: assigning to `__proto__` would not make one. */
export const put = (object: Record<string, Json>, key: string, value: Json): void => {
  if (key === "__proto__") {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  } else object[key] = value
}

/** `undefined` when the text is not JSON. */
export const parse = (text: string): Json | undefined => {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
