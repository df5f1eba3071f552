import type { Source } from "./ByteWriter.ts"
import {
  behindText,
  closeBrace,
  closeBracket,
  colon,
  copyOf,
  failed,
  isDigit,
  isSpace,
  minus,
  numberEnd,
  openBrace,
  openBracket,
  plainTextEnd,
  quote,
} from "./jsonBytes.ts"

/**
 * What comes behind the bytes that a step asks for: the inside of a string, a number, or nothing
 * any more.
 */
type Gap = "text" | "number" | "end"

/** A step through an event: bytes that have to be there, and what may be anything. */
interface Step {
  readonly bytes: Uint8Array
  /** The same four by four, as far as they go. */
  readonly words: Int32Array
  readonly isAscii: boolean
  readonly gap: Gap
  /** What may come behind the gap, what came last in front. */
  readonly next: Array<Step>
  /** Only the gap that ends an event has it. */
  readonly end: End | null
}

interface End {
  /** How deep the event is nested. */
  readonly nesting: number
  /**
   * For each number of its fields: behind which gap it stands ({@link Shapes.ends}), and how far.
   */
  readonly gaps: Uint8Array
  readonly distances: Int32Array
}

interface Gaps {
  readonly steps: ReadonlyArray<{ readonly from: number; readonly to: number; readonly gap: Gap }>
  readonly nesting: number
}

/**
 * What is remembered at most: far more than the events of a site differ, and less than one body may
 * have. With what surrounds them the steps take a MiB.
 *
 * An event is remembered only when it is one that SDKs send: not when it is longer than
 * `eventBytes`, or has more than `ownBytes` beside its values, which would be compared again and
 * again. And one that is compared in vain with more than `misses` steps is read as if nothing were
 * remembered.
 */
const most = {
  steps: 4096,
  bytes: 256 * 1024,
  gaps: 200,
  alternatives: 16,
  eventBytes: 64 * 1024,
  ownBytes: 4096,
  misses: 256,
}

/**
 * Learning takes longer than reading once more: as many events at first, later one for so many that
 * were recognized.
 *
 * Whoever comes later is learned as well, or a sender whose events are all different could use up
 * what there is for the life of the process: one in `perUnknown` of the events that were not
 * recognized is looked at, and learned once it was seen twice, in place of what was not recognized
 * for the longest time. Events that are all different are never seen twice.
 */
const learning = { atFirst: 64, perRecognized: 1 / 8, perUnknown: 32, seen: 1024 }

/** {@link Shapes.ends} of what stands nowhere, and of what stands before the first gap. */
const nowhere = 0
const atStart = 1

/** What nobody asks of numbers that are only passed over. */
const unread = { hasOddNumbers: false }

/**
 * The gaps of an event that is known to be JSON: strings and numbers that are values. `null` of one
 * that is not to be remembered.
 */
const gapsOf = (bytes: Uint8Array, start: number, end: number): Gaps | null => {
  if (end - start > most.eventBytes) return null
  let own = 0
  const steps: Array<Gaps["steps"][number]> = []
  let depth = 0
  let nesting = 0
  let from = start
  for (let at = start; at < end; ) {
    if (steps.length === most.gaps || own + at - from > most.ownBytes) return null
    const byte = bytes[at]!
    if (byte === quote) {
      const behind = behindText(bytes, at)
      let next = behind
      while (isSpace(bytes[next]!)) next++
      if (bytes[next] !== colon) {
        steps.push({ from, to: at + 1, gap: "text" })
        own += at + 1 - from
        from = behind - 1
      }
      at = behind
    } else if (byte === minus || isDigit(byte)) {
      steps.push({ from, to: at, gap: "number" })
      own += at - from
      at = numberEnd(bytes, at, unread)
      from = at
    } else {
      if (byte === openBrace || byte === openBracket) nesting = Math.max(nesting, ++depth)
      else if (byte === closeBrace || byte === closeBracket) depth -= 1
      at += 1
    }
  }
  return { steps: [...steps, { from, to: end, gap: "end" }], nesting }
}

/** Hashes all that is not a value: the same for events that look alike. FNV-1a, 32 bits. */
const hashOf = (bytes: Uint8Array, { steps }: Gaps): number => {
  let hash = 0x811c9dc5
  for (const { from, to } of steps) {
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    // As no byte: the end of a piece.
    hash = Math.imul(hash ^ 0x100, 0x01000193)
  }
  return hash
}

const wordsOf = (bytes: Uint8Array): Int32Array => {
  const view = new DataView(bytes.buffer)
  return Int32Array.from({ length: bytes.length >> 2 }, (_, word) => view.getInt32(word * 4, true))
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, index) => byte === other[index])

/**
 * What events look like but for their values. An SDK writes all of its events alike: one that looks
 * like another needs no second look at its keys and signs, which are two thirds of it, and compared
 * four bytes at a time.
 *
 * It recognizes what it has learned, and nothing else: whoever does not find an event here reads it
 * as if there were no such thing.
 */
export class Shapes {
  private first: Array<Step> = []
  private steps = 0
  private bytes = 0
  private credit: number = learning.atFirst
  private unknown = 0
  /** Hashes of events that were looked at, each at its place. */
  private readonly seen = new Int32Array(learning.seen)
  private misses = 0
  /** Where each gap of the event at hand ends, behind {@link nowhere} and {@link atStart}. */
  private readonly ends = new Int32Array(most.gaps + 2)
  /** Whether the last event recognized was ASCII. */
  isAscii = true
  /** Whether it had a number that a double may not give back as it is written. */
  hasOddNumbers = false

