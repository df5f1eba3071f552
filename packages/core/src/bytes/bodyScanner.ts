/**
 * The room of bytes: JSON as it is written, without parsing it.
 *
 * What comes in are the bytes of a body, and limits; what goes out are places in them, the same
 * bytes without a part, or new ones. Two ways lead through a body, and neither makes objects of it:
 *
 *     the usual body ── bodyScanner ──► outline: where each field of each event stands
 *     any other      ── bodySurvey  ──► survey: where its members and events stand, and what they
 *                                       cost whoever makes something of them
 *
 * `shapeCache` guesses that an event is written like one before it, and `nameCache` that its name
 * is known; `KeySet` finds keys that come twice; `jsonBytes` and `jsonTokens` read the parts of
 * JSON; `Cutter` leaves parts out and `ByteWriter` writes; `costs` has the limits.
 *
 * Rule: each fast path has a plain twin that does the same by `JSON.parse`, and a property test
 * holds the two together (the table in docs/ARCHITECTURE.md). Intake, entries, exports and batches
 * call it, on the way of every event; users of the library never see it.
 * Words: a *span* is where something begins and ends; a *shape* is an event without its values.
 *
 * This file is over 400 lines because reading a body is one pass with one state: its parts would
 * share all of it.
 */
import { maxEventNameBytes } from "../base/Event.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { Json } from "../base/json.ts"
import { parse } from "../base/json.ts"
import { type Slice, type Slices, sliceBytes } from "../base/slices.ts"
import * as Utf8 from "../base/utf8.ts"
import { isTextMapOrNone } from "../base/validate.ts"
import { type Source, sourceOf } from "./ByteWriter.ts"
import { mostOfEvent } from "./costs.ts"
import {
  backslash,
  bytesOf,
  closeBrace,
  closeBracket,
  colon,
  comma,
  failed,
  isDigit,
  isSpace,
  letterF,
  letterN,
  letterT,
  letterU,
  minus,
  numberEnd,
  openBrace,
  openBracket,
  plain,
  plainTextEnd,
  point,
  quote,
} from "./jsonBytes.ts"
import { escapes, hexDigits } from "./jsonTokens.ts"
import { KeySet } from "./KeySet.ts"
import { Shapes } from "./shapeCache.ts"

/**
 * Where the values of a log_event body stand in its bytes. To find that out costs a fraction of
 * `JSON.parse`, and nearly all events are stored and sent on as they were written: nobody needs
 * them as objects.
 *
 * It is for the usual body only: JSON whose events are all fine, without numbers in exponents, keys
 * with escapes, keys given twice in one object, or private attributes. Any other has no outline:
 * then `JSON.parse` and the checks of `validate.ts` say what it is. A property test holds the two
 * together.
 */
export interface Outline {
  readonly events: number
  /**
   * {@link stride} numbers for each event: where a field's value starts at its slot, where it ends
   * in the next; 0 and 0 when it has none.
   */
  readonly fields: Int32Array
  /** The same of the fields beside the events. */
  readonly rest: Int32Array
  /**
   * Every event is fine by the OpenAPI document too, not only with the tolerance for SDKs. Never
   * when nobody asked.
   */
  readonly isStrict: boolean
  /** Every time is one in ms of 2001 or later, as far as its length tells, or none. */
  readonly areTimesUsual: boolean
  /** A number may be one that a double does not give back as it is written. */
  readonly hasOddNumbers: boolean
  /** When not, the bytes are still to be checked for UTF-8. */
  readonly isAscii: boolean
}

export const stride = 22

/** Slots of an event; those of `user` stand within it. */
export const slots = {
  eventName: 0,
  user: 2,
  time: 4,
  value: 6,
  metadata: 8,
  statsigMetadata: 10,
  userID: 12,
  /** Always of `null`: SDKs send it often. */
  privateAttributes: 14,
  // What is only checked.
  email: 16,
  custom: 18,
  customIDs: 20,
} as const

/** {@link stride} of what {@link keep} returns. */
export const keptStride: number = slots.email

/** Slots of {@link Outline.rest}. */
export const restSlots = {
  events: 0,
  user: 2,
  statsigMetadata: 4,
  clientTime: 6,
  /** Within `events`. */
  firstEvent: 8,
} as const

