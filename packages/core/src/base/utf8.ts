import { type Slice, type Slices, sliceBytes } from "./slices.ts"

const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true })
const lenient = new TextDecoder("utf-8")
const own = new TextDecoder("utf-8", { ignoreBOM: true })

export interface Decoded {
  /** Without a BOM; U+FFFD stands for each invalid sequence. */
  readonly text: string
  readonly isUtf8: boolean
}

export const decode = (bytes: Uint8Array): Decoded => {
  try {
    return { text: strict.decode(bytes), isUtf8: true }
  } catch {
    return { text: lenient.decode(bytes), isUtf8: false }
  }
}

export const isValid = (bytes: Uint8Array): boolean => decode(bytes).isUtf8

/** Bytes that are decoded at a time. */
const step = sliceBytes / 4

/**
 * Gives each part of a text to `use`, in slices. Whether bytes are UTF-8 shows only when it throws,
 * or does not.
 */
function* decodeInSlices(
  bytes: Uint8Array,
  decoder: TextDecoder,
  slice: Slice,
  use: (text: string) => void,
): Slices<void> {
  for (let from = 0; from < bytes.length; from += step) {
    if (slice.isFull(step)) yield
    use(decoder.decode(bytes.subarray(from, from + step), { stream: true }))
  }
  use(decoder.decode())
}

export function* isValidInSlices(bytes: Uint8Array, slice: Slice): Slices<boolean> {
  try {
    yield* decodeInSlices(bytes, new TextDecoder("utf-8", { fatal: true }), slice, () => {})
    return true
  } catch {
    return false
  }
}

/** What {@link decode} makes of bytes, in UTF-8 again. */
export function* mendInSlices(bytes: Uint8Array, slice: Slice): Slices<Uint8Array> {
  const parts: Array<Uint8Array> = []
  yield* decodeInSlices(bytes, new TextDecoder("utf-8"), slice, (text) => parts.push(encoder.encode(text)))
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const encode = (text: string): Uint8Array => encoder.encode(text)

/** Whether a text takes more than `maxBytes`. Looks at no more of it than that. */
export const isLonger = (text: string, maxBytes: number): boolean =>
  text.length > maxBytes ||
  (text.length * 3 > maxBytes && encoder.encodeInto(text, new Uint8Array(maxBytes)).read < text.length)

/**
 * The longest beginning of a text that fits into `maxBytes` without splitting a character.
 *
 * It is a text of its own: V8's `slice` would keep the whole of it in memory for as long as its
 * beginning is kept.
 */
export const cut = (text: string, maxBytes: number): string => {
  if (text.length * 3 <= maxBytes) return text
  const bytes = new Uint8Array(maxBytes)
  const { read, written } = encoder.encodeInto(text, bytes)
  return read === text.length ? text : own.decode(bytes.subarray(0, written))
}
