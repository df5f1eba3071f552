/**
 * Makes what senders have written fit for a message to people: on one line, and without characters
 * that are not seen but change how others are: controls, marks that turn the direction of a line,
 * halves of a pair.
 */

/** They part words, as white space does. */
const blank = /[\s\p{Cc}\p{Zl}\p{Zp}]/u

const invisible = /\p{Cf}/u

const half = /\p{Cs}/u

const visible = (character: string): string => {
  if (blank.test(character)) return " "
  if (invisible.test(character)) return ""
  return half.test(character) ? "\ufffd" : character
}

/** Stands where a text has been cut. */
const cutMark = "…"

/** Stands for a text of which nothing can be seen. */
const nothing = "(blank)"

/** Whether anything of a text can be seen. */
export const isShowable = (text: string): boolean => /[^\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)

/** Writes a character so that a tool shows it as it is, instead of doing what it stands for. */
export type Escape = (character: string) => string

/**
 * A text as it may be shown. Whole characters are kept, and no more than fit.
 *
 * @param most UTF-16 units of what is returned, escapes included
 */
export const plainText = (text: string, most: number, escaped: Escape): string => {
  if (!isShowable(text)) return nothing
  let shown = ""
  /** What is left when the mark of a cut has to fit, too. */
  let fitting = ""
  let isParted = false
  for (const character of text) {
    const next = visible(character)
    // Nothing is gained by many blanks, or by those at either end.
    if (next === " ") isParted = shown !== ""
    if (next === "" || next === " ") continue
    shown += isParted ? ` ${escaped(next)}` : escaped(next)
    isParted = false
    if (shown.length > most) return fitting + cutMark
    if (shown.length <= most - cutMark.length) fitting = shown
  }
  return shown
}
