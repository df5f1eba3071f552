const encoder = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true })
const lenient = new TextDecoder("utf-8")

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

/** The longest beginning of a text that fits into `maxBytes` without splitting a character. */
export const cut = (text: string, maxBytes: number): string => {
  if (text.length * 3 <= maxBytes) return text
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes))
  return read === text.length ? text : text.slice(0, read)
}
