/**
 * PostgreSQL's text holds every character but NUL, and no half of a surrogate pair: those are
 * written as this control character and four hex digits, and so is the character itself. All other
 * texts stay as they are, to be read in psql.
 */
const mark = "\u001a"

const unstorable = new RegExp(`[\\0${mark}]|\\p{Surrogate}`, "gu")
const written = new RegExp(`${mark}([0-9a-f]{4})`, "g")

export const toText = (text: string): string =>
  text.replace(unstorable, (found) => mark + found.charCodeAt(0).toString(16).padStart(4, "0"))

export const fromText = (text: string): string =>
  text.includes(mark)
    ? text.replace(written, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text

export const toTextOrNull = (text: string | null): string | null => (text === null ? null : toText(text))

export const fromTextOrNull = (text: string | null): string | null => (text === null ? null : fromText(text))

/** The order of code units: the same on every machine, and that of the other stores. */
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
