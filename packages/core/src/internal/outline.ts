import type { Json } from "../Event.ts"
import { parse } from "./json.ts"
import * as Utf8 from "./utf8.ts"

/**
 * Where the values of a log_event body stand in its bytes. To find that out costs a quarter of `JSON.parse`, and nearly all events are stored and sent on
 * as they were written: nobody needs them as objects.
 *
 * It is for the usual body only: JSON whose events are all fine, without numbers in exponents, keys with escapes, known keys given twice, or private
 * attributes. Any other has no outline: then `JSON.parse` and the checks of `validate.ts` say what it is. A property test holds the two together.
 */
export interface Outline {
  readonly events: number
  /** {@link stride} numbers for each event: where a field's value starts at its slot, where it ends in the next; 0 and 0 when it has none. */
  readonly fields: Int32Array
  /** The same of the fields beside the events. */
  readonly rest: Int32Array
  /** Every event is fine by the OpenAPI document too, not only with the tolerance for SDKs. */
  readonly isStrict: boolean
  /** When not, the bytes are still to be checked for UTF-8. */
  readonly isAscii: boolean
}

export const stride = 16

/** Slots of an event, and behind `privateAttributes` those of {@link Outline.rest}, which shares `user` and `statsigMetadata`. */
export const slots = {
  eventName: 0,
  user: 2,
  time: 4,
  value: 6,
  metadata: 8,
  statsigMetadata: 10,
  /** Within `user`. */
  userID: 12,
  /** Within `user`, a `privateAttributes` of `null`, which SDKs send often. */
  privateAttributes: 14,
  clientTime: 4,
  events: 12,
  /** Of `events`: its first one. */
  first: 0,
} as const

const failed = -1
/** Not a position: the object has no more members. */
const closed = 0
const noSlot = -1

const quote = 0x22
const comma = 0x2c
const minus = 0x2d
const point = 0x2e
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const letterF = 0x66
const letterN = 0x6e
const letterT = 0x74
const letterU = 0x75
const openBrace = 0x7b
const closeBrace = 0x7d

const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

/** 1 for each byte that stands for itself in a string, and is ASCII. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== backslash ? 1 : 0,
)

const isAnyOf = (letters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const byte of bytesOf(letters)) table[byte] = 1
  return table
}

const escapes = isAnyOf('"\\/bfnrt')
const hexDigits = isAnyOf("0123456789abcdefABCDEF")

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const literals = { true: bytesOf("true"), false: bytesOf("false"), null: bytesOf("null") }

const privateName = bytesOf("privateAttributes")

interface Key {
  readonly name: Uint8Array
  readonly slot: number
}

const longestKey = 15

/** By length and first letter: no two that are looked for in one object share both. */
type Keys = ReadonlyArray<Key | null>

const keyIndex = (length: number, first: number): number => (length << 5) | (first & 31)

const keysOf = (...names: ReadonlyArray<keyof typeof slots>): Keys => {
  const keys = new Array<Key | null>((longestKey + 1) << 5).fill(null)
  for (const text of names) {
    const name = bytesOf(text)
    keys[keyIndex(name.length, name[0]!)] = { name, slot: slots[text] }
  }
  return keys
}

const eventKeys = keysOf("eventName", "user", "time", "value", "metadata", "statsigMetadata")
const bodyKeys = keysOf("events", "user", "clientTime", "statsigMetadata")

const userID = bytesOf("userID")
const email = bytesOf("email")
const custom = bytesOf("custom")
const customIDs = bytesOf("customIDs")

/** Longer than any integer that a double holds, and never as large as infinity. */
const maxNumberLength = 25

/** Room for the events of the largest batch that an SDK sends by default. */
const roomAtFirst = 2_000

/**
 * Reads bytes without making anything of them. Its methods take where something should start and return where it ends, or `failed`, which is
 * outside of the bytes, so that whatever goes on from there fails as well.
 */
class Scanner {
  private bytes: Uint8Array = new Uint8Array(0)
  private fields = new Int32Array(roomAtFirst * stride)
  private rest = new Int32Array(0)
  private maxEvents = 0
  private count = 0
  private isStrict = true
  private isAscii = true
  /** Where the last key ended: its closing quote. */
  private keyEnd = 0
  /** Where the last object or array ended. */
  private end = 0
  /** Where the value of the last `privateAttributes` started; 0 when there was none. */
  private privateAt = 0

