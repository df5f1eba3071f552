import { bytesOf, failed, isDigit, minus, point, zero } from "./jsonBytes.ts"

const tableOf = (letters: string): Uint8Array => {
  const table = new Uint8Array(256)
  for (const byte of bytesOf(letters)) table[byte] = 1
  return table
}

/** Holds 1 for each byte that may follow a backslash by itself. */
export const escapes = tableOf('"\\/bfnrt')

export const hexDigits = tableOf("0123456789abcdefABCDEF")

const literals = ["true", "false", "null"].map(bytesOf)

/** What Python's `json.dumps`, and others, write for floats that JSON has no number for. */
const bareNumbers = ["NaN", "Infinity", "-Infinity"].map(bytesOf)

const endOfAny = (names: ReadonlyArray<Uint8Array>, bytes: Uint8Array, start: number): number => {
  for (const name of names) {
    let at = 0
    while (at < name.length && bytes[start + at] === name[at]) at++
    if (at === name.length) return start + at
  }
  return failed
}

/** Behind `true`, `false` or `null`; `failed` when none of them stands there. */
export const literalEnd = (bytes: Uint8Array, start: number): number => endOfAny(literals, bytes, start)

/** Behind `NaN` or its like; `failed` when none of them stands there. */
export const bareNumberEnd = (bytes: Uint8Array, start: number): number => endOfAny(bareNumbers, bytes, start)

const digitsEnd = (bytes: Uint8Array, start: number): number => {
  let at = start
  while (isDigit(bytes[at]!)) at++
  return at > start ? at : failed
}

/** Behind any number of JSON; `failed` when none stands there. */
export const anyNumberEnd = (bytes: Uint8Array, start: number): number => {
  const whole = bytes[start] === minus ? start + 1 : start
  let at = bytes[whole] === zero ? whole + 1 : digitsEnd(bytes, whole)
  if (bytes[at] === point) at = digitsEnd(bytes, at + 1)
  if (at === failed || (bytes[at] !== 0x65 && bytes[at] !== 0x45)) return at
  const sign = bytes[at + 1]
  return digitsEnd(bytes, sign === 0x2b || sign === minus ? at + 2 : at + 1)
}
