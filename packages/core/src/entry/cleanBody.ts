import {
  asciiIn,
  backslash,
  behindSpace,
  behindText,
  behindValue,
  bytesOf,
  closeBrace,
  closeBracket,
  comma,
  isDigit,
  itemsOf,
  letterE,
  letterN,
  markLength,
  membersOf,
  minus,
  openBrace,
  openBracket,
  quote,
  type Span,
  textIn,
} from "../bytes/jsonBytes.ts"
import type { Form } from "./bodyForms.ts"

/** What is left out, and what stands in its place. */
interface Cut {
  readonly from: number
  readonly to: number
  readonly by: "" | "null"
}

/** An object's key and value, and where they are cut off: behind what stands before. */
interface Part {
  readonly lead: number
  readonly start: number
  readonly keyEnd: number
  readonly from: number
  readonly to: number
}

/** How a body keeps its events, and which of them go. */
export interface Cleaning {
  readonly form: Form
  /** Places in the list of events; none in a single event. */
  readonly without: ReadonlyArray<number>
}

const privateName = "privateAttributes"

/** Whole numbers of so many digits are finite, also times ten to the power of two digits. */
const longestFinite = 200

/** `e99` */
const shortExponent = 3

/** A letter as an escape takes six bytes. */
const longestEscape = 6

/** Compared one by one up to here: for more, or with escapes, a map is faster. */
const fewKeys = 8

/** Finds what has to leave a body of JSON that is known to be JSON, in UTF-8. */
class Cleaner {
  readonly cuts: Array<Cut> = []
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Behind a value. */
  value(at: number): number {
    switch (this.bytes[at]) {
      case quote:
        return behindText(this.bytes, at)
      case openBrace:
        return this.object(at)
      case openBracket:
        return this.array(at)
      default:
        return this.scalar(at)
    }
  }

  private array(start: number): number {
    const { bytes } = this
    let at = behindSpace(bytes, start + 1)
    while (bytes[at] !== closeBracket) {
      at = behindSpace(bytes, this.value(at))
      if (bytes[at] === comma) at = behindSpace(bytes, at + 1)
    }
    return at + 1
  }

  /** @param isShared whether what stands in it is shared by all events of the body */
  object(start: number, isShared = false): number {
    const { bytes } = this
    const parts: Array<Part> = []
    let at = behindSpace(bytes, start + 1)
    let lead = at
    while (bytes[at] !== closeBrace) {
      const keyEnd = behindText(bytes, at)
      const from = behindSpace(bytes, behindSpace(bytes, keyEnd) + 1)
      const to = this.value(from)
      parts.push({ lead, start: at, keyEnd, from, to })
      lead = to
      at = behindSpace(bytes, to)
      if (bytes[at] === comma) at = behindSpace(bytes, at + 1)
    }
    const gone = this.goneOf(parts, isShared)
    if (gone !== null) this.cutParts(parts, (index) => gone.has(index))
    return at + 1
  }

