import { existsSync } from "node:fs"
import { join } from "node:path"
import { Attempts, DeadLetters, Destination, EventLog, Ingest } from "@millrace/core"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { examples, filesIn, packages, read, root } from "./sources.ts"

interface Block {
  readonly readme: string
  readonly code: string
}

const readmes = ["README.md", "docs/console.md", ...packages.map(({ path }) => `${path}/README.md`)].filter(
  (path) => filesIn(path.replace(/\/?[^/]*\.md$/, "") || ".", ".md").includes(path),
)

const blocksOf = (readme: string): ReadonlyArray<Block> =>
  [...read(readme).matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => ({ readme, code: match[1]! }))

/** What runs in CI: the examples, and the bindings of contract suites. */
const runs = [
  ...examples.flatMap(({ path }) => filesIn(path, ".ts")),
  ...packages.flatMap(({ path }) => filesIn(`${path}/test`, ".contract.test.ts")),
].map((file) => ({ file, text: read(file) }))

describe("samples", () => {
  it.each(readmes.flatMap(blocksOf))("of $readme are lines of code that runs", ({ code }) => {
    const source = runs.find(({ text }) => text.startsWith(code) || text.includes(`\n${code}`))
    expect(source === undefined ? `these lines run nowhere:\n${code}` : "found").toBe("found")
  })

  it.each([
    "examples/express/main.ts",
    "examples/fastify/main.ts",
    "examples/node-http/main.ts",
    "examples/swap-storage/main.ts",
    "examples/test-a-pipeline/pipeline.test.ts",
  ])("%s is shown whole", (file) => {
    expect(blocksOf("README.md").map(({ code }) => code)).toContain(read(file))
  })

  it.each(filesIn("examples/console", ".ts"))("%s is shown whole in docs/console.md", (file) => {
    expect(blocksOf("docs/console.md").map(({ code }) => code)).toContain(read(file))
  })
})

describe("what is said of a package", () => {
  const published = packages.filter(({ manifest }) => manifest.private !== true)

  it.each(published)("$manifest.name is in the table, and says what it is itself", ({ path, manifest }) => {
    expect(read("README.md")).toContain(`[\`${manifest.name}\`](${path})`)
    expect(read(`${path}/README.md`)).toMatch(new RegExp(`^# ${manifest.name}\n\n\\S`))
    // A table is as long as there are things in it.
    const lines = read(`${path}/README.md`)
      .split("\n")
      .filter((line) => !line.startsWith("| "))
    expect(lines.length).toBeLessThanOrEqual(50)
  })

  it("links lead somewhere", () => {
    const links = [...read("README.md").matchAll(/\]\(([^)#]+)\)/g)].map((match) => match[1]!)
    expect(links.filter((link) => !existsSync(join(root, link)))).toEqual([])
  })
})

describe("the table of limits", () => {
  const count = (value: number) => value.toLocaleString("en-US")
  const mebibytes = (bytes: number) => `${bytes / 1024 ** 2} MiB`
  const seconds = (millis: number) => `${millis / 1000} s`
  const hours = (millis: number) => `${millis / 3_600_000} h`
  const days = (millis: number) => `${millis / 86_400_000} days`

  const [destination] = Result.getOrThrow(Destination.decodeAll([{ id: "any", url: "https://example.com/" }]))
  const { batch, retry, timeout } = destination!
  const limits = Ingest.defaultLimits

  const rows = [...read("README.md").matchAll(/^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)]
  const shown = new Map(rows.map(([, limit, value]) => [limit, value]))

  it.each([
    ["body, as sent and decompressed", mebibytes(limits.bodyBytes)],
    ["events in a request", count(limits.events)],
    ["nesting of JSON", count(limits.nesting)],
    ["bodies that wait for the store", mebibytes(limits.inFlightBytes)],
    ["batch", `${batch.maxEvents} events, ${mebibytes(batch.maxBytes)} or ${seconds(batch.maxDelay)}`],
    ["one attempt", seconds(timeout)],
    ["wait between attempts", `${seconds(retry.first)} to ${hours(retry.max)}`],
    ["given up after", `${days(retry.giveUpAfter)} of failing`],
    ["log in memory", mebibytes(EventLog.defaultMaxBytes)],
    [
      "dead letters",
      `${count(DeadLetters.limits.maxCount)}, ${mebibytes(DeadLetters.limits.maxBytes)}, ${days(DeadLetters.limits.maxAge)}`,
    ],
    ["failed attempts on record", `${count(Attempts.limits.maxFailures)}, ${days(Attempts.limits.maxAge)}`],
  ])("%s: %s", (limit, value) => {
    expect(shown.get(limit)).toBe(value)
  })
})
