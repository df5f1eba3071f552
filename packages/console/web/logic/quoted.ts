/**
 * Texts in one line of a form, parted by commas. One that a comma, a blank or a quote would make
 * another of stands in quotes, as JSON has it, so that nothing is lost between a form and a
 * configuration.
 */

/** One text of a line, and whether it stood in quotes. */
export interface Item {
  readonly text: string
  readonly isQuoted: boolean
}

const needsQuotes = /^$|^["\s]|\s$|[,\n\r]/

const quoted = (text: string): string => JSON.stringify(text)

/** @param isMeantOtherwise says of a bare text that it would be read as something else */
export const toItem = (text: string, isMeantOtherwise: (text: string) => boolean = () => false): string =>
  needsQuotes.test(text) || isMeantOtherwise(text) ? quoted(text) : text

export const toLine = (texts: ReadonlyArray<string>): string => texts.map((text) => toItem(text)).join(", ")

/** A JSON string, or whatever else stands before the next comma or the end of a line. */
const item = /\s*(?:("(?:[^"\\]|\\.)*")\s*(?=[,\n\r]|$)|([^,\n\r]*))(?:[,\n\r]+|$)/gy

const unquoted = (text: string): string | null => {
  try {
    return JSON.parse(text) as string
  } catch {
    return null
  }
}

/** Reads a line; empty places are left out. */
export const itemsOf = (line: string): ReadonlyArray<Item> => {
  const items: Array<Item> = []
  for (const [whole, inQuotes, bare] of line.matchAll(item)) {
    if (whole === "") break
    const text = inQuotes === undefined ? null : unquoted(inQuotes)
    if (text !== null) items.push({ text, isQuoted: true })
    else {
      const plain = (inQuotes ?? bare ?? "").trim()
      if (plain !== "") items.push({ text: plain, isQuoted: false })
    }
  }
  return items
}

export const textsOf = (line: string): ReadonlyArray<string> => itemsOf(line).map(({ text }) => text)
