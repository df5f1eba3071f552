import type { Json } from "./json.ts"
import { isWrittenNumber } from "./json.ts"
import * as Utf8 from "./utf8.ts"

/**
 * How long a value is as JSON; more than `most` when it is longer, and then no more of it is looked
 * at.
 */
export const sizeOf = (json: Json | undefined, most: number): number => {
  if (json === undefined) return 0
  if (typeof json === "string" && json.length > most) return json.length + 2
  if (isWrittenNumber(json)) return String(json).length
  if (typeof json !== "object" || json === null) return Utf8.encode(JSON.stringify(json)).length
  let size = 2
  if (Array.isArray(json)) {
    for (const item of json) {
      size += sizeOf(item, most - size) + 1
      if (size > most + 1) return size
    }
    return json.length === 0 ? size : size - 1
  }
  const object = json as { readonly [key: string]: Json }
  let isEmpty = true
  for (const key in object) {
    isEmpty = false
    size += sizeOf(key, most - size) + 2
    // The comma that is counted with its key is not written behind the last one.
    size += sizeOf(object[key], most - size + 1)
    if (size > most + 1) return size
  }
  return isEmpty ? size : size - 1
}