  /**
   * Where an event ends that looks like one learned, and where its fields stand; `failed` when it
   * does not.
   *
   * @param depth how deep it may be nested
   */
  recognize({ bytes, view }: Source, start: number, depth: number, fields: Int32Array, base: number): number {
    const { ends } = this
    let candidates = this.first
    let at = start
    let gap: number = atStart
    this.misses = 0
    this.isAscii = true
    this.hasOddNumbers = false
    ends[atStart] = start
    for (;;) {
      const step = this.find(candidates, bytes, view, at)
      if (step === null) return failed
      at += step.bytes.length
      if (!step.isAscii) this.isAscii = false
      if (step.end !== null) {
        if (step.end.nesting > depth) return failed
        const { gaps, distances } = step.end
        for (let slot = 0; slot < gaps.length; slot++)
          fields[base + slot] = ends[gaps[slot]!]! + distances[slot]!
        this.credit = Math.min(this.credit + learning.perRecognized, learning.atFirst)
        return at
      }
      at = step.gap === "number" ? numberEnd(bytes, at, this) : plainTextEnd(bytes, at, this)
      if (at === failed) return failed
      gap += 1
      ends[gap] = at
      candidates = step.next
    }
  }

  /** Takes in what an event looks like that has been read, with its fields, `count` of them. */
  learn(
    bytes: Uint8Array,
    start: number,
    end: number,
    fields: Int32Array,
    base: number,
    count: number,
  ): void {
    const isAtOnce = this.credit >= 1
    if (isAtOnce) this.credit -= 1
    else if (++this.unknown % learning.perUnknown !== 0) return
    const found = gapsOf(bytes, start, end)
    if (found === null || (!isAtOnce && !this.isSeenAgain(hashOf(bytes, found)))) return
    const { steps } = found
    if (this.steps + steps.length > most.steps || this.bytes + end - start > most.bytes) this.forget()
    let candidates = this.first
    for (const { from, to, gap } of steps) {
      if (!isAtOnce) this.makeRoom(candidates, bytes.subarray(from, to), gap)
      const step = this.stepAt(candidates, copyOf(bytes, from, to), gap, () =>
        gap === "end" ? this.endOf(found, fields.subarray(base, base + count)) : null,
      )
      if (step === null) return
      candidates = step.next
    }
  }

  private isSeenAgain(hash: number): boolean {
    const place = hash & (learning.seen - 1)
    if (this.seen[place] === hash) return true
    this.seen[place] = hash
    return false
  }

  /**
   * Forgets the alternative that was not recognized for the longest time, where there is no room
   * for one more.
   */
  private makeRoom(candidates: Array<Step>, bytes: Uint8Array, gap: Gap): void {
    if (candidates.length < most.alternatives) return
    if (candidates.some((step) => step.gap === gap && isSame(step.bytes, bytes))) return
    const dropped = [candidates.pop()!]
    for (let step = dropped.pop(); step !== undefined; step = dropped.pop()) {
      this.steps -= 1
      this.bytes -= step.bytes.length
      dropped.push(...step.next)
    }
  }

  private find(candidates: Array<Step>, bytes: Uint8Array, view: DataView, at: number): Step | null {
    for (let index = 0; index < candidates.length; index++) {
      const step = candidates[index]!
      if (!this.isAt(step, bytes, view, at)) {
        if (++this.misses > most.misses) return null
        continue
      }
      // The ones recognized last are the first.
      for (let place = index; place > 0; place--) candidates[place] = candidates[place - 1]!
      candidates[0] = step
      return step
    }
    return null
  }

  private isAt(
    { bytes: expected, words, gap }: Step,
    bytes: Uint8Array,
    view: DataView,
    at: number,
  ): boolean {
    const { length } = expected
    if (at + length > bytes.length) return false
    let from = 0
    for (let word = 0; word < words.length; word++, from += 4) {
      if (view.getInt32(at + from, true) !== words[word]) return false
    }
    for (; from < length; from++) if (bytes[at + from] !== expected[from]) return false
    // A number shows what it is only behind what may stand before a string as well.
    return gap !== "number" || bytes[at + length] === minus || isDigit(bytes[at + length]!)
  }

  private stepAt(candidates: Array<Step>, bytes: Uint8Array, gap: Gap, end: () => End | null): Step | null {
    const known = candidates.find((step) => step.gap === gap && isSame(step.bytes, bytes))
    if (known !== undefined) return known
    if (candidates.length === most.alternatives) return null
    const isAscii = bytes.every((byte) => byte < 0x80)
    const step: Step = { bytes, words: wordsOf(bytes), isAscii, gap, next: [], end: end() }
    candidates.push(step)
    this.steps += 1
    this.bytes += bytes.length
    return step
  }

  private endOf({ steps, nesting }: Gaps, fields: Int32Array): End {
    // Each gap ends where the next step begins.
    const ends = [0, ...steps.map(({ from }) => from)]
    const gaps = Uint8Array.from(fields, (place) =>
      place === 0 ? nowhere : ends.findLastIndex((end, gap) => gap !== nowhere && end <= place),
    )
    const distances = Int32Array.from(fields, (place, slot) => (place === 0 ? 0 : place - ends[gaps[slot]!]!))
    return { nesting, gaps, distances }
  }

  private forget(): void {
    this.first = []
    this.steps = 0
    this.bytes = 0
  }
}
