import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { describe, expect, it, test } from "vitest"
import { serve } from "../support/command.ts"
import { leavesOf, overwrite } from "../support/damage.ts"
import { delivered, expectLedger } from "../support/delivered.ts"
import { type Fault, faultyDisk, noFaultyDisk } from "../support/disk.ts"
import { doctor, readyUntil } from "../support/health.ts"
import { eventHeaders, eventsBody, makeLoad, post } from "../support/load.ts"
import { key, say, seconds, stop, writeConfig } from "../support/pipeline.ts"
import { idOf, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const store = "sqlite:./millrace.db"

describe("a disk that fails under a running server", () => {
  const reason = noFaultyDisk()
  const faults: ReadonlyArray<readonly [fault: Fault, condition: string, detail: string]> = [
    ["fail to sync", "not reachable", "disk I/O error"],
    ["be read-only", "read-only", "its disk is read-only"],
  ]

  it.skipIf(reason !== undefined).each(faults)(
    `what begins to %s is told as what it is, and nothing acknowledged is lost${reason === undefined ? "" : ` (skipped: ${reason})`}`,
    async (fault, condition, detail) => {
      const cwd = tempDir()
      const disk = faultyDisk(cwd)
      const receiver = await receive()
      writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
      const server = await serve(["--store", store], { cwd, env: disk.env })
      const load = makeLoad(key, 8, { pause: 2 })
      load.during("up")
      const sending = load.send(server.url)
      await load.until(() => load.answers("up").acknowledged >= 200)

      disk.begin(fault)
      const begun = performance.now()
      expect(await readyUntil(server, 503)).toContain(`the store is ${condition}`)
      const told = performance.now() - begun
      load.during("down")
      await load.until(() => load.answers("down").refused >= 80)
      expect(load.answers("down").acknowledged).toBe(0)
      expect(await doctor(cwd, store)).toContainEqual(expect.stringContaining(detail))
      await server.until(() => server.stderr().includes(detail))

      disk.end()
      load.during("up again")
      await load.until(() => load.answers("up again").acknowledged >= 200)
      await readyUntil(server, 200)
      load.stop()
      await sending
      await delivered(receiver, load, ["receiver"])
      expect(await doctor(cwd, store)).toEqual([])
      await stop(server)
      expect(load.unanswered).toEqual(new Set())
      await expectLedger(`sqlite:${join(cwd, "millrace.db")}`, receiver, load, ["receiver"])
      say(`${fault}: told after ${seconds(told)}, ${load.refused.size} events refused`)
    },
    120_000,
  )
})

test("pages overwritten under pending events: readiness, doctor and the log say so, and it goes on when a copy is put back", async () => {
  const cwd = tempDir()
  const [path, copy] = [join(cwd, "millrace.db"), join(cwd, "copy.db")]
  const receiver = await receive()
  receiver.answer = 503
  writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
  const first = await serve(["--store", store], { cwd })
  // There are so many that the destination's lane has to read what is in the middle of them from
  // the file.
  const ids = Array.from({ length: 600 }, (_, index) => `event-${index}`)
  for (let at = 0; at < ids.length; at += 20) {
    const body = eventsBody(ids.slice(at, at + 20), 2_000)
    expect((await post(`${first.url}/v1/log_event`, eventHeaders(key), body)).status).toBe(202)
  }
  await stop(first)
  execFileSync("cp", [path, copy])
  const leaves = leavesOf(path, "entries")
  overwrite(path, leaves.slice(leaves.length / 2, leaves.length / 2 + 2))

  receiver.answer = 200
  const server = await serve(["--store", store], { cwd })
  const begun = performance.now()
  expect(await readyUntil(server, 503)).toContain("the store is damaged, and what is stored does not go out")
  const told = performance.now() - begun
  const wrong = await doctor(cwd, store)
  expect(wrong).toContainEqual(expect.stringMatching(/ready .*the store is damaged/))
  expect(wrong).toContainEqual(expect.stringMatching(/damaged: entries \d+ to \d+ of the log cannot be read/))
  expect(server.stderr()).toContain("cannot")
  expect(server.stderr()).toContain("damaged")
  execFileSync("cp", [copy, `${copy}-2`])
  execFileSync("mv", [`${copy}-2`, path])
  await readyUntil(server, 200)
  const after = await post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody(["after"]))
  expect(after.status).toBe(202)
  await receiver.until(() => {
    const got = new Set(receiver.events.map(idOf))
    return [...ids, "after"].every((id) => got.has(id))
  })
  await stop(server)
  say(`two pages overwritten: told after ${seconds(told)}`)
}, 180_000)
