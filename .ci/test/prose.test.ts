import { describe, expect, it } from "vitest"
import { commentsIn, sentencesOf } from "./comments.ts"
import { filesIn, read } from "./sources.ts"

const scripts = [".ts", ".tsx", ".mjs"]

const files = [
  ...[".ci", "packages", "examples"].flatMap((folder) => filesIn(folder, ...scripts)),
  "vitest.workspace.ts",
  "vitest.config.ts",
]

/** Columns of a comment: two files fit beside each other on a screen. */
const mostColumns = 100

/** Lines of a file: what somebody reads in one go. */
const mostLines = 400

/** How fragments begin that were thought in another language. */
const fragment = /^(?:Of|What of|Who|So many)\b/

/** Says in a file's first comment why it is longer than others. */
const reason = /\bover 400 lines because \S/i

/** Returns what is wrong with a file, each with its place. */
type Rule = (file: string, text: string) => ReadonlyArray<string>

const rules = {
  "no comment is wider than 100 columns": (file, text) =>
    commentsIn(text).flatMap(({ line, lines }) =>
      lines.flatMap((wide, index) => (wide.length > mostColumns ? [`${file}:${line + index}`] : [])),
    ),
  'no sentence of a comment begins with "Of", "What of", "Who" or "So many"': (file, text) =>
    commentsIn(text).flatMap((comment) =>
      sentencesOf(comment).flatMap((sentence) =>
        fragment.test(sentence) ? [`${file}:${comment.line}: ${sentence}`] : [],
      ),
    ),
  "a file over 400 lines says why, in its first comment: over 400 lines because ...": (file, text) => {
    const length = text.trimEnd().split("\n").length
    const [header] = commentsIn(text)
    const isExplained = header?.line === 1 && reason.test(sentencesOf(header).join(" "))
    return length <= mostLines || isExplained ? [] : [`${file}: ${length} lines`]
  },
} satisfies Readonly<Record<string, Rule>>

describe.each(Object.entries(rules))("%s", (_, rule) => {
  it("in any file", () => {
    expect(files.length).toBeGreaterThan(500)
    expect(files.flatMap((file) => rule(file, read(file)))).toEqual([])
  })
})

describe("the rules", () => {
  const broken = (text: string) => Object.values(rules).map((rule) => rule("x.ts", text).length)
  const long = (lines: number) => "\nconst a = 1".repeat(lines)
  const wide = "x".repeat(100)

  it.each([
    ["a sentence", "/** Returns who asked. */", [0, 0, 0]],
    ["code and texts as wide as they like", `const a = "${wide}" + '// Of ${wide}'`, [0, 0, 0]],
    ["a wide line of a block", `/**\n * ${wide}\n */`, [1, 0, 0]],
    ["two wide lines", `// ${wide}\n// ${wide}`, [2, 0, 0]],
    ["a wide comment behind code", `f() // ${wide}`, [1, 0, 0]],
    ["a fragment", "  /** Of the log. */", [0, 1, 0]],
    ["a fragment behind a sentence", "// It is. So many\n// that it hurts.", [0, 1, 0]],
    ["a fragment of a parameter", "/** @param key Who asks */", [0, 1, 0]],
    ["such a word within a sentence", "// It asks of whom, so many times, who is there. Often.", [0, 0, 0]],
    ["a long file", `// It is long.${long(400)}`, [0, 0, 1]],
    ["a long file with its reason", `// It is over 400 lines because it must be.${long(400)}`, [0, 0, 0]],
    ["a long file with its reason too late", `${long(400)}\n// Over 400 lines because so.`, [0, 0, 1]],
    ["a file of 400 lines", `// It is long.${long(399)}`, [0, 0, 0]],
  ])("judge %s", (_, text, expected) => {
    expect(broken(text)).toEqual(expected)
  })
})