/** As small as it can be: V8 makes larger arrays elsewhere, for ten times the time. */
const restStride = Object.keys(restSlots).length * 2

const literals = { true: bytesOf("true"), false: bytesOf("false"), null: bytesOf("null") }

const privateName = bytesOf("privateAttributes")

interface Key {
  readonly name: Uint8Array
  readonly slot: number
  /** Those that are looked for within its value. */
  readonly inner: Keys | null
}

/** By length and first letter: no two that are looked for in one object share both. */
type Keys = ReadonlyArray<Key | null>

const keyIndex = (length: number, first: number): number => (length << 5) | (first & 31)

const keysOf = (slots: Readonly<Record<string, number>>, user: Keys | null = null): Keys => {
  const keys = new Array<Key | null>(keyIndex(privateName.length + 1, 0)).fill(null)
  for (const [text, slot] of Object.entries(slots)) {
    const name = bytesOf(text)
    keys[keyIndex(name.length, name[0]!)] = { name, slot, inner: text === "user" ? user : null }
  }
  return keys
}

const { userID, email, custom, customIDs, privateAttributes, ...ofEvent } = slots
const { firstEvent, ...ofBody } = restSlots
const userKeys = keysOf({ userID, email, custom, customIDs, privateAttributes })
const eventKeys = keysOf(ofEvent, userKeys)
const bodyKeys = keysOf(ofBody)

/** With its quotes. */
const longestName = maxEventNameBytes + 2

/** Digits of a time from September 2001 on, in ms and in seconds. */
const millisDigits = 13
const secondsDigits = 10

/**
 * Items of arrays that an event may have without being counted by others: half of what is let in.
 * More keys than {@link KeySet} has room for are not usual either.
 */
const usualItems = mostOfEvent.values / 2

/**
 * Bytes of a text in which there may be escapes: each takes several times as long as the bytes that
 * it is written in.
 */
const longestEscaped = 1024 * 1024

/** Room for the events of the largest batch that an SDK sends by default. */
const roomAtFirst = 2_000

/**
 * Reads bytes without making anything of them. Its methods take where something should start and
 * return where it ends, or `failed`, which is outside of the bytes, so that whatever goes on from
 * there fails as well.
 */
class Scanner {
  private bytes: Uint8Array = new Uint8Array(0)
  private fields = new Int32Array(roomAtFirst * stride)
  private rest = new Int32Array(0)
  private maxEvents = 0
  private nesting = 0
  /** Where it goes on; `failed` when the body has no outline. */
  private at = failed
  private isInEvents = false
  private count = 0
  /** Items of arrays in the event at hand. */
  private items = 0
  private isStrict = true
  private areTimesUsual = true
  isAscii = true
  hasOddNumbers = false
  private readonly bodyKeysSeen = new KeySet()
  /** Keys of the event at hand, or of what stands beside the events. */
  private readonly keysSeen = new KeySet()
  private source: Source = sourceOf(this.bytes)
  private readonly shapes: Shapes | null

  constructor(shapes: Shapes | null) {
    this.shapes = shapes
  }

  /** Another body begins. */
  begin(bytes: Uint8Array, { events, nesting, strictly }: Limits): void {
    this.bytes = bytes
    this.source = sourceOf(bytes)
    this.maxEvents = events
    this.nesting = nesting
    this.count = 0
    this.items = 0
    this.isStrict = strictly
    this.areTimesUsual = true
    this.isAscii = true
    this.hasOddNumbers = false
    this.bodyKeysSeen.clear()
    this.keysSeen.clear()
    this.rest = new Int32Array(restStride)
    this.isInEvents = false
    const start = this.space(0)
    this.at = nesting > 0 && bytes[start] === openBrace ? this.space(start + 1) : failed
  }

  /**
   * Goes on for about so many bytes, and stops between two events. Says whether it has come to the
   * end, or to what has no outline.
   */
  advance(most: number): boolean {
    const until = this.at + most
    while (this.at !== failed) {
      if (!this.isInEvents) this.member()
      if (this.isInEvents) this.events(until)
      if (this.isInEvents && this.at !== failed) return false
      const behind = this.space(this.at)
      if (this.bytes[behind] === closeBrace) {
        this.at = behind + 1
        return true
      }
      this.at = this.bytes[behind] === comma ? this.space(behind + 1) : failed
    }
    return true
  }

