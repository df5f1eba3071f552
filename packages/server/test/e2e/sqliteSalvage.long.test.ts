import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { outcome, serve } from "../support/command.ts"
import { leavesOf, overwrite } from "../support/damage.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { key, stop, writeConfig } from "../support/pipeline.ts"
import { idOf, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const ids = Array.from({ length: 600 }, (_, index) => `event-${index}`)

const together = 20

/** A stopped server's file with delivered events, and many that are pending. */
const begin = async () => {
  const cwd = tempDir()
  const path = join(cwd, "millrace.db")
  const receiver = await receive()
  writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
  const server = await serve([], { cwd })
  const log = async (some: ReadonlyArray<string>) => {
    const body = eventsBody(some, 2_000)
    expect((await post(`${server.url}/v1/log_event`, eventHeaders(key), body)).status).toBe(202)
  }
  await log(["delivered"])
  await receiver.until(() => receiver.events.length === 1)
  receiver.answer = 503
  for (let at = 0; at < ids.length; at += together) await log(ids.slice(at, at + together))
  return { cwd, path, receiver, server }
}

const digestOf = (path: string): string => createHash("sha1").update(readFileSync(path)).digest("hex")

const salvage = (cwd: string) =>
  outcome(["salvage", "--from", "sqlite:./millrace.db", "--to", "sqlite:./salvaged.db"], { cwd })

test("of a damaged file all that can be read is copied and goes out, what is missing is said, and it stays as it is", async () => {
  const { cwd, path, receiver, server } = await begin()
  await stop(server)
  const leaves = leavesOf(path, "entries")
  overwrite(path, leaves.slice(leaves.length / 2, leaves.length / 2 + 2))
  const [before, files] = [digestOf(path), readdirSync(cwd)]

  const { code, stdout, stderr } = await salvage(cwd)
  expect(code, stderr).toBe(2)
  const [, events, entries] = /^ {2}(\d+) events in (\d+) entries of the log:$/m.exec(stdout) ?? []
  expect(Number(events)).toBe(Number(entries) * together)
  expect(Number(entries)).toBeGreaterThan(0)
  expect(stdout).toMatch(/^ {4}\d+ to \d+ \(\d+ events\)$/m)
  expect(digestOf(path)).toBe(before)
  const isNew = (name: string): boolean => !files.includes(name) && !name.startsWith("salvaged.db")
  expect(readdirSync(cwd).filter(isNew)).toEqual([])

  receiver.answer = 200
  const store = "sqlite:./salvaged.db"
  const next = await serve(["--store", store], { cwd })
  const there = () => new Set(receiver.events.map(idOf))
  await receiver.until(() => there().size === 1 + ids.length - Number(events))
  await stop(next)
  // What was delivered before is not sent again.
  expect(receiver.events.filter((event) => idOf(event) === "delivered")).toHaveLength(1)
  const doctor = await outcome(["doctor", "--store", store], { cwd })
  expect(doctor.code, doctor.stdout).toBe(0)
}, 120_000)

test("of a file that is whole nothing is missing, as the exit code says; while a server runs on it nothing is copied", async () => {
  const { cwd, server } = await begin()
  const refused = await salvage(cwd)
  expect(refused).toMatchObject({ code: 1, stdout: "" })
  expect(refused.stderr).toContain("a process delivers from")
  expect(existsSync(join(cwd, "salvaged.db"))).toBe(false)
  await stop(server)
  const { code, stdout, stderr } = await salvage(cwd)
  expect(code, stderr).toBe(0)
  expect(stdout).toMatch(/^copied 31 entries, 601 events, /)
  expect(stdout).toContain("nothing is missing")
}, 120_000)
