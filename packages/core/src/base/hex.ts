const pairs: ReadonlyArray<string> = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, "0"),
)

/** Lower-case hex digits, two a byte. */
export const hex = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += pairs[byte]!
  return text
}