  scan(bytes: Uint8Array, maxEvents: number, maxNesting: number): Outline | null {
    this.bytes = bytes
    this.maxEvents = maxEvents
    this.count = 0
    this.isStrict = true
    this.isAscii = true
    this.rest = new Int32Array(stride)
    const end = this.body(this.space(0), maxNesting)
    if (end === failed || this.space(end) !== bytes.length) return null
    const { count, fields, rest, isStrict, isAscii } = this
    return { events: count, fields, rest, isStrict, isAscii }
  }

  private body(start: number, depth: number): number {
    const { bytes, rest } = this
    if (depth === 0) return failed
    let at = this.first(start, openBrace)
    while (at > closed) {
      const from = this.member(at)
      const slot = this.slotOf(bodyKeys, at + 1)
      const to = slot === slots.events ? this.events(from, depth - 1) : this.skip(from, depth - 1)
      if (slot !== noSlot) {
        if (rest[slot] !== 0) return failed
        rest[slot] = from
        rest[slot + 1] = to
      }
      at = this.next(to)
    }
    const ofUser = rest[slots.user]!
    // A user that is no object serves no event, and is not kept.
    const isFine = this.count > 0 && (ofUser === 0 || bytes[ofUser] === openBrace)
    return at === closed && isFine ? this.end : failed
  }

  private events(start: number, depth: number): number {
    const { bytes, rest } = this
    if (depth === 0 || bytes[start] !== openBracket) return failed
    let at = this.space(start + 1)
    for (;;) {
      if (this.count === this.maxEvents) return failed
      const base = this.count * stride
      if (base === this.fields.length) this.grow()
      this.count += 1
      const end = this.event(at, depth - 1, base)
      if (base === 0) {
        rest[slots.first] = at
        rest[slots.first + 1] = end
      }
      at = this.space(end)
      if (bytes[at] === closeBracket) return at + 1
      if (bytes[at] !== comma) return failed
      at = this.space(at + 1)
    }
  }

  private event(start: number, depth: number, base: number): number {
    const { fields } = this
    if (depth === 0) return failed
    for (let slot = 0; slot < stride; slot++) fields[base + slot] = 0
    let at = this.first(start, openBrace)
    while (at > closed) {
      const from = this.member(at)
      const slot = this.slotOf(eventKeys, at + 1)
      const to = slot === slots.user ? this.user(from, depth - 1, base) : this.skip(from, depth - 1)
      if (slot !== noSlot) {
        if (fields[base + slot] !== 0) return failed
        fields[base + slot] = from
        fields[base + slot + 1] = to
      }
      at = this.next(to)
    }
    return at === closed && this.isFine(base) ? this.end : failed
  }

  /** What `LenientEvent` accepts, but for rare forms of it; says of `StrictEvent` whether it does, too. `user` is looked at where it stands. */
  private isFine(base: number): boolean {
    const { bytes, fields } = this
    const nameAt = fields[base + slots.eventName]!
    const nameEnd = fields[base + slots.eventName + 1]!
    // Not empty, and written as it is called.
    if (nameEnd - nameAt < 3 || bytes[nameAt] !== quote || this.plainText(nameAt + 1) !== nameEnd - 1)
      return false
    const timeAt = fields[base + slots.time]!
    const timed = timeAt === 0 ? letterN : bytes[timeAt]!
    if (timed === minus || isDigit(timed)) {
      if (this.hasPoint(timeAt, fields[base + slots.time + 1]!)) this.isStrict = false
    } else if (timed === letterN) this.isStrict = false
    else return false
    const valueAt = fields[base + slots.value]!
    if (valueAt !== 0) {
      const valued = bytes[valueAt]!
      if (valued === openBrace || valued === openBracket) return false
      if (valued === letterT || valued === letterF || valued === letterN) this.isStrict = false
    }
    if (fields[base + slots.user] === 0) this.isStrict = false
    return this.isMap(fields[base + slots.metadata]!, fields[base + slots.metadata + 1]!)
  }

