/** Characters: the beginning of a message says what it is about. */
const maxPattern = 200

/** Characters that are looked at: what stands behind them says no more of the cause. */
const maxLooked = 600

const masked = "…"

/** The status belongs to the cause; it is the only number that does. */
const answered = /^answered \d{3}\b/

const hasDigit = /\p{N}/u

const quoted = /"[^"]*"|“[^”]*”|`[^`]*`|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu

/** In JSON quotation marks stand around everything: what is quoted is in their escaped ones. */
const quotedInJson = /\\"[^"\\]*\\"|(?<![\p{L}\p{N}])'[^']*'(?![\p{L}\p{N}])/gu

const isJson = (text: string): boolean => /^[:\s]*[[{]/.test(text)

/** Takes out what differs between two messages of one cause. Each part reads the text once. */
const maskOnce = (text: string): string => {
  const [prefix = ""] = answered.exec(text) ?? []
  const said = text.slice(prefix.length)
  const rest = said
    .replace(isJson(said) ? quotedInJson : quoted, masked)
    .replace(/[\p{L}\p{N}_-]+/gu, (word) => (hasDigit.test(word) ? masked : word))
    // "1.5", "a-1:b-2" and "…, …" are one thing that differs.
    .replace(/…(?:[.:,/@+\s]*…)+/g, masked)
    .replace(/\s+/g, " ")
  return `${prefix}${rest}`.slice(0, maxPattern).trimEnd()
}

/**
 * What the messages of one cause have in common: quoted text and all words with digits are masked.
 * The pattern of a pattern is itself, and none is longer than 200 characters.
 */
export const patternOf = (message: string): string => {
  let text = message.slice(0, maxLooked)
  // What is cut off can complete a quotation that was none. Each round leaves less.
  for (;;) {
    const next = maskOnce(text)
    if (next === text) return text
    text = next
  }
}
