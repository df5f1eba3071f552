/**
 * A body of JSON before anything is made of it: whether it is JSON, how much there is of what costs
 * time, and where its parts stand.
 *
 * In come the bytes of a body, whatever they are. Out come places: of the members of the body, of
 * the events in its lists, and of `NaN` and its like. It goes through the bytes once, without
 * recursion, and can stop after any number of tokens, so that a large body is surveyed in slices.
 */
import { type Slice, type Slices, sliceBytes } from "../base/slices.ts"
import { mostOfBody, mostOfEvent, neverCostly } from "./costs.ts"
import {
  backslash,
  bytesOf,
  closeBrace,
  closeBracket,
  colon,
  comma,
  failed,
  isSpace,
  letterU,
  markLength,
  openBrace,
  openBracket,
  plain,
  quote,
  type Span,
} from "./jsonBytes.ts"
import { anyNumberEnd, bareNumberEnd, escapes, hexDigits, literalEnd } from "./jsonTokens.ts"
import { keyHash } from "./keyHash.ts"

/** Where the events of a list stand. */
export interface EventList {
  /** How many there are, also beyond what is let in: the places of those are not kept. */
  readonly count: number
  readonly items: ReadonlyArray<Span>
  /** Places in the list of those that are too much for one event. */
  readonly costly: ReadonlySet<number>
}

/** A member of the body itself. Its key is as it is written, without quotes. */
export interface Part extends Span {
  readonly keyFrom: number
  readonly keyTo: number
  /** Its events, when it is a list that may be one of events. */
  readonly list: EventList | null
}

export interface Survey {
  /**
   * - `json`: it is JSON, but for {@link Survey.bareNumbers}.
   * - `none`: it is not.
   * - `tooDeep`: arrays and objects stand in one another deeper than they may. What comes behind
   *   was not looked at.
   * - `tooMuch`: of {@link Survey.values} or {@link Survey.keys}, more than a body may have. What
   *   comes behind was not looked at.
   */
  readonly outcome: "json" | "none" | "tooDeep" | "tooMuch"
  /**
   * Where `NaN`, `Infinity` and `-Infinity` begin where a value may stand. They count as values.
   */
  readonly bareNumbers: ReadonlyArray<number>
  readonly isAscii: boolean
  /** Where the body's only value begins. */
  readonly start: number
  /** The members of the body, when it is an object. */
  readonly parts: ReadonlyArray<Part>
  /** The items of the body, when it is an array. */
  readonly list: EventList | null
  /** The most items of a list that may be one of events. */
  readonly events: number
  /** Scalars, arrays and objects. */
  readonly values: number
  /** Different keys, or a few less. */
  readonly keys: number
  /**
   * Whether what stands beside the lists, or the body itself when it has none, is too much for one
   * event.
   */
  readonly isCostly: boolean
}

/** A power of two, twice the different keys that a body may have. */
const slots = 2 ** 17

const listNames = ["events", "data"].map(bytesOf)

/**
 * What may come next: a value, one or the end of an array, a key or the end of an object, a key,
 * what follows a key, what follows a value; or the rest of a text.
 */
const expecting = { value: 0, item: 1, member: 2, key: 3, colon: 4, next: 5, text: 6 } as const

type Growing<A> = A extends ReadonlyArray<infer B> ? Array<B> : A extends ReadonlySet<infer B> ? Set<B> : A

interface GrowingList {
  count: number
  readonly items: Growing<EventList["items"]>
  readonly costly: Growing<EventList["costly"]>
}

class Surveyor {
  private readonly bytes: Uint8Array
  private readonly maxEvents: number
  /** What closes the objects and arrays that are open, by their depth. */
  private readonly closing: Uint8Array
  private at: number
  private expected: number = expecting.value
  private depth = 0
  private textFrom = 0
  private isKey = false
  private isTextWhole = false
  private outcome: Survey["outcome"] = "json"
  private readonly bareNumbers: Array<number> = []
  private isAscii = true
  private start = 0
  private readonly parts: Array<Part> = []
  private rootList: GrowingList | null = null
  private events = 0
  private values = 0
  private keys = 0
  /** The last event that each key was met in; 0 of one that was not. */
  private readonly met: Int32Array | null
  private event = 1
  private lastEvent = 1
  private keysOfEvent = 0
  private keysBeside = 0
  /** It has a number that nobody reads in good time. */
  private isEventCostly = false
  private isBesideCostly = false
  /** The list that is open. */
  private list: GrowingList | null = null
  /** How deep its items stand; 0 outside of one. */
  private listed = 0
  private listedValues = 0
  private itemFrom = 0
  private itemValues = 0
  private keyFrom = 0
  private keyTo = 0
  private partFrom = 0