  private hasPoint(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.bytes[at] === point) return true
    return false
  }

  /** An object; for SDKs also `null` and PHP's `[]`. */
  private isMap(from: number, to: number): boolean {
    const byte = this.bytes[from]
    if (from === 0 || byte === openBrace) return true
    this.isStrict = false
    return byte === letterN || (byte === openBracket && to - from === 2)
  }

  private user(start: number, depth: number, base: number): number {
    const { bytes, fields } = this
    if (bytes[start] !== openBrace) {
      const end = this.skip(start, depth)
      return this.isMap(start, end) ? end : failed
    }
    if (depth === 0) return failed
    this.privateAt = 0
    let at = this.first(start, openBrace)
    while (at > closed) {
      const from = this.member(at)
      const { keyEnd } = this
      const isPrivate = this.privateAt === from
      const to = this.skip(from, depth - 1)
      const kind = bytes[from]
      if (this.isKey(userID, at + 1, keyEnd)) {
        if (fields[base + slots.userID] !== 0) return failed
        fields[base + slots.userID] = from
        fields[base + slots.userID + 1] = to
        if (kind !== quote) this.isStrict = false
      } else if (isPrivate) {
        fields[base + slots.privateAttributes] = from
        fields[base + slots.privateAttributes + 1] = to
      } else if (this.isKey(email, at + 1, keyEnd)) this.isStrict &&= kind === quote
      else if (this.isKey(custom, at + 1, keyEnd)) this.isStrict &&= kind === openBrace
      else if (this.isKey(customIDs, at + 1, keyEnd)) this.isStrict &&= this.isTextMap(from)
      at = this.next(to)
    }
    return at === closed ? this.end : failed
  }

  /** Of a value that has been passed over. */
  private isTextMap(start: number): boolean {
    let at = this.first(start, openBrace)
    while (at > closed) {
      const from = this.member(at)
      if (this.bytes[from] !== quote) return false
      at = this.next(this.skip(from, 0))
    }
    return at === closed
  }

  /** Any value. */
  private skip(start: number, depth: number): number {
    const { bytes } = this
    switch (bytes[start]) {
      case quote:
        return this.text(start + 1)
      case openBrace: {
        if (depth === 0) return failed
        let at = this.first(start, openBrace)
        while (at > closed) at = this.next(this.skip(this.member(at), depth - 1))
        return at === closed ? this.end : failed
      }
      case openBracket: {
        if (depth === 0) return failed
        let at = this.space(start + 1)
        if (bytes[at] === closeBracket) return at + 1
        for (;;) {
          at = this.space(this.skip(at, depth - 1))
          if (bytes[at] === closeBracket) return at + 1
          if (bytes[at] !== comma) return failed
          at = this.space(at + 1)
        }
      }
      case letterT:
        return this.literal(literals.true, start)
      case letterF:
        return this.literal(literals.false, start)
      case letterN:
        return this.literal(literals.null, start)
      default:
        return this.number(start)
    }
  }

  /** The quote of an object's first key, or `closed`. */
  private first(start: number, bracket: number): number {
    if (this.bytes[start] !== bracket) return failed
    const at = this.space(start + 1)
    if (this.bytes[at] === quote) return at
    if (this.bytes[at] !== closeBrace) return failed
    this.end = at + 1
    return closed
  }

  /** The quote of the key after a value, or `closed`. */
  private next(valueEnd: number): number {
    const { bytes } = this
    const at = this.space(valueEnd)
    if (bytes[at] === comma) {
      const key = this.space(at + 1)
      return bytes[key] === quote ? key : failed
    }
    if (bytes[at] !== closeBrace) return failed
    this.end = at + 1
    return closed
  }

  /** From a key's quote to where its value starts. */
  private member(at: number): number {
    const { bytes } = this
    const keyEnd = this.plainText(at + 1)
    this.keyEnd = keyEnd
    const after = this.space(keyEnd + 1)
    if (keyEnd === failed || bytes[after] !== colon) return failed
    const from = this.space(after + 1)
    if (keyEnd - at === privateName.length + 1 && this.isKey(privateName, at + 1, keyEnd)) {
      if (bytes[from] !== letterN) return failed
      this.privateAt = from
    }
    return from
  }

  private slotOf(keys: Keys, start: number): number {
    const { bytes, keyEnd } = this
    const length = keyEnd - start
    if (length < 1 || length > longestKey) return noSlot
    const key = keys[keyIndex(length, bytes[start]!)]!
    return key !== null && this.isKey(key.name, start, keyEnd) ? key.slot : noSlot
  }

  private isKey(name: Uint8Array, start: number, end: number): boolean {
    if (end - start !== name.length) return false
    const { bytes } = this
    for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false
    return true
  }

  /** To the closing quote of a string without escapes. */
  private plainText(start: number): number {
    const { bytes } = this
    let at = start
    for (;;) {
      while (plain[bytes[at]!] === 1) at++
      const byte = bytes[at]!
      if (byte === quote) return at
      if (!(byte >= 0x80)) return failed
      this.isAscii = false
      at++
    }
  }

  /** To behind the closing quote of any string. */
  private text(start: number): number {
    const { bytes } = this
    let at = start
    for (;;) {
      while (plain[bytes[at]!] === 1) at++
      const byte = bytes[at]!
      if (byte === quote) return at + 1
      if (byte === backslash) {
        at = this.escape(at + 1)
        if (at === failed) return failed
      } else if (byte >= 0x80) {
        this.isAscii = false
        at++
      } else return failed
    }
  }

  private escape(at: number): number {
    const { bytes } = this
    if (bytes[at] !== letterU) return escapes[bytes[at]!] === 1 ? at + 1 : failed
    for (let digit = at + 1; digit <= at + 4; digit++) if (hexDigits[bytes[digit]!] !== 1) return failed
    return at + 5
  }

  private number(start: number): number {
    const { bytes } = this
    let at = bytes[start] === minus ? start + 1 : start
    const whole = at
    while (isDigit(bytes[at]!)) at++
    if (at === whole || (bytes[whole] === 0x30 && at > whole + 1)) return failed
    if (bytes[at] === point) {
      const fraction = at + 1
      at = fraction
      while (isDigit(bytes[at]!)) at++
      if (at === fraction) return failed
    }
    return (bytes[at]! | 0x20) === 0x65 || at - start > maxNumberLength ? failed : at
  }

  private literal(name: Uint8Array, start: number): number {
    const end = start + name.length
    return this.isKey(name, start, end) ? end : failed
  }

  private space(start: number): number {
    return this.bytes[start]! > 0x20 ? start : this.spaces(start)
  }

  private spaces(start: number): number {
    let at = start
    while (isSpace(this.bytes[at]!)) at++
    return at
  }

  private grow(): void {
    const larger = new Int32Array(this.fields.length * 2)
    larger.set(this.fields)
    this.fields = larger
  }
}

