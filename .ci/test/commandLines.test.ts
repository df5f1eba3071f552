import { AdminApi } from "@millrace/console/admin"
import { describe, expect, it } from "vitest"
import { matchRoute } from "../../packages/core/src/intake/routes.ts"
import { healthPaths } from "../../packages/server/src/healthPaths.ts"
import { commandsIn, problemOf, unknownVariables } from "./commandLines.ts"
import { documents, quotesOf, shellLinesOf } from "./markdown.ts"
import { read } from "./sources.ts"

/** Variables that only tests read. */
const ofTests = /^MILLRACE_(?:TEST|ABSENCE)_/

/** Whether the server answers there. */
const isPath = (path: string): boolean =>
  matchRoute(path) !== null ||
  healthPaths.some((known) => known === path) ||
  path.startsWith("/console/") ||
  path.startsWith(AdminApi.root)

describe.each(documents)("%s", (document) => {
  const ofShell = shellLinesOf(document)
  const quoted = quotesOf(document).filter((quote) => /^(?:\w+=\S+ )*(?:npx )?millrace [a-z]/.test(quote))

  it.each([
    ["command lines", ofShell, false],
    ["mentions of commands", quoted, true],
  ] as const)("has %s that the command takes", (_, lines, isName) => {
    const problems = lines
      .flatMap(commandsIn)
      .filter(([name]) => name === "millrace")
      .flatMap(([, ...args]) => {
        const given = args.filter((word) => word !== "...")
        const problem = problemOf(given, isName)
        return problem === null ? [] : [`${given.join(" ")}: ${problem}`]
      })
    expect(problems).toEqual([])
  })

  it("has lines of a shell, and no others, where lines are indented", () => {
    const tools = new Set([
      ...["millrace", "npm", "node", "curl", "echo", "docker", "systemctl", "journalctl", "sqlite3"],
      ...["rm", "install", "vite", "tsx"],
    ])
    const strange = ofShell.flatMap(commandsIn).filter(([name]) => name !== undefined && !tools.has(name))
    expect(strange).toEqual([])
  })

  it("asks for paths that there are", () => {
    const urls = ofShell
      .flatMap(commandsIn)
      .filter(([name]) => name === "curl")
      .flatMap((words) => words.filter((word) => /^https?:/.test(word)))
    // What Statsig's own servers have, and what hosts of a test do.
    const isOfOthers = document === "docs/wire.md" || document === "docs/api.md"
    const quotes = isOfOthers ? [] : quotesOf(document)
    const paths = [
      ...urls.map((url) => new URL(url).pathname),
      ...quotes.flatMap((quote) => /^(?:GET|POST) (\/[^\s?]*)/.exec(quote)?.[1] ?? []),
    ]
    expect(paths.filter((path) => !isPath(path))).toEqual([])
  })

  it("names variables that are read", () => {
    expect(unknownVariables(read(document)).filter((name) => !ofTests.test(name))).toEqual([])
  })
})

describe("a command line", () => {
  const problems = (line: string) => commandsIn(line).map(([, ...args]) => problemOf(args))

  it.each([
    ["millrace serve --port 8080 --server-key a --server-key b"],
    ["A=1 npx millrace doctor # says what is wrong"],
    ["millrace destinations rewind warehouse --since '2 hours'"],
    [`millrace destinations add '{"id": "a", "url": "https://example.com/"}'`],
    ["millrace tail | head -n 1"],
    ["millrace --version"],
  ])("is taken: %s", (line) => {
    expect(problems(line)[0]).toBeNull()
  })

  it.each([
    ["millrace sreve", "there is no command sreve"],
    ["millrace serve --prot 8080", "it does not know --prot 8080"],
    ["millrace serve --port", "argument missing"],
    ["millrace dead-letters replay growth", "it takes no growth"],
    ["millrace dead-letters replay", "it needs --destination <id>"],
    ["millrace destinations rewind", "it needs id"],
    ["millrace attempts --limit many", "expected a number"],
  ])("is not taken: %s", (line, problem) => {
    expect(problems(line)[0]).toContain(problem)
  })

  it("has variables that are known", () => {
    expect(unknownVariables("MILLRACE_PORT=1 MILLRACE_PROT=1 MILLRACE_SERVER=u")).toEqual(["MILLRACE_PROT"])
  })
})
