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

export const encode = (text: string): Uint8Array => encoder.encode(text)

/** Whether a text takes more than `maxBytes`. Looks at no more of it than that. */
export const isLonger = (text: string, maxBytes: number): boolean =>
  text.length > maxBytes ||
  (text.length * 3 > maxBytes && encoder.encodeInto(text, new Uint8Array(maxBytes)).read < text.length)

/**
 * The longest beginning of a text that fits into `maxBytes` without splitting a character.
 *
 * It is a text of its own: V8's `slice` would keep the whole of it in memory for as long as its beginning is kept.
 */
export const cut = (text: string, maxBytes: number): string => {
  if (text.length * 3 <= maxBytes) return text
  const bytes = new Uint8Array(maxBytes)
  const { read, written } = encoder.encodeInto(text, bytes)
  return read === text.length ? text : own.decode(bytes.subarray(0, written))
}
