import {
  backslash,
  bytesOf,
  closeBrace,
  closeBracket,
  colon,
  comma,
  isDigit,
  isSpace,
  letterU,
  markLength,
  minus,
  openBrace,
  openBracket,
  point,
  quote,
  type Span,
  zero,
} from "./jsonBytes.ts"

/** Why bytes are no JSON. */
export interface NotJson {
  /** Where they stop being JSON; their length when all that is wrong is that they end, `null` when nothing is. */
  readonly at: number | null
  /** `NaN`, `Infinity` and `-Infinity` where a value may stand, up to there. They count as values. */
  readonly bareNumbers: ReadonlyArray<Span>
}

const literals = ["true", "false", "null"].map(bytesOf)

/** What Python's `json.dumps` writes for floats that JSON has no number for, and others after it. */
const bare = ["NaN", "Infinity", "-Infinity"].map(bytesOf)

const isIn = (letters: string) => {
  const known = new Set(bytesOf(letters))
  return (byte: number | undefined): boolean => byte !== undefined && known.has(byte)
}
const isEscaped = isIn('"\\/bfnrt')
const isHex = isIn("0123456789abcdefABCDEF")
const isExponent = isIn("eE")
const isSign = isIn("+-")

/** Where the one that stands here ends; `null` when none does. */
const endOfAny = (names: ReadonlyArray<Uint8Array>, bytes: Uint8Array, start: number): number | null => {
  const found = names.find((name) => name.every((byte, index) => bytes[start + index] === byte))
  return found === undefined ? null : start + found.length
}

/** A place, and whether what should end there is whole; otherwise it is the first byte that is wrong. */
interface End {
  readonly at: number
  readonly isWhole: boolean
}

const textEnd = (bytes: Uint8Array, start: number): End => {
  let at = start + 1
  for (;;) {
    const byte = bytes[at]
    if (byte === quote) return { at: at + 1, isWhole: true }
    if (byte === undefined || byte < 0x20) return { at, isWhole: false }
    at += 1
    if (byte !== backslash) continue
    const hexDigits = bytes[at] === letterU ? 4 : 0
    if (hexDigits === 0 && !isEscaped(bytes[at])) return { at, isWhole: false }
    at += 1
    for (const end = at + hexDigits; at < end; at++) if (!isHex(bytes[at])) return { at, isWhole: false }
  }
}

const digitsEnd = (bytes: Uint8Array, start: number): number => {
  let at = start
  while (isDigit(bytes[at]!)) at++
  return at
}

const numberEnd = (bytes: Uint8Array, start: number): End => {
  const whole = bytes[start] === minus ? start + 1 : start
  let at = bytes[whole] === zero ? whole + 1 : digitsEnd(bytes, whole)
  if (at === whole) return { at, isWhole: false }
  if (bytes[at] === point) {
    const fraction = at + 1
    at = digitsEnd(bytes, fraction)
    if (at === fraction) return { at, isWhole: false }
  }
  if (!isExponent(bytes[at])) return { at, isWhole: true }
  const exponent = isSign(bytes[at + 1]) ? at + 2 : at + 1
  at = digitsEnd(bytes, exponent)
  return { at, isWhole: at > exponent }
}

/** Of a value that is no object and no array. */
const scalarEnd = (bytes: Uint8Array, start: number): End => {
  if (bytes[start] === quote) return textEnd(bytes, start)
  const end = endOfAny(literals, bytes, start)
  return end === null ? numberEnd(bytes, start) : { at: end, isWhole: true }
}

/** What may come next: a value, one or the end of an array, a key or the end of an object, a key, or what follows a value. */
type Expected = "value" | "item" | "member" | "key" | "next"

/** Goes once through bytes that `JSON.parse` refuses, to say why. However deep they are nested, it is not. */
export const read = (bytes: Uint8Array): NotJson => {
  const bareNumbers: Array<Span> = []
  /** What closes the objects and arrays that are open. */
  const open: Array<number> = []
  let expected: Expected = "value"
  let at = markLength(bytes)
  for (;;) {
    while (isSpace(bytes[at]!)) at++
    const byte = bytes[at]
    const closing = open.at(-1)
    if (expected === "next") {
      if (byte === undefined && closing === undefined) return { at: null, bareNumbers }
      if (byte === undefined || closing === undefined) return { at, bareNumbers }
      if (byte === closing) open.pop()
      else if (byte === comma) expected = closing === closeBrace ? "key" : "value"
      else return { at, bareNumbers }
      at += 1
      continue
    }
    if ((expected === "member" || expected === "item") && byte === closing) {
      open.pop()
      expected = "next"
      at += 1
      continue
    }
    if (expected === "member" || expected === "key") {
      if (byte !== quote) return { at, bareNumbers }
      const key = textEnd(bytes, at)
      at = key.at
      if (!key.isWhole) return { at, bareNumbers }
      while (isSpace(bytes[at]!)) at++
      if (bytes[at] !== colon) return { at, bareNumbers }
      expected = "value"
      at += 1
      continue
    }
    if (byte === openBrace || byte === openBracket) {
      open.push(byte === openBrace ? closeBrace : closeBracket)
      expected = byte === openBrace ? "member" : "item"
      at += 1
      continue
    }
    const bareEnd = endOfAny(bare, bytes, at)
    if (bareEnd !== null) bareNumbers.push({ from: at, to: bareEnd })
    const end = bareEnd === null ? scalarEnd(bytes, at) : { at: bareEnd, isWhole: true }
    at = end.at
    if (!end.isWhole) return { at, bareNumbers }
    expected = "next"
  }
}

const none = bytesOf("null")

/** The bytes with `null` in place of bare numbers. */
export const withoutBareNumbers = (
  bytes: Uint8Array,
  { bareNumbers }: Pick<NotJson, "bareNumbers">,
): Uint8Array => {
  const longer = bareNumbers.reduce((sum, { from, to }) => sum + none.length - (to - from), 0)
  const without = new Uint8Array(bytes.length + longer)
  let [read, written] = [0, 0]
  for (const { from, to } of bareNumbers) {
    without.set(bytes.subarray(read, from), written)
    written += from - read
    without.set(none, written)
    written += none.length
    read = to
  }
  without.set(bytes.subarray(read), written)
  return without
}
