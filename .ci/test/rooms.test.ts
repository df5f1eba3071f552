import { readdirSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { commentsIn, sentencesOf } from "./comments.ts"
import { read, root } from "./sources.ts"

const sources = "packages/core/src"

/** Each room of core, and the file in which whoever enters it begins to read. */
const mainFiles: Readonly<Record<string, string>> = {
  base: "Event.ts",
  bytes: "bodyScanner.ts",
  deliver: "Dispatcher.ts",
  entry: "Entry.ts",
  intake: "HttpIngest.ts",
  operate: "Operator.ts",
  ports: "Store.ts",
  select: "Destination.ts",
}

/** Lines of a header without its marks: fewer explain no room, and nobody reads more. */
const length = { least: 10, most: 25 }

/** What a header has to say, and how that is told from its text. */
const demands = {
  "which room it is": /^The room of /,
  "what comes in": /\bcomes?\s+in\b/,
  "what goes out": /\bgoes?\s+out\b/,
  "what calls it": /\bcalls?\b/,
  "which words it uses": /\bWords: \S/,
}

/** What a file's first lines lack as the header of a room. */
const lacking = (text: string): ReadonlyArray<string> => {
  const [header] = commentsIn(text)
  if (header?.line !== 1) return ["a header"]
  const words = sentencesOf(header).join(" ")
  const lines = header.lines.length - 2
  return [
    ...Object.entries(demands).flatMap(([demand, said]) => (said.test(words) ? [] : [demand])),
    ...(lines < length.least || lines > length.most
      ? [`${lines} lines: ${length.least} to ${length.most}`]
      : []),
  ]
}

describe("rooms of core", () => {
  it("are known by their main files", () => {
    const rooms = readdirSync(join(root, sources), { withFileTypes: true })
    expect(
      rooms
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort(),
    ).toEqual(Object.keys(mainFiles))
  })

  it.each(Object.entries(mainFiles))("%s begins with a header, in %s", (room, file) => {
    expect(lacking(read(`${sources}/${room}/${file}`))).toEqual([])
  })

  const full = [
    "The room of mills.",
    "What comes in is grain.",
    "What goes out is flour.",
    "Bakers call it.",
    "Words: a *race* leads water to the wheel.",
  ]
  const headed = (lines: ReadonlyArray<string>, others = 10 - lines.length) =>
    ["/**", ...lines.map((line) => ` * ${line}`), ...Array<string>(others).fill(" * It turns."), " */"].join(
      "\n",
    )

  it.each<readonly [string, string, ReadonlyArray<string>]>([
    ["all of it", headed(full), []],
    ["nothing", "const a = 1", ["a header"]],
    ["a comment behind something", `const a = 1\n${headed(full)}`, ["a header"]],
    ["too little", headed(full, 4), ["9 lines: 10 to 25"]],
    ["too much", headed(full, 21), ["26 lines: 10 to 25"]],
    ...Object.keys(demands).map(
      (demand, at) => [`all but ${demand}`, headed(full.toSpliced(at, 1)), [demand]] as const,
    ),
  ])("with %s are told by what they lack", (_, text, expected) => {
    expect(lacking(text)).toEqual(expected)
  })
})
