import { backslash, closeBrace, closeBracket, comma, openBrace, openBracket, quote } from "./jsonBytes.ts"

/** What a body would cost, found out before it is parsed. Of text that is not JSON it may be anything. */
export interface BodyScan {
  /** Whether arrays and objects stand in one another deeper than asked for. */
  readonly isDeeper: boolean
  /** The items of its longest list of events. */
  readonly events: number
}

export const nothing: BodyScan = { isDeeper: false, events: 0 }

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
      if (depth === 1) {
        keyStart = start
        keyEnd = at
      }
    } else if (byte === comma) {
      if (depth === listed) items++
    } else if (byte === openBrace || byte === openBracket) {
      if (++depth > nesting) return { isDeeper: true, events }
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
  return { isDeeper: false, events }
}
