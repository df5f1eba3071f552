import { filesIn, packages, read } from "./sources.ts"

/** Every document that people read, from the root. */
export const documents: ReadonlyArray<string> = [
  "README.md",
  "CONTRIBUTING.md",
  "llms.txt",
  ...filesIn("docs", ".md"),
  ...packages.flatMap(({ path }) => filesIn(path, "README.md")),
  ...filesIn("examples", ".md"),
]

/** A fenced block, or lines that are indented by four spaces: those are for a shell. */
export interface CodeBlock {
  readonly document: string
  /** Its first line of code, counted from 1. */
  readonly line: number
  /** What stands behind the fence: `ts`, `json event`; `sh` for indented lines. */
  readonly kind: string
  readonly code: string
}

interface Parts {
  readonly blocks: ReadonlyArray<CodeBlock>
  /** The lines outside of blocks, as they stand. */
  readonly prose: ReadonlyArray<string>
}

const partsOf = (document: string): Parts => {
  const blocks: Array<CodeBlock> = []
  const prose: Array<string> = []
  let open: { readonly line: number; readonly kind: string; readonly lines: Array<string> } | null = null
  let isFenced = false
  const close = (): void => {
    if (open !== null) {
      const { lines, ...rest } = open
      blocks.push({ document, ...rest, code: `${lines.join("\n").trimEnd()}\n` })
    }
    open = null
    isFenced = false
  }
  const lines = read(document).split("\n")
  for (const [index, line] of lines.entries()) {
    if (isFenced) {
      if (line.startsWith("```")) close()
      else open!.lines.push(line)
    } else if (line.startsWith("```")) {
      close()
      open = { line: index + 2, kind: line.slice(3).trim(), lines: [] }
      isFenced = true
    } else if (/^ {4}\S/.test(line) && (open !== null || lines[index - 1] === "")) {
      open ??= { line: index + 1, kind: "sh", lines: [] }
      open.lines.push(line.slice(4))
    } else if (line === "" && open !== null) open.lines.push("")
    else {
      close()
      prose.push(line)
    }
  }
  close()
  return { blocks, prose }
}

export const blocksOf = (document: string): ReadonlyArray<CodeBlock> => partsOf(document).blocks

/** A document without its code. */
export const proseOf = (document: string): string => partsOf(document).prose.join("\n")

/** A document without its code, and without what stands between backquotes. */
const textOf = (document: string): string => proseOf(document).replace(/`[^`\n]*`/g, "``")

/** Where its links lead. */
export const linksOf = (document: string): ReadonlyArray<string> =>
  [...textOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)

/** What GitHub makes of a heading. */
export const slugOf = (heading: string): string =>
  heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, "$1")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-")

/** The anchors of its headings; those that come twice have a number. */
export const anchorsOf = (document: string): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const [, heading] of proseOf(document).matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = slugOf(heading!)
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

/** Lines that a shell would run, those that go on in the next as one. */
export const shellLinesOf = (document: string): ReadonlyArray<string> =>
  blocksOf(document)
    .filter(({ kind }) => kind === "sh")
    .flatMap(({ code }) => code.replace(/\\\n\s*/g, " ").split("\n"))
    .filter((line) => line.trim() !== "")

/** What stands between backquotes in its prose. */
export const quotesOf = (document: string): ReadonlyArray<string> =>
  [...proseOf(document).matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
