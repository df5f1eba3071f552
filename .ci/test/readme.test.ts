import { Attempts, DeadLetters, Destination, EventLog, Ingest } from "@millrace/core"
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { packages, read } from "./sources.ts"

it("the README is read in one go", () => {
  expect(read("README.md").split("\n").length).toBeLessThan(200)
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

  const rows = [...read("docs/limits.md").matchAll(/^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$/gm)]
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