const scanner = new Scanner()

/**
 * The outline of a body, `null` when it has none. Its `fields` are used again for the next one: who keeps them has to copy them.
 *
 * @param bytes decompressed; in place of anything that is not ASCII there may be any bytes of 128 and more
 */
export const read = (bytes: Uint8Array, maxEvents: number, maxNesting: number): Outline | null =>
  scanner.scan(bytes, maxEvents, maxNesting)

/** Of any text, with places in UTF-16 units instead of bytes. */
export const readText = (text: string, maxEvents: number, maxNesting: number): Outline | null => {
  const bytes = new Uint8Array(text.length)
  for (let at = 0; at < bytes.length; at++) bytes[at] = Math.min(text.charCodeAt(at), 0x80)
  return read(bytes, maxEvents, maxNesting)
}

/** The value of a slot of {@link Outline.rest} or of an event's fields, `undefined` when there is none. */
export const valueAt = (bytes: Uint8Array, spans: Int32Array, slot: number): Json | undefined =>
  spans[slot] === 0 ? undefined : parse(Utf8.decode(bytes.subarray(spans[slot], spans[slot + 1])).text)

/** The same of {@link readText}. */
export const valueIn = (text: string, spans: Int32Array, slot: number): Json | undefined =>
  spans[slot] === 0 ? undefined : parse(text.slice(spans[slot], spans[slot + 1]))
