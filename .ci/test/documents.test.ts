import { existsSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { describe, expect, it } from "vitest"
import { examples, filesIn, packages, read, root } from "./sources.ts"

const documents = [...filesIn("docs", ".md"), "CONTRIBUTING.md"]

const sources = packages.flatMap(({ path }) => filesIn(path, ".ts", ".mjs"))
const names = new Set(sources.map((file) => basename(file)))

/**
 * A file that a document names may be given whole, below `packages/`, below core, or by its name
 * alone.
 */
const isThere = (document: string, path: string): boolean =>
  path.includes("/")
    ? ["", "packages", "packages/core", "packages/core/src", dirname(document)].some((folder) =>
        existsSync(join(root, folder, path)),
      )
    : names.has(path)

describe.each(documents)("%s", (document) => {
  const text = read(document)

  it("has links that lead somewhere", () => {
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1]!)
    const local = links.filter((link) => !/^https?:/.test(link))
    expect(local.filter((link) => !existsSync(join(root, dirname(document), link)))).toEqual([])
  })

  it("names files that are there", () => {
    const named = [...text.matchAll(/`([\w./-]+\.(?:ts|mjs))`/g)].map((match) => match[1]!)
    // What SDKs send is told by files of theirs.
    const files = document === "docs/wire.md" ? [] : named
    expect(files.filter((path) => !isThere(document, path))).toEqual([])
  })

  it("names commands that are there", () => {
    const scripts = JSON.parse(read("package.json")).scripts as Readonly<Record<string, string>>
    const commands = [...text.matchAll(/npm run (?:--silent )?([\w-]+)/g)].map((match) => match[1]!)
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([])
  })
})

const readmes = [...packages, ...examples].flatMap(({ path }) => filesIn(path, "README.md"))

it.each([...documents, "README.md", ...readmes])(
  "%s shows no secret in a flag: flags show in ps",
  (document) => {
    const secrets = /--[\w-]*(?:key|secret|token|password)[ =][\w"'$]|--[\w-]+[ =]\w+:\/\/[^\s/@]*:[^\s/@]*@/g
    expect(read(document).match(secrets)).toBeNull()
  },
)

it("the code cites documents that are in the repository", () => {
  const cited = sources.flatMap((file) =>
    [...read(file).matchAll(/[\w./-]*[\w-]+\.md\b/g)].map((match) => ({ file, document: match[0] })),
  )
  expect(
    cited.filter(
      ({ file, document }) =>
        !existsSync(join(root, document)) && !existsSync(join(root, dirname(file), document)),
    ),
  ).toEqual([])
})
