import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  isSpace,
  openBrace,
  openBracket,
  quote,
} from "./jsonBytes.ts"

/** What a body would cost, found out before it is parsed. Of text that is not JSON it may be anything. */
export interface BodyScan {
  /** Whether arrays and objects stand in one another deeper than asked for. */
  readonly isDeeper: boolean
  /** The items of its longest list of events. */
  readonly events: number
  /** Items of arrays, members of objects, and those arrays and objects. */
  readonly values: number
  /** Different keys, or a few less. */
  readonly keys: number
}

export const nothing: BodyScan = { isDeeper: false, events: 0, values: 0, keys: 0 }

/**
 * The most that is parsed of one body. `JSON.parse` takes a tenth of a second for 10 MB of usual events, which have half a million values and a few hundred
 * keys; for as many bytes of `{}`, or of keys that are all different, it would take two seconds, in which nobody else is served.
 */
const most = { values: 1_000_000, keys: 65_536 }

/** Why a body is not parsed; `null` when it may be. */
export const problemOf = ({ values, keys }: BodyScan): string | null =>
  values > most.values
    ? `body: more than ${most.values} values`
    : keys > most.keys
      ? `body: more than ${most.keys} different keys`
      : null

/** A bit for each of so many hashes of keys: with the most that are let in, one in thirty is taken for another. */
const hashes = 2 ** 20

/** Used again for each body. */
const seen = new Uint32Array(hashes / 32)

/** FNV-1a, 32 bits. */
const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 12)) & (hashes - 1)
}

/** Whether a key is met for the first time. */
const isNew = (bytes: Uint8Array, start: number, end: number): boolean => {
  const hash = hashOf(bytes, start, end)
  const bit = 1 << (hash & 31)
  const before = seen[hash >>> 5]!
  seen[hash >>> 5] = before | bit
  return (before & bit) === 0
}

const isKey = (bytes: Uint8Array, end: number): boolean => {
  let at = end + 1
  while (isSpace(bytes[at]!)) at++
  return bytes[at] === colon
}

const names = ["events", "data"].map((name) => new TextEncoder().encode(name))

/** Whether a key names a list of events. One that is written with escapes may. */
const isOfEvents = (bytes: Uint8Array, start: number, end: number): boolean => {
  const key = bytes.subarray(start, end)
  return (
    key.includes(backslash) ||
    names.some((name) => name.length === key.length && name.every((byte, at) => byte === key[at]))
  )
}

/** Goes once through JSON text in UTF-8, and makes nothing of it. */
export const scan = (bytes: Uint8Array, nesting: number): BodyScan => {
  let depth = 0
  let events = 0
  let values = 0
  let keys = 0
  seen.fill(0)
  /** How deep the items of the list stand that is counted; 0 outside of one. */
  let listed = 0
  let items = 0
  let keyStart = 0
  let keyEnd = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      const start = at + 1
      at = start
      while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
      if (keys <= most.keys && isKey(bytes, at) && isNew(bytes, start, at)) keys++
      if (depth === 1) {
        keyStart = start
        keyEnd = at
      }
    } else if (byte === comma) {
      values++
      if (depth === listed) items++
    } else if (byte === openBrace || byte === openBracket) {
      values++
      if (++depth > nesting) return { isDeeper: true, events, values, keys }
      const isList = byte === openBracket && (depth === 1 || (depth === 2 && listed === 0))
      if (isList && (depth === 1 || isOfEvents(bytes, keyStart, keyEnd))) {
        listed = depth
        items = 1
      }
    } else if (byte === closeBrace || byte === closeBracket) {
      if (depth === listed) {
        events = Math.max(events, items)
        listed = 0
      }
      depth--
    }
  }
  return { isDeeper: false, events, values, keys }
}
