export const quote = 0x22
export const comma = 0x2c
export const minus = 0x2d
export const point = 0x2e
export const zero = 0x30
export const colon = 0x3a
export const openBracket = 0x5b
export const backslash = 0x5c
export const closeBracket = 0x5d
export const letterE = 0x65
export const letterF = 0x66
export const letterN = 0x6e
export const letterT = 0x74
export const letterU = 0x75
export const openBrace = 0x7b
export const closeBrace = 0x7d

/**
 * Where something ends that is not there: outside of the bytes, so that whatever goes on from there
 * fails as well.
 */
export const failed = -1

/** Bytes of a text that is ASCII. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

/** Copies bytes: a `Buffer`'s `slice` would keep all that it is a part of in memory. */
export const copyOf = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.subarray(from, to))

/** 1 for each byte that stands for itself in a string, and is ASCII. */
export const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== backslash ? 1 : 0,
)

/**
 * At the closing quote of a string without escapes; `failed` when it is another. Whoever reads is
 * told when the string is not ASCII.
 */
export const plainTextEnd = (bytes: Uint8Array, start: number, reader: { isAscii: boolean }): number => {
  let at = start
  for (;;) {
    while (plain[bytes[at]!] === 1) at++
    const byte = bytes[at]!
    if (byte === quote) return at
    if (!(byte >= 0x80)) return failed
    reader.isAscii = false
    while (bytes[at]! >= 0x80) at++
  }
}

/** In bytes. Up to here a loop costs less than a call that looks for the closing quote. */
const longestInLoop = 256

/** Behind the closing quote of a string that is known to have one. */
export const behindText = (bytes: Uint8Array, start: number): number => {
  let at = start + 1
  const until = start + longestInLoop
  while (at < until && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1
  return at < until ? at + 1 : behindLongText(bytes, at)
}

/** The same from within a string, behind what may be an escape. */
const behindLongText = (bytes: Uint8Array, start: number): number => {
  for (let at = bytes.indexOf(quote, start); ; at = bytes.indexOf(quote, at + 1)) {
    let backslashes = at
    while (backslashes > start && bytes[backslashes - 1] === backslash) backslashes--
    // An odd number of them escapes the quote.
    if ((at - backslashes) % 2 === 0) return at + 1
  }
}

const byteOrderMark = [0xef, 0xbb, 0xbf] as const

/** How many bytes of a byte order mark the text begins with: three or none. */
export const markLength = (bytes: Uint8Array): number =>
  byteOrderMark.every((byte, at) => bytes[at] === byte) ? byteOrderMark.length : 0

export const isDigit = (byte: number): boolean => byte >= zero && byte <= 0x39

export const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Longer than any integer that a double holds, and never as large as infinity. */
const maxNumberLength = 25

/** Digits that a double always gives back. */
const surelyExact = 15

/**
 * Whether a double may not give a number's text back: it is long, has a zero at its end or several
 * at its beginning, or is `-0`.
 */
const mayBeOdd = (bytes: Uint8Array, start: number, end: number): boolean => {
  if (end - start > surelyExact) return true
  const isNegative = bytes[start] === minus
  const whole = isNegative ? start + 1 : start
  if (bytes[whole] === zero) return isNegative || (bytes[whole + 1] === point && bytes[whole + 2] === zero)
  if (bytes[end - 1] !== zero) return false
  for (let at = whole; at < end; at++) if (bytes[at] === point) return true
  return false
}

/**
 * Behind a number without an exponent; `failed` when there is none, or a long one. Whoever reads is
 * told when it may be one that a double does not give back as it is written.
 */
export const numberEnd = (bytes: Uint8Array, start: number, reader: { hasOddNumbers: boolean }): number => {
  let at = bytes[start] === minus ? start + 1 : start
  const whole = at
  while (isDigit(bytes[at]!)) at++
  if (at === whole || (bytes[whole] === zero && at > whole + 1)) return failed
  if (bytes[at] === point) {
    const fraction = at + 1
    at = fraction
    while (isDigit(bytes[at]!)) at++
    if (at === fraction) return failed
  }
  if ((bytes[at]! | 0x20) === letterE || at - start > maxNumberLength) return failed
  if (at - start > surelyExact || bytes[at - 1] === zero || bytes[whole] === zero) {
    reader.hasOddNumbers ||= mayBeOdd(bytes, start, at)
  }
  return at
}

export const behindSpace = (bytes: Uint8Array, start: number): number => {
  let at = start
  while (isSpace(bytes[at]!)) at++
  return at
}

/** Behind a value of JSON that is known to be JSON. */
export const behindValue = (bytes: Uint8Array, start: number): number => {
  let depth = 0
  let at = start
  do {
    const byte = bytes[at]!
    if (byte === quote) at = behindText(bytes, at)
    else {
      if (byte === openBrace || byte === openBracket) depth += 1
      else if (byte === closeBrace || byte === closeBracket) depth -= 1
      at += 1
    }
  } while (depth > 0)
  if (bytes[start] === quote || bytes[start] === openBrace || bytes[start] === openBracket) return at
  while (isScalarPart(bytes[at])) at++
  return at
}

/** Whether a number or a literal may go on with it. */
const isScalarPart = (byte: number | undefined): boolean =>
  byte !== undefined && byte !== comma && byte !== closeBrace && byte !== closeBracket && !isSpace(byte)

const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** Text of bytes that are ASCII, and few. */
export const asciiIn = (bytes: Uint8Array, from: number, to: number): string =>
  decoder.decode(bytes.subarray(from, to))

const shortText = 32

/** The text that a string stands for that is written there with its quotes. */
export const textIn = (bytes: Uint8Array, from: number, to: number): string => {
  if (to - from <= shortText) {
    // A decoder takes ten times as long for a short one.
    let text = ""
    let at = from + 1
    while (plain[bytes[at]!] === 1) text += String.fromCharCode(bytes[at++]!)
    if (at === to - 1) return text
  }
  const written = decoder.decode(bytes.subarray(from, to))
  return written.includes("\\") ? (JSON.parse(written) as string) : written.slice(1, -1)
}

/** Where something begins, and where it ends. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A value, and its key. */
export interface Member extends Span {
  readonly key: string
}

/** The members of an object of JSON that is known to be JSON. */
export const membersOf = (bytes: Uint8Array, start: number): ReadonlyArray<Member> => {
  const members: Array<Member> = []
  for (let at = behindSpace(bytes, start + 1); bytes[at] !== closeBrace; ) {
    const key = behindText(bytes, at)
    const from = behindSpace(bytes, behindSpace(bytes, key) + 1)
    const to = behindValue(bytes, from)
    members.push({ key: textIn(bytes, at, key), from, to })
    at = behindSpace(bytes, to)
    if (bytes[at] === comma) at = behindSpace(bytes, at + 1)
  }
  return members
}

/** The items of an array of JSON that is known to be JSON. */
export const itemsOf = (bytes: Uint8Array, start: number): ReadonlyArray<Span> => {
  const items: Array<Span> = []
  for (let from = behindSpace(bytes, start + 1); bytes[from] !== closeBracket; ) {
    const to = behindValue(bytes, from)
    items.push({ from, to })
    from = behindSpace(bytes, to)
    if (bytes[from] === comma) from = behindSpace(bytes, from + 1)
  }
  return items
}
