import { describe, expect, it } from "vitest"
import { documents, proseOf } from "./markdown.ts"

/** How fragments begin that were thought in another language. */
const fragment = /^(?:Of|What of|So many)\b/

/** What sells, and says nothing. */
const selling =
  /\b(?:simply|easily|easy|effortless|seamless(?:ly)?|powerful|blazing(?:ly)?|robust|cutting-edge|world-class|leverage|elegant(?:ly)?)\b/i

/** Sentences of paragraphs, of points and of cells. */
const sentencesOf = (document: string): ReadonlyArray<string> =>
  proseOf(document)
    .replace(/^#.*$/gm, "\n")
    .replace(/^\s*(?:[-*]|\d+\.) /gm, "\n")
    .split(/(?<=[.!?])\s+|\n{2,}|\|/)
    .map((sentence) => sentence.replace(/[*_`]/g, "").replace(/\s+/g, " ").trim())
    .filter((sentence) => sentence !== "")

/**
 * Lines of a page: what somebody reads in one go. Longer are notes on what was found, and what is
 * looked up by its name.
 */
const longer: ReadonlyMap<string, number> = new Map([
  ["docs/wire.md", 400],
  ["docs/api.md", 1_000],
])

describe.each(documents)("%s", (document) => {
  it("has no sentence that begins as a fragment", () => {
    expect(sentencesOf(document).filter((sentence) => fragment.test(sentence))).toEqual([])
  })

  it("sells nothing", () => {
    expect(sentencesOf(document).filter((sentence) => selling.test(sentence))).toEqual([])
  })

  it("is short", () => {
    expect(proseOf(document).trimEnd().split("\n").length).toBeLessThanOrEqual(longer.get(document) ?? 250)
  })
})
