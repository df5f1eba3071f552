import type { Slice, Slices } from "../base/slices.ts"
import type { Part as BodyPart, EventList, Survey } from "../bytes/bodySurvey.ts"
import { type Cut, Cutter } from "../bytes/Cutter.ts"
import {
  asciiIn,
  behindSpace,
  behindText,
  behindValue,
  closeBrace,
  closeBracket,
  comma,
  failed,
  isDigit,
  itemsOf,
  letterE,
  letterN,
  markLength,
  membersOf,
  minus,
  openBrace,
  openBracket,
  plain,
  quote,
  type Span,
  textIn,
} from "../bytes/jsonBytes.ts"
import { keyHash } from "../bytes/keyHash.ts"
import type { Form } from "./bodyForms.ts"

/** An object's key and value, and where they are cut off: behind what stands before. */
interface Part {
  readonly lead: number
  readonly start: number
  readonly keyEnd: number
  /** Whether the key is ASCII without escapes. */
  readonly isPlain: boolean
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

/** Compared one by one up to here: for more a table is faster. */
const fewKeys = 8

/** Behind a key without escapes, ASCII only; `failed` when it is another. */
const plainKeyEnd = (bytes: Uint8Array, start: number): number => {
  let at = start + 1
  while (plain[bytes[at]!] === 1) at++
  return bytes[at] === quote ? at + 1 : failed
}

/** Places of members in their object by the hashes of their keys. Used again for each object. */
let table = new Int32Array(1024)

const nowhere = -1

/** A power of two, twice as many places as there are keys at least. */
const clearTable = (keys: number): number => {
  let size = 64
  while (size < 2 * keys) size *= 2
  if (table.length < size) table = new Int32Array(size)
  table.fill(nowhere, 0, size)
  return size
}

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
      const plainEnd = plainKeyEnd(bytes, at)
      const isPlain = plainEnd !== failed
      const keyEnd = isPlain ? plainEnd : behindText(bytes, at)
      const from = behindSpace(bytes, behindSpace(bytes, keyEnd) + 1)
      const to = this.value(from)
      parts.push({ lead, start: at, keyEnd, isPlain, from, to })
      lead = to
      at = behindSpace(bytes, to)
      if (bytes[at] === comma) at = behindSpace(bytes, at + 1)
    }
    const gone = this.goneOf(parts, isShared)
    if (gone !== null) this.cutParts(parts, (index) => gone.has(index))
    return at + 1
  }

  /**
   * Places of private attributes, and of keys that come again: the last of them counts, as it does
   * for `JSON.parse`.
   */
  goneOf(parts: ReadonlyArray<Part>, isShared: boolean): Set<number> | null {
    const gone = this.doubles(parts)
    let all: Set<number> | null = gone.length === 0 ? null : new Set(gone)
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!
      if (!this.isPrivate(part) && !(isShared && this.isNoUser(part))) continue
      all ??= new Set()
      all.add(index)
    }
    return all
  }

  /** Places of all but the last member of each key. */
  private doubles(parts: ReadonlyArray<Part>): ReadonlyArray<number> {
    if (!parts.every(({ isPlain }) => isPlain)) return this.doublesByText(parts)
    return parts.length <= fewKeys ? this.doublesOfFew(parts) : this.doublesByHash(parts)
  }

  private doublesOfFew(parts: ReadonlyArray<Part>): ReadonlyArray<number> {
    const doubles: Array<number> = []
    for (let index = 1; index < parts.length; index++) {
      let earlier = index - 1
      while (earlier >= 0 && !this.isSameKey(parts[earlier]!, parts[index]!)) earlier--
      if (earlier >= 0) doubles.push(earlier)
    }
    return doubles
  }

  private doublesByHash(parts: ReadonlyArray<Part>): ReadonlyArray<number> {
    const doubles: Array<number> = []
    const mask = clearTable(parts.length) - 1
    for (let index = 0; index < parts.length; index++) {
      const part = parts[index]!
      let place = keyHash(this.bytes, part.start + 1, part.keyEnd - 1) & mask
      while (table[place] !== nowhere && !this.isSameKey(parts[table[place]!]!, part))
        place = (place + 1) & mask
      if (table[place] !== nowhere) doubles.push(table[place]!)
      table[place] = index
    }
    return doubles
  }

  /** A key may be spelled in several ways. */
  private doublesByText(parts: ReadonlyArray<Part>): ReadonlyArray<number> {
    const doubles: Array<number> = []
    const last = new Map<string, number>()
    for (let index = 0; index < parts.length; index++) {
      const key = this.keyOf(parts[index]!)
      const earlier = last.get(key)
      if (earlier !== undefined) doubles.push(earlier)
      last.set(key, index)
    }
    return doubles
  }

  /** Compares keys without escapes. */
  private isSameKey(one: Part, other: Part): boolean {
    const { bytes } = this
    const length = one.keyEnd - one.start
    if (length !== other.keyEnd - other.start) return false
    let at = 0
    while (at < length && bytes[one.start + at] === bytes[other.start + at]) at++
    return at === length
  }

  private isPrivate(part: Part): boolean {
    const { bytes } = this
    const length = part.keyEnd - part.start - 2
    if (length < privateName.length || length > privateName.length * longestEscape) return false
    if (part.isPlain && length > privateName.length) return false
    // SDKs send it as `null` often, which gives nothing away.
    return this.keyOf(part) === privateName && !(bytes[part.from] === letterN && part.isPlain)
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

/** Which member of the body a reader finds under a key; -1 when none. */
export const lastNamed = (bytes: Uint8Array, parts: ReadonlyArray<BodyPart>, name: string): number =>
  parts.findLastIndex(({ keyFrom, keyTo }) => textIn(bytes, keyFrom - 1, keyTo + 1) === name)

/** Where the values beside the events stand, by their keys. */
export const restOf = (bytes: Uint8Array): ReadonlyMap<string, Span> => {
  const start = startOf(bytes)
  return new Map(bytes[start] === openBrace ? membersOf(bytes, start).map((one) => [one.key, one]) : [])
}

const inOrder = (cuts: Array<Cut>): ReadonlyArray<Cut> =>
  cuts.sort((one, other) => one.from - other.from || other.to - one.to || one.by.length - other.by.length)

/**
 * A body of JSON that is known to be JSON, in UTF-8, without what must not be kept or sent: private
 * attributes at any depth, events that were refused, all but the last of a key's values, numbers
 * that are infinite, a byte order mark, and a request-level user that is no object. What is left
 * stands there as it came, byte for byte; the same bytes when nothing has to go.
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
  const cutter = new Cutter(bytes)
  for (const cut of inOrder(cleaner.cuts)) cutter.cut(cut)
  return cutter.whole()
}

/** A member of the body or an event, and where it is cut off. */
interface Piece {
  readonly lead: number
  readonly start: number
  readonly to: number
}

const withLeads = (items: ReadonlyArray<Span>): ReadonlyArray<Piece> =>
  items.map(({ from, to }, index) => ({ lead: index === 0 ? from : items[index - 1]!.to, start: from, to }))

/** {@link clean}, one event after the other. */
export function* cleanInSlices(
  bytes: Uint8Array,
  { start, parts, list }: Survey,
  { form, without }: Cleaning,
  slice: Slice,
): Slices<Uint8Array> {
  const cutter = new Cutter(bytes)
  const mark = markLength(bytes)
  if (mark > 0) cutter.cut({ from: 0, to: mark, by: "" })

  function* value(from: number, to: number): Slices<void> {
    if (slice.isFull(to - from)) yield
    const cleaner = new Cleaner(bytes)
    cleaner.value(from)
    for (const cut of inOrder(cleaner.cuts)) cutter.cut(cut)
  }

  function* pieces(
    all: ReadonlyArray<Piece>,
    gone: ReadonlySet<number> | null,
    within: (index: number) => Slices<void>,
  ): Slices<void> {
    let isFirst = true
    for (const [index, { lead, start, to }] of all.entries()) {
      if (gone?.has(index) === true) cutter.cut({ from: lead, to, by: "" })
      else {
        if (isFirst && lead < start) cutter.cut({ from: lead, to: start, by: "" })
        isFirst = false
        yield* within(index)
      }
    }
  }

  const events = ({ items }: EventList): Slices<void> =>
    pieces(withLeads(items), new Set(without), (index) => value(items[index]!.from, items[index]!.to))

  if (form === "single") yield* value(start, bytes.length)
  else if (form === "array") yield* events(list!)
  else {
    const members = withLeads(parts.map(({ keyFrom, to }) => ({ from: keyFrom - 1, to }))).map(
      (piece, index): Part => ({
        ...piece,
        keyEnd: parts[index]!.keyTo + 1,
        isPlain: plainKeyEnd(bytes, piece.start) !== failed,
        from: parts[index]!.from,
      }),
    )
    const gone = new Cleaner(bytes).goneOf(members, true)
    const last = lastNamed(bytes, parts, form)
    yield* pieces(members, gone, (index) =>
      index === last ? events(parts[index]!.list!) : value(members[index]!.from, members[index]!.to),
    )
  }
  return cutter.whole()
}
