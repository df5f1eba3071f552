/** A comment of a source file: a block, or the lines with `//` that follow one another. */
export interface Comment {
  /** Its first line, counted from 1. */
  readonly line: number
  /** Its lines as they stand in the file. */
  readonly lines: ReadonlyArray<string>
}

/**
 * Code and `//` behind it. Quotes before it could make it a part of a text, so such lines are left
 * out.
 */
const trailing = /^[^"'`]*\S\s+\/\/ /

/** Every comment that begins a line or ends one. */
export const commentsIn = (text: string): ReadonlyArray<Comment> => {
  const comments: Array<{ readonly line: number; readonly lines: Array<string> }> = []
  let open: Array<string> | null = null
  let isBlock = false
  for (const [index, line] of text.split("\n").entries()) {
    const start = line.trimStart()
    const begin = (): Array<string> => {
      const lines = [line]
      comments.push({ line: index + 1, lines })
      return lines
    }
    if (isBlock) {
      open?.push(line)
      isBlock = !start.includes("*/")
      if (!isBlock) open = null
    } else if (start.startsWith("/*")) {
      open = begin()
      isBlock = !start.includes("*/")
      if (!isBlock) open = null
    } else if (start.startsWith("//")) {
      if (open === null) open = begin()
      else open.push(line)
    } else {
      open = null
      if (trailing.test(line)) begin()
    }
  }
  return comments
}

/** What a comment says, without its marks; tags such as `@param name` begin a paragraph. */
const wordsOf = ({ lines }: Comment): string =>
  lines
    .map((line) =>
      line
        .replace(/^.*?(?:\/\*\*?|\/\/)|^\s*\*(?!\/)/, "")
        .replace(/\*\/.*$/, "")
        .trim(),
    )
    .join("\n")
    .replace(/@(?:param|template) \w+|@\w+/g, "\n\n")

/** The sentences of a comment, and what stands in place of one. */
export const sentencesOf = (comment: Comment): ReadonlyArray<string> =>
  wordsOf(comment)
    .split(/(?<=[.!?])\s+|\n{2,}/)
    .map((sentence) => sentence.replace(/\s+/g, " ").trim())
    .filter((sentence) => sentence !== "")