  outline(): Outline | null {
    const { bytes, at, count, fields, rest, isStrict, areTimesUsual, isAscii, hasOddNumbers } = this
    if (at === failed || this.space(at) !== bytes.length || count === 0) return null
    // A user that is no object serves no event, and is not kept.
    const user = rest[restSlots.user]!
    return user === 0 || bytes[user] === openBrace
      ? { events: count, fields, rest, isStrict, areTimesUsual, isAscii, hasOddNumbers }
      : null
  }

  /** A member of the body; of its events only their beginning. */
  private member(): void {
    const { bytes, rest, nesting } = this
    const name = this.at + 1
    const nameEnd = bytes[this.at] === quote ? plainTextEnd(bytes, name, this) : failed
    this.at = failed
    if (nameEnd === failed) return
    const length = nameEnd - name
    const behind = this.space(nameEnd + 1)
    if (bytes[behind] !== colon) return
    const from = this.space(behind + 1)
    if (length === privateName.length && this.isAt(privateName, name) && bytes[from] !== letterN) return
    const key = length > privateName.length ? null : bodyKeys[keyIndex(length, bytes[name]!)]!
    if (key === null || key.name.length !== length || !this.isAt(key.name, name)) {
      if (this.bodyKeysSeen.add(bytes, 0, name, length)) this.at = this.value(from, nesting - 1)
      return
    }
    if (rest[key.slot] !== 0) return
    rest[key.slot] = from
    if (key.slot === restSlots.events) {
      if (nesting === 1 || bytes[from] !== openBracket) return
      this.isInEvents = true
      this.at = this.space(from + 1)
    } else {
      this.at = this.value(from, nesting - 1)
      rest[key.slot + 1] = this.at
    }
  }

  /** Events up to a place, or to their end. */
  private events(until: number): void {
    const { bytes, rest } = this
    const depth = this.nesting - 2
    let { at } = this
    this.at = failed
    while (at < until) {
      if (this.count === this.maxEvents) return
      const base = this.count * stride
      if (base === this.fields.length) this.grow()
      const end = this.event(at, depth, base)
      if (end === failed) return
      if (base === 0) {
        rest[firstEvent] = at
        rest[firstEvent + 1] = end
      }
      this.count += 1
      at = this.space(end)
      if (bytes[at] === closeBracket) {
        this.isInEvents = false
        rest[restSlots.events + 1] = at + 1
        this.at = at + 1
        return
      }
      if (bytes[at] !== comma) return
      at = this.space(at + 1)
    }
    this.at = at
  }

  /** Any value. */
  private value(start: number, depth: number): number {
    switch (this.bytes[start]) {
      case quote:
        return this.text(start + 1)
      case openBrace:
        return this.object(start, depth, null, this.rest, 0)
      case openBracket:
        return this.array(start, depth)
      case letterT:
        return this.literal(literals.true, start)
      case letterF:
        return this.literal(literals.false, start)
      case letterN:
        return this.literal(literals.null, start)
      default:
        return numberEnd(this.bytes, start, this)
    }
  }

  /**
   * An object whose values are noted where somebody asks for them. Most of a body is in objects,
   * and a call for each of their signs would take half of the time.
   */
  private object(start: number, depth: number, keys: Keys | null, spans: Int32Array, base: number): number {
    const { bytes } = this
    if (depth === 0 || bytes[start] !== openBrace) return failed
    let at = start + 1
    if (!(bytes[at]! > 0x20)) at = this.space(at)
    if (bytes[at] === closeBrace) return at + 1
    for (;;) {
      if (bytes[at] !== quote) return failed
      const name = at + 1
      at = name
      while (plain[bytes[at]!] === 1) at++
      if (bytes[at] !== quote) at = plainTextEnd(bytes, at, this)
      const length = at - name
      at += 1
      if (!(bytes[at]! > 0x20)) at = this.space(at)
      if (bytes[at] !== colon) return failed
      at += 1
      if (!(bytes[at]! > 0x20)) at = this.space(at)

      const from = at
      const isPrivate = length === privateName.length && this.isAt(privateName, name)
      if (isPrivate && bytes[from] !== letterN) return failed
      const key = keys === null || length > privateName.length ? null : keys[keyIndex(length, bytes[name]!)]!
      if (key === null || key.name.length !== length || !this.isAt(key.name, name)) {
        if (!this.keysSeen.add(bytes, start, name, length)) return failed
        at = bytes[from] === quote ? this.text(from + 1) : this.value(from, depth - 1)
      } else {
        if (spans[base + key.slot] !== 0) return failed
        if (key.inner !== null && bytes[from] === openBrace) {
          at = this.object(from, depth - 1, key.inner, spans, base)
        } else if (keys === eventKeys && key.slot === slots.eventName && bytes[from] === quote) {
          // Without escapes: as it is written it is called.
          at = plainTextEnd(bytes, from + 1, this)
          if (at === failed) return failed
          at += 1
        } else at = this.value(from, depth - 1)
        spans[base + key.slot] = from
        spans[base + key.slot + 1] = at
      }

      if (!(bytes[at]! > 0x20)) at = this.space(at)
      if (bytes[at] === closeBrace) return at + 1
      if (bytes[at] !== comma) return failed
      at += 1
      if (!(bytes[at]! > 0x20)) at = this.space(at)
    }
  }

