import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Millrace } from "@millrace/node"
import { expect, it, onTestFinished } from "vitest"
import { files } from "./fileSink.ts"

it("a kind of destination of one's own gets its batches", async () => {
  const directory = await mkdtemp(join(tmpdir(), "millrace-"))
  onTestFinished(() => rm(directory, { recursive: true }))
  const path = join(directory, "events.ndjson")
  const millrace = await Millrace.make({
    keys: "none",
    extensions: [files],
    destinations: [{ id: "lines", url: pathToFileURL(path).href }],
  })
  for (const userID of ["user_1", "user_2"]) await millrace.logEvent({ event: "signup", user: { userID } })
  expect(await millrace.close()).toEqual({ drained: true, pending: [] })
  const lines = (await readFile(path, "utf8")).trimEnd().split("\n")
  expect(lines.map((line) => JSON.parse(line).userID)).toEqual(["user_1", "user_2"])
})
