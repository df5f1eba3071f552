import { existsSync } from "node:fs"
import { basename, dirname, join, normalize } from "node:path"
import { describe, expect, it } from "vitest"
import { anchorsOf, documents, linksOf } from "./markdown.ts"
import { filesIn, packages, read, root } from "./sources.ts"

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
    const dead = linksOf(document).filter((link) => {
      if (/^(?:https?|mailto):/.test(link)) return false
      const [path = "", anchor] = link.split("#")
      const target = path === "" ? document : normalize(join(dirname(document), path))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !(target.endsWith(".md") && anchorsOf(target).has(anchor))
    })
    expect(dead).toEqual([])
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

it.each(documents)("%s shows no secret in a flag: flags show in ps", (document) => {
  const secrets = /--[\w-]*(?:key|secret|token|password)[ =][\w"'$]|--[\w-]+[ =]\w+:\/\/[^\s/@]*:[^\s/@]*@/g
  expect(read(document).match(secrets)).toBeNull()
})

describe("every page", () => {
  const pages = filesIn("docs", ".md").filter((path) => path !== "docs/README.md")

  it("is in the table of contents, once", () => {
    const listed = linksOf("docs/README.md").map((link) => `docs/${link}`)
    const counts = pages.map((page) => [page, listed.filter((link) => link === page).length])
    expect(counts).toEqual(pages.map((page) => [page, 1]))
  })

  it("is in llms.txt", () => {
    expect(pages.filter((page) => !linksOf("llms.txt").includes(page))).toEqual([])
  })
})

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
