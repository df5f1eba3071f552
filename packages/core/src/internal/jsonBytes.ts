export const quote = 0x22
export const comma = 0x2c
export const minus = 0x2d
export const point = 0x2e
export const zero = 0x30
export const colon = 0x3a
export const openBracket = 0x5b
export const backslash = 0x5c
export const closeBracket = 0x5d
export const letterF = 0x66
export const letterN = 0x6e
export const letterT = 0x74
export const letterU = 0x75
export const openBrace = 0x7b
export const closeBrace = 0x7d

/** Where something ends that is not there: outside of the bytes, so that whatever goes on from there fails as well. */
export const failed = -1

/** Of ASCII. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0))

/** Of their own: a `Buffer`'s `slice` would keep all that it is a part of in memory. */
export const copyOf = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  new Uint8Array(bytes.subarray(from, to))

/** 1 for each byte that stands for itself in a string, and is ASCII. */
export const plain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== quote && byte !== backslash ? 1 : 0,
)

/** At the closing quote of a string without escapes; `failed` when it is another. Whoever reads is told when the string is not ASCII. */
export const plainTextEnd = (bytes: Uint8Array, start: number, reader: { isAscii: boolean }): number => {
  let at = start
  for (;;) {
    while (plain[bytes[at]!] === 1) at++
    const byte = bytes[at]!
    if (byte === quote) return at
    if (!(byte >= 0x80)) return failed
    reader.isAscii = false
    at++
  }
}

export const isDigit = (byte: number): boolean => byte >= zero && byte <= 0x39

export const isSpace = (byte: number): boolean =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

/** Longer than any integer that a double holds, and never as large as infinity. */
const maxNumberLength = 25

/** Behind a number without an exponent; `failed` when there is none, or a long one. */
export const numberEnd = (bytes: Uint8Array, start: number): number => {
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
  return (bytes[at]! | 0x20) === 0x65 || at - start > maxNumberLength ? failed : at
}