  constructor(bytes: Uint8Array, nesting: number, maxEvents: number) {
    this.bytes = bytes
    this.maxEvents = maxEvents
    this.closing = new Uint8Array(nesting + 1)
    this.met = bytes.length > neverCostly ? new Int32Array(slots) : null
    this.at = markLength(bytes)
  }

  /** Goes on for about so many bytes. Says whether it is at its end. */
  advance(most: number): boolean {
    const { bytes, closing } = this
    const until = this.at + most
    let { at, expected, depth } = this
    while (at < until) {
      if (expected === expecting.text) {
        at = this.textEnd(at, until)
        if (at === failed) return this.end("none")
        if (!this.isTextWhole) continue
        if (this.isKey) {
          if (this.met !== null) this.countKey(this.met, this.textFrom, at - 1)
          if (depth === 1) {
            this.keyFrom = this.textFrom
            this.keyTo = at - 1
          }
          expected = expecting.colon
        } else {
          if (depth <= 2) this.ended(depth, at)
          expected = expecting.next
        }
        continue
      }
      while (at < until && isSpace(bytes[at]!)) at++
      if (at === until) continue
      const byte = bytes[at]
      if (expected === expecting.next) {
        if (depth === 0) return this.end(byte === undefined ? "json" : "none")
        if (byte === comma) {
          expected = closing[depth] === closeBrace ? expecting.key : expecting.value
          at += 1
          continue
        }
        if (byte !== closing[depth]) return this.end("none")
        at += 1
        depth -= 1
        if (depth <= 2) this.ended(depth, at)
        continue
      }
      if (expected === expecting.colon) {
        if (byte !== colon) return this.end("none")
        at += 1
        expected = expecting.value
        continue
      }
      if (byte === closing[depth] && (expected === expecting.item || expected === expecting.member)) {
        expected = expecting.next
        at += 1
        depth -= 1
        if (depth <= 2) this.ended(depth, at)
        continue
      }
      this.isKey = expected === expecting.key || expected === expecting.member
      if (this.isKey && byte !== quote) return this.end("none")
      if (!this.isKey) {
        this.values += 1
        if (depth <= 2) this.begun(depth, at)
      }
      if (byte === quote) {
        at += 1
        this.textFrom = at
        expected = expecting.text
      } else if (byte === openBrace || byte === openBracket) {
        depth += 1
        if (depth === closing.length) return this.end("tooDeep")
        closing[depth] = byte === openBrace ? closeBrace : closeBracket
        expected = byte === openBrace ? expecting.member : expecting.item
        at += 1
      } else {
        at = this.scalarEnd(at)
        if (at === failed) return this.end("none")
        if (depth <= 2) this.ended(depth, at)
        expected = expecting.next
      }
    }
    this.at = at
    this.expected = expected
    this.depth = depth
    return this.isTooMuch && this.end("tooMuch")
  }

  survey(): Survey {
    const { outcome, bareNumbers, isAscii, start, parts, rootList, events, values, keys } = this
    const isCostly = values - this.listedValues > mostOfEvent.values || this.keysOfEvent > mostOfEvent.keys
    return { outcome, bareNumbers, isAscii, start, parts, list: rootList, events, values, keys, isCostly }
  }

  private end(outcome: Survey["outcome"]): true {
    this.outcome = outcome === "json" && this.isTooMuch ? "tooMuch" : outcome
    return true
  }

  private get isTooMuch(): boolean {
    return this.values > mostOfBody.values || this.keys > mostOfBody.keys
  }

