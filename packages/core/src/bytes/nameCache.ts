import { maxEventNameBytes } from "../base/Event.ts"
import { copyOf } from "./jsonBytes.ts"

/** A name may begin with a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * How many names are remembered, a power of two: more than a site has, at some hundred bytes each.
 * Names of the greatest length take 12 MiB, once in bytes and once as text. Longer ones, which only
 * a store filled by others can hold, are not remembered.
 */
const remembered = 4096

interface Known {
  readonly bytes: Uint8Array
  readonly name: string
}

const known: Array<Known | undefined> = new Array(remembered)

/** FNV-1a, 32 bits. */
const placeOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 15)) & (remembered - 1)
}

const isSame = (name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean => {
  if (name.length !== end - start) return false
  for (let at = 0; at < name.length; at++) if (name[at] !== bytes[start + at]) return false
  return true
}

/**
 * Reads an event's name in UTF-8. There are millions of events and hundreds of names: mostly it is
 * the same string as last time, which costs nothing to compare, and is no slice that would keep a
 * whole body in memory.
 */
export const read = (bytes: Uint8Array, start: number, end: number): string => {
  const place = placeOf(bytes, start, end)
  const last = known[place]
  if (last !== undefined && isSame(last.bytes, bytes, start, end)) return last.name
  const own = copyOf(bytes, start, end)
  const name = decoder.decode(own)
  if (own.length <= maxEventNameBytes) known[place] = { bytes: own, name }
  return name
}
