/** Control characters that JSON lets through too, and those that turn a terminal's line around. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/**
 * Makes what senders and receivers have written fit for a terminal: on one line, and without
 * anything that could command it.
 */
export const printable = (text: string): string =>
  text.replace(unsafe, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)

const jsonEscape = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`

/**
 * Writes JSON on one line, as safe on a terminal. Nothing is lost, since it is escaped by JSON's
 * own rules.
 */
export const json = (value: unknown): string =>
  JSON.stringify(value).replace(unsafe, (character) => character.split("").map(jsonEscape).join(""))