  /** Places of private attributes, and of keys that come again: the last of them counts, as it does for `JSON.parse`. */
  private goneOf(parts: ReadonlyArray<Part>, isShared: boolean): Set<number> | null {
    let gone: Set<number> | null = null
    const isPlain = parts.length <= fewKeys && !parts.some((part) => this.isEscaped(part))
    const last = isPlain ? null : new Map<string, number>()
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!
      const earlier = last === null ? this.sameBefore(parts, index) : this.sameIn(last, part, index)
      if (earlier !== undefined) {
        gone ??= new Set()
        gone.add(earlier)
      }
      if (this.isPrivate(part) || (isShared && this.isNoUser(part))) {
        gone ??= new Set()
        gone.add(index)
      }
    }
    return gone
  }

  private sameIn(last: Map<string, number>, part: Part, index: number): number | undefined {
    const key = this.keyOf(part)
    const earlier = last.get(key)
    last.set(key, index)
    return earlier
  }

  private sameBefore(parts: ReadonlyArray<Part>, index: number): number | undefined {
    for (let earlier = index - 1; earlier >= 0; earlier--) {
      if (this.isSameKey(parts[earlier]!, parts[index]!)) return earlier
    }
    return undefined
  }

  /** Of keys without escapes. */
  private isSameKey(one: Part, other: Part): boolean {
    const { bytes } = this
    const length = one.keyEnd - one.start
    if (length !== other.keyEnd - other.start) return false
    let at = 0
    while (at < length && bytes[one.start + at] === bytes[other.start + at]) at++
    return at === length
  }

  private isEscaped({ start, keyEnd }: Part): boolean {
    return this.bytes.subarray(start, keyEnd).includes(backslash)
  }

  private isPrivate(part: Part): boolean {
    const { bytes } = this
    const length = part.keyEnd - part.start - 2
    if (length < privateName.length || length > privateName.length * longestEscape) return false
    // SDKs send it as `null` often, which gives nothing away.
    return this.keyOf(part) === privateName && !(bytes[part.from] === letterN && !this.isEscaped(part))
  }

  /** A request-level user that is no object serves no event; as text it could hold anything. */
  private isNoUser(part: Part): boolean {
    return this.bytes[part.from] !== openBrace && this.keyOf(part) === "user"
  }

  private keyOf({ start, keyEnd }: Part): string {
    return textIn(this.bytes, start, keyEnd)
  }

  private scalar(start: number): number {
    const { bytes } = this
    const to = behindValue(bytes, start)
    const isNumber = bytes[start] === minus || isDigit(bytes[start]!)
    if (isNumber && this.isInfinite(start, to)) this.cuts.push({ from: start, to, by: "null" })
    return to
  }

  /** A receiver that reads numbers into doubles would refuse its whole batch. */
  private isInfinite(from: number, to: number): boolean {
    const { bytes } = this
    let exponent = to
    for (let at = from; at < to && exponent === to; at++) if ((bytes[at]! | 0x20) === letterE) exponent = at
    const isSurelyFinite = exponent - from <= longestFinite && to - exponent <= shortExponent
    return !isSurelyFinite && !Number.isFinite(Number(asciiIn(bytes, from, to)))
  }

  /** Cuts parts of one object or list, with a comma each. */
  cutParts(
    parts: ReadonlyArray<{ readonly lead: number; readonly start: number; readonly to: number }>,
    isGone: (index: number) => boolean,
  ): void {
    let isFirst = true
    for (const [index, { lead, start, to }] of parts.entries()) {
      if (isGone(index)) this.cuts.push({ from: lead, to, by: "" })
      else {
        if (isFirst && lead < start) this.cuts.push({ from: lead, to: start, by: "" })
        isFirst = false
      }
    }
  }
}

const startOf = (bytes: Uint8Array): number => behindSpace(bytes, markLength(bytes))

/** Where the events of a body of JSON stand that is known to be JSON. */
export const eventsOf = (bytes: Uint8Array, form: Form): ReadonlyArray<Span> => {
  const start = startOf(bytes)
  if (form === "array") return itemsOf(bytes, start)
  if (form === "single") return [{ from: start, to: bytes.length }]
  return itemsOf(bytes, membersOf(bytes, start).findLast(({ key }) => key === form)!.from)
}

/** Where the values beside the events stand, by their keys. */
export const restOf = (bytes: Uint8Array): ReadonlyMap<string, Span> => {
  const start = startOf(bytes)
  return new Map(bytes[start] === openBrace ? membersOf(bytes, start).map((one) => [one.key, one]) : [])
}

const written = { "": bytesOf(""), null: bytesOf("null") }

/** The bytes without what was cut. A cut may lie within another. */
const cutBytes = (bytes: Uint8Array, cuts: Array<Cut>): Uint8Array => {
  cuts.sort((one, other) => one.from - other.from || other.to - one.to || one.by.length - other.by.length)
  const pieces: Array<Uint8Array> = []
  let kept = 0
  for (const { from, to, by } of cuts) {
    if (from < kept) continue
    pieces.push(bytes.subarray(kept, from), written[by])
    kept = to
  }
  pieces.push(bytes.subarray(kept))
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/**
 * A body of JSON that is known to be JSON, in UTF-8, without what must not be kept or sent: private attributes at any depth, events that were refused, all but
 * the last of a key's values, numbers that are infinite, a byte order mark, and a request-level user that is no object. What is left stands there as it came,
 * byte for byte; the same bytes when nothing has to go.
 */
export const clean = (bytes: Uint8Array, { form, without }: Cleaning): Uint8Array => {
  const cleaner = new Cleaner(bytes)
  const mark = markLength(bytes)
  if (mark > 0) cleaner.cuts.push({ from: 0, to: mark, by: "" })
  const start = startOf(bytes)
  if (bytes[start] === openBrace) cleaner.object(start, form === "events" || form === "data")
  else cleaner.value(start)
  if (without.length > 0) {
    const gone = new Set(without)
    cleaner.cutParts(withLeads(eventsOf(bytes, form)), (index) => gone.has(index))
  }
  return cleaner.cuts.length === 0 ? bytes : cutBytes(bytes, cleaner.cuts)
}

const withLeads = (
  items: ReadonlyArray<Span>,
): ReadonlyArray<{ readonly lead: number; readonly start: number; readonly to: number }> =>
  items.map(({ from, to }, index) => ({ lead: index === 0 ? from : items[index - 1]!.to, start: from, to }))