  /** Behind the closing quote, or where it stops to go on later. */
  private textEnd(start: number, until: number): number {
    const { bytes } = this
    let at = start
    this.isTextWhole = false
    while (at < until) {
      while (at < until && plain[bytes[at]!] === 1) at++
      if (at >= until) break
      const byte = bytes[at]!
      if (byte === quote) {
        this.isTextWhole = true
        return at + 1
      }
      if (byte >= 0x80) {
        this.isAscii = false
        at += 1
        continue
      }
      if (byte !== backslash) return failed
      at += 2
      const escaped = bytes[at - 1]!
      if (escaped === letterU) {
        for (const end = at + 4; at < end; at++) if (hexDigits[bytes[at]!] !== 1) return failed
      } else if (escapes[escaped] !== 1) return failed
    }
    return at
  }

  /** Behind a number or a literal. */
  private scalarEnd(start: number): number {
    const { bytes } = this
    let end = anyNumberEnd(bytes, start)
    if (end - start > neverCostly) this.isEventCostly = true
    if (end === failed) end = literalEnd(bytes, start)
    if (end !== failed) return end
    end = bareNumberEnd(bytes, start)
    if (end !== failed) this.bareNumbers.push(start)
    return end
  }

  /** A value begins, and so many arrays and objects are open. */
  private begun(depth: number, at: number): void {
    const { bytes } = this
    if (depth === 0) {
      this.start = at
      if (bytes[at] === openBracket) this.rootList = this.open(1)
      return
    }
    if (depth === this.listed) {
      this.itemFrom = at
      this.itemValues = this.values - 1
      this.event = ++this.lastEvent
      this.keysOfEvent = 0
      this.isEventCostly = false
    } else if (depth === 1) {
      this.partFrom = at
      if (bytes[at] === openBracket && this.isListName()) this.list = this.open(2)
    }
  }

  private ended(depth: number, at: number): void {
    if (depth === this.listed && depth > 0) this.itemEnded(this.list!, at)
    else if (depth === 1) {
      const { keyFrom, keyTo, partFrom: from, list } = this
      // More of them are too much anyway.
      if (this.parts.length <= mostOfEvent.values) this.parts.push({ keyFrom, keyTo, from, to: at, list })
      this.close()
    } else if (depth === 0) this.close()
  }

  private open(listed: number): GrowingList {
    this.list = { count: 0, items: [], costly: new Set() }
    this.listed = listed
    this.keysBeside = this.keysOfEvent
    this.isBesideCostly = this.isEventCostly
    return this.list
  }

  /** What stands beside the lists counts as one event, the first. */
  private close(): void {
    if (this.list === null) return
    this.list = null
    this.listed = 0
    this.event = 1
    this.keysOfEvent = this.keysBeside
    this.isEventCostly = this.isBesideCostly
  }

  private itemEnded(list: GrowingList, at: number): void {
    const values = this.values - this.itemValues
    this.listedValues += values
    const isCostly = this.isEventCostly || values > mostOfEvent.values || this.keysOfEvent > mostOfEvent.keys
    if (list.count < this.maxEvents) {
      if (isCostly) list.costly.add(list.count)
      list.items.push({ from: this.itemFrom, to: at })
    }
    list.count += 1
    this.events = Math.max(this.events, list.count)
  }

  /**
   * Whether the key of the body that was read last may name a list of events: one that is written
   * with escapes may.
   */
  private isListName(): boolean {
    const { keyFrom, keyTo } = this
    const key = this.bytes.subarray(keyFrom, keyTo)
    return (
      key.includes(backslash) ||
      listNames.some((name) => name.length === key.length && name.every((byte, at) => byte === key[at]))
    )
  }

  private countKey(met: Int32Array, from: number, to: number): void {
    const slot = keyHash(this.bytes, from, to) & (slots - 1)
    const last = met[slot]!
    if (last === this.event) return
    met[slot] = this.event
    if (last === 0) this.keys += 1
    this.keysOfEvent += 1
  }
}

/** @param step bytes after which it asks whether the slice is full */
export function* surveyInSlices(
  bytes: Uint8Array,
  nesting: number,
  maxEvents: number,
  slice: Slice,
  step: number = sliceBytes / 4,
): Slices<Survey> {
  const surveyor = new Surveyor(bytes, nesting, maxEvents)
  do {
    if (slice.isFull(step)) yield
  } while (!surveyor.advance(step))
  return surveyor.survey()
}

export const survey = (bytes: Uint8Array, nesting: number, maxEvents: number): Survey => {
  const surveyor = new Surveyor(bytes, nesting, maxEvents)
  surveyor.advance(Number.POSITIVE_INFINITY)
  return surveyor.survey()
}