  private array(start: number, depth: number): number {
    const { bytes } = this
    if (depth === 0) return failed
    let at = this.space(start + 1)
    if (bytes[at] === closeBracket) return at + 1
    for (;;) {
      if (++this.items > usualItems) return failed
      at = this.space(this.value(at, depth - 1))
      if (bytes[at] === closeBracket) return at + 1
      if (bytes[at] !== comma) return failed
      at = this.space(at + 1)
    }
  }

  private event(start: number, depth: number, base: number): number {
    const { bytes, fields, shapes, source } = this
    const known = shapes === null ? failed : shapes.recognize(source, start, depth, fields, base)
    if (known !== failed) {
      this.isAscii &&= shapes!.isAscii
      this.hasOddNumbers ||= shapes!.hasOddNumbers
      return this.isFine(base) ? known : failed
    }
    for (let slot = 0; slot < stride; slot++) fields[base + slot] = 0
    this.keysSeen.forget(start)
    this.items = 0
    const end = this.object(start, depth, eventKeys, fields, base)
    if (end === failed || !this.isFine(base)) return failed
    shapes?.learn(bytes, start, end, fields, base, stride)
    return end
  }

  /** What `LenientEvent` accepts, but for rare forms of it. Notes what `StrictEvent` does not. */
  private isFine(base: number): boolean {
    const { bytes, fields } = this
    const name = fields[base + slots.eventName]!
    const nameEnd = fields[base + slots.eventName + 1]!
    if (nameEnd - name < 3 || nameEnd - name > longestName || bytes[name] !== quote) return false
    const time = fields[base + slots.time]!
    if (time === 0 || bytes[time] === letterN) this.isStrict = false
    else if (bytes[time] !== minus && !isDigit(bytes[time]!)) return false
    else {
      const timeEnd = fields[base + slots.time + 1]!
      this.isStrict &&= !this.hasPoint(time, timeEnd)
      this.areTimesUsual &&= this.isInMillis(time, timeEnd)
    }
    const value = fields[base + slots.value]!
    if (value !== 0 && (bytes[value] === openBrace || bytes[value] === openBracket)) return false
    if (!this.isMap(base + slots.user) || !this.isMap(base + slots.metadata)) return false
    this.isStrict &&= this.isStrictlyFine(base)
    return true
  }

  /** An object; for SDKs also `null` and the `[]` that PHP writes, or none. */
  private isMap(slot: number): boolean {
    const from = this.fields[slot]!
    const byte = this.bytes[from]
    if (from === 0 || byte === openBrace) return true
    this.isStrict = false
    return byte === letterN || (byte === openBracket && this.fields[slot + 1]! - from === 2)
  }

  private isStrictlyFine(base: number): boolean {
    const { bytes, fields } = this
    const value = bytes[fields[base + slots.value]!]!
    return (
      fields[base + slots.user] !== 0 &&
      value !== letterT &&
      value !== letterF &&
      value !== letterN &&
      this.isNoneOr(quote, base + slots.userID) &&
      this.isNoneOr(quote, base + slots.email) &&
      this.isNoneOr(openBrace, base + slots.custom) &&
      this.isNoneOr(openBrace, base + slots.customIDs) &&
      isTextMapOrNone(valueAt(bytes, fields, base + slots.customIDs))
    )
  }

