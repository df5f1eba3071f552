import { shown } from "./escape.ts"
import { when } from "./times.ts"

/** A part of a sentence that is not its own words: something quoted, a time, a link. */
export type Word =
  | string
  | { readonly code: string }
  | { readonly strong: string }
  | { readonly at: number; readonly text?: string }
  | { readonly href: string; readonly text: string }

/** A sentence made for the page by a plain function; the page draws it, and tests read it. */
export type Said = ReadonlyArray<Word>

/** The same as plain text. */
export const textOf = (said: Said, now: number): string =>
  said
    .map((word) => {
      if (typeof word === "string") return word
      if ("code" in word) return shown(word.code)
      if ("strong" in word) return word.strong
      return "at" in word ? (word.text ?? when(word.at, now)) : word.text
    })
    .join("")
