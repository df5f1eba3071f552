/**
 * Characters that change how a line is read without being seen: control characters, marks and
 * overrides of direction, separators of lines and paragraphs, the byte order mark, and halves of
 * pairs.
 */
const unseen = /[\p{Cc}\u061C\u200E\u200F\u2028\u2029\u202A-\u202E\u2066-\u2069\uFEFF]|\p{Cs}/gu

const escaped = (character: string): string => {
  if (character === "\n") return "\\n"
  if (character === "\t") return "\\t"
  if (character === "\r") return "\\r"
  return `\\u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`
}

/**
 * A value that others have chosen (an event, a user, a reply, a key's name) as it is shown: what
 * cannot be seen is written out, so that it reads as what it is. It becomes a text node, never
 * markup.
 */
export const shown = (text: string): string => text.replace(unseen, escaped)