  private isNoneOr(first: number, slot: number): boolean {
    const from = this.fields[slot]!
    return from === 0 || this.bytes[from] === first
  }

  /**
   * Thirteen digits before the point: told by the length, since one of seconds with decimals has
   * its point elsewhere.
   */
  private isInMillis(start: number, end: number): boolean {
    const { bytes } = this
    const behind = start + millisDigits
    return end === behind ? bytes[start + secondsDigits] !== point : end > behind && bytes[behind] === point
  }

  private hasPoint(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.bytes[at] === point) return true
    return false
  }

  private isAt(name: Uint8Array, start: number): boolean {
    const { bytes } = this
    for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name[at]) return false
    return true
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
        at = at - start > longestEscaped ? failed : this.escape(at + 1)
        if (at === failed) return failed
      } else if (byte >= 0x80) {
        this.isAscii = false
        while (bytes[at]! >= 0x80) at++
      } else return failed
    }
  }

  private escape(at: number): number {
    const { bytes } = this
    if (bytes[at] !== letterU) return escapes[bytes[at]!] === 1 ? at + 1 : failed
    for (let digit = at + 1; digit <= at + 4; digit++) if (hexDigits[bytes[digit]!] !== 1) return failed
    return at + 5
  }

  private literal(name: Uint8Array, start: number): number {
    return this.isAt(name, start) ? start + name.length : failed
  }

  private space(start: number): number {
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

/** What a body may be like. */
export interface Limits {
  readonly events: number
  readonly nesting: number
  /** Whether to look for what the OpenAPI document does not allow. */
  readonly strictly: boolean
}

/** @param shapes remembers what events look like; `null` to do without, which only takes longer */
export const makeRead = (shapes: Shapes | null): ((bytes: Uint8Array, limits: Limits) => Outline | null) => {
  const scanner = new Scanner(shapes)
  return (bytes, limits) => {
    scanner.begin(bytes, limits)
    scanner.advance(Number.POSITIVE_INFINITY)
    return scanner.outline()
  }
}

/**
 * Bytes of a body that is outlined in one go: a few milliseconds, and far more than what an SDK
 * sends.
 */
export const inOneGo = 1024 * 1024

const shapes = new Shapes()

/**
 * The outline of a body (decompressed), `null` when it has none. In place of anything that is not
 * ASCII there may be any bytes of 128 and more. Its `fields` are used again for the next one: who
 * keeps them has to copy them.
 */
export const read = makeRead(shapes)

/**
 * The same in slices, each of them some events. Its `fields` are its own, since other bodies are
 * read in between.
 *
 * @param step bytes after which it asks whether the slice is full
 */
export function* readInSlices(
  bytes: Uint8Array,
  limits: Limits,
  slice: Slice,
  step: number = sliceBytes / 4,
): Slices<Outline | null> {
  const scanner = new Scanner(shapes)
  scanner.begin(bytes, limits)
  do {
    if (slice.isFull(step)) yield
  } while (!scanner.advance(step))
  return scanner.outline()
}

/** The fields of all events, but for those that are only checked: not used again, and smaller. */
export const keep = ({ events, fields }: Outline): Int32Array => {
  const kept = new Int32Array(events * keptStride)
  for (let to = 0, from = 0; to < kept.length; from += stride - keptStride) {
    for (const end = to + keptStride; to < end; to++, from++) kept[to] = fields[from]!
  }
  return kept
}

const textAt = (bytes: Uint8Array, spans: Int32Array, slot: number): string =>
  Utf8.decode(bytes.subarray(spans[slot], spans[slot + 1])).text

/**
 * The value of a slot of {@link Outline.rest} or of an event's fields, `undefined` when there is
 * none.
 */
export const valueAt = (bytes: Uint8Array, spans: Int32Array, slot: number): Json | undefined =>
  spans[slot] === 0 ? undefined : parse(textAt(bytes, spans, slot))

/** The same with its numbers as they are written. */
export const exactAt = (bytes: Uint8Array, spans: Int32Array, slot: number): Json | undefined =>
  spans[slot] === 0 ? undefined : ExactJson.parse(textAt(bytes, spans, slot))
