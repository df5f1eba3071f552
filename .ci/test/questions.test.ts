import { describe, expect, it } from "vitest"
import { slugOf } from "./markdown.ts"
import { read } from "./sources.ts"

/** What a newcomer asks, and what the answer has to say: found by one look into docs/README.md. */
const questions = [
  ["Which header has the key?", /`statsig-api-key`/s],
  ["How large may a request be?", /10 MiB.*10,000/s],
  ["What does a 202 mean?", /\*\*The events are stored\.\*\*/s],
  ["How do I verify a signature in Express?", /express\.raw.*verifySignature/s],
  ["Why does a destination fail?", /millrace attempts --destination warehouse --failures/s],
  ["How do I back up?", /VACUUM INTO/s],
  ["How do I point an SDK of a browser or an app here?", /js-client.*iOS.*Android/s],
  ["How do I point an SDK of a server here?", /statsig-node.*Python.*Go.*Ruby.*Java.*\.NET/s],
] as const

const index = read("docs/README.md")

/** What stands below a heading, to the next one. */
const sectionOf = (document: string, anchor: string): string => {
  let isFenced = false
  let isInside = false
  const section: Array<string> = []
  for (const line of read(document).split("\n")) {
    if (line.startsWith("```")) isFenced = !isFenced
    const [, heading] = isFenced ? [] : (/^#{1,6} (.+)$/.exec(line) ?? [])
    if (heading !== undefined) isInside = slugOf(heading) === anchor
    if (isInside) section.push(line)
  }
  return section.join("\n")
}

describe("every question has its answer", () => {
  it.each(questions)("%s", (question, answer) => {
    const [, link] = new RegExp(`^\\| ${question.replace("?", "\\?")} \\| \\[.*\\]\\((.*)\\) \\|$`, "m").exec(
      index,
    )!
    const [page, anchor] = link!.split("#") as [string, string]
    expect(sectionOf(`docs/${page}`, anchor)).toMatch(answer)
  })

  it("and none is there without a test", () => {
    const rows = [...index.matchAll(/^\| ([^|]+\?) \|/gm)].map((match) => match[1])
    expect(rows).toEqual(questions.map(([question]) => question))
  })
})
