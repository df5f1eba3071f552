import type { Json } from "../Event.ts"

/** Far from where recursive readers, `JSON.stringify` among them, run out of stack. */
export const most = 256

/** Whether arrays and objects stand in one another more than `depth` deep. Goes no deeper than that itself. */
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

const quote = 0x22
const backslash = 0x5c

/** The same of JSON text in UTF-8, before it is parsed; of text that is not JSON it may say either. */
export const areBytesDeeper = (bytes: Uint8Array, depth: number): boolean => {
  let open = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number
    if (byte === quote) {
      at++
      while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
    } else if (byte === 0x7b || byte === 0x5b) {
      if (++open > depth) return true
    } else if (byte === 0x7d || byte === 0x5d) {
      open--
    }
  }
  return false
}
