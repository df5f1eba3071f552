import type { Json, JsonObject } from "../base/json.ts"
import * as Utf8 from "../base/utf8.ts"

/** A field of the user object that is for evaluation only and must never be kept. */
const name = "privateAttributes"

/** Stands for text of a refused event in which private attributes may hide. */
const marker = "[removed]"

/** Same object when there is nothing to leave out. */
export const without = (user: JsonObject): JsonObject => {
  if (user[name] === undefined) return user
  const { [name]: _, ...rest } = user
  return rest
}

const suspicious = /privateattributes|\\u00[4-7]/i

/**
 * A text, unless it may hold private attributes itself, such as a user written as JSON into a
 * string.
 */
export const redactText = (text: string): string => (suspicious.test(text) ? marker : text)

/**
 * The beginning, as JSON, of an event that was refused, and so may have private attributes
 * anywhere, also in text. Looks at no more of it than it writes: what private attributes hold
 * stands behind their name, so what is cut off before that holds none.
 */
export const redactedJson = (event: Json, maxBytes: number): string => {
  let written = ""
  const beginning = (text: string): string => (text.length > maxBytes ? text.slice(0, maxBytes) : text)
  const write = (json: Json): void => {
    if (typeof json === "string") written += JSON.stringify(redactText(beginning(json)))
    else if (typeof json !== "object" || json === null) written += JSON.stringify(json)
    else if (Array.isArray(json)) writeItems(json)
    else writeMembers(json as JsonObject)
  }
  const writeItems = (items: ReadonlyArray<Json>): void => {
    written += "["
    for (const [index, item] of items.entries()) {
      if (written.length >= maxBytes) return
      if (index > 0) written += ","
      write(item)
    }
    written += "]"
  }
  const writeMembers = (object: JsonObject): void => {
    let separator = "{"
    for (const name in object) {
      if (written.length >= maxBytes) return
      const key = beginning(name)
      if (suspicious.test(key)) continue
      written += `${separator}${JSON.stringify(key)}:`
      separator = ","
      write(object === event && name === "user" && typeof object[name] === "string" ? marker : object[name]!)
    }
    written += separator === "{" ? "{}" : "}"
  }
  write(event)
  return Utf8.cut(written, maxBytes)
}
