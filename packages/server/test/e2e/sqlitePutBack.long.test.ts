import { execFileSync } from "node:child_process"
import { renameSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "@photostructure/sqlite"
import { expect, test } from "vitest"
import { outcome, type Server, serve } from "../support/command.ts"
import { delivered, repetitions } from "../support/delivered.ts"
import { makeLoad } from "../support/load.ts"
import { key, say, seconds, stop, writeConfig } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

/** How a person puts a backup in the place of the file. */
const ways = {
  "by a rename": (copy: string, path: string): void => {
    execFileSync("cp", [copy, `${path}-new`])
    renameSync(`${path}-new`, path)
  },
  "written over in place": (copy: string, path: string): void => {
    execFileSync("cp", [copy, path])
  },
}

const backUp = (path: string, copy: string): void => {
  const database = new DatabaseSync(path, { timeout: 10_000 })
  database.exec(`VACUUM INTO '${copy}'`)
  database.close()
}

const linesOf = (server: Server, message: string): ReadonlyArray<string> =>
  server
    .stderr()
    .split("\n")
    .filter((line) => line.includes(message))

const field = (line: string, name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1])

test.each(Object.entries(ways))(
  "an earlier copy is put back under load, %s: what is acknowledged after that is delivered, and it is told once",
  async (_, putBack) => {
    const cwd = tempDir()
    const [path, copy] = [join(cwd, "millrace.db"), join(cwd, "copy.db")]
    const receiver = await receive()
    writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
    const server = await serve([], { cwd })

    // One goes on through everything, the other begins when the copy is back.
    const through = makeLoad(key, 8, { pause: 2 })
    const after = makeLoad(key, 8, { pause: 2, prefix: "after-" })
    const sendingThrough = through.send(server.url)
    await through.until(() => through.acknowledged.size > 2_000)
    backUp(path, copy)
    const kept = through.acknowledged.size
    await through.until(() => through.acknowledged.size > kept + 2_000)
    putBack(copy, path)
    const putBackAt = performance.now()
    const sendingAfter = after.send(server.url)
    await after.until(() => after.acknowledged.size > 2_000)
    const goneOnAt = performance.now()
    through.stop()
    after.stop()
    await Promise.all([sendingThrough, sendingAfter])
    await delivered(receiver, after, ["receiver"])
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await stop(server)

    const [told, ...more] = linesOf(server, "the log has come back with less than it had given, and goes on")
    expect(more).toEqual([])
    expect(field(told!, "lostEvents")).toBeGreaterThan(1_000)
    expect(linesOf(server, "ERROR")).toEqual([])
    const listed = await outcome(["destinations", "list", "--json"], { cwd })
    expect(JSON.parse(listed.stdout)).toMatchObject({ pending: 0, dead: 0, trimmed: 0 })
    const examined = await outcome(["doctor"], { cwd })
    expect(examined, examined.stdout).toMatchObject({ code: 0 })
    say(
      `put back: ${field(told!, "lostEvents")} events lost, ${repetitions(receiver.requests).length} requests repeated, ` +
        `2,000 events taken again after ${seconds(goneOnAt - putBackAt)}, the longest answer after ${seconds(after.longest())}`,
    )
  },
  120_000,
)
