import { spawn } from "node:child_process"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { outcome, type Server, serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { key, stop, writeConfig } from "../support/pipeline.ts"
import { idOf, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

/** Every way in which a process can leave that is not its own end: asked to, killed, crashed. */
const ways = ["SIGTERM", "SIGKILL", "SIGABRT"] as const

const log = async (server: Server, id: string): Promise<void> => {
  const { status } = await post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody([id]))
  expect(status).toBe(202)
}

test("a second server on a file is refused and told which one has it, also when the file that says so is removed", async () => {
  const cwd = tempDir()
  const receiver = await receive()
  writeConfig(cwd, { receiver: receiver.url })
  const first = await serve([], { cwd })
  for (const remove of [() => {}, () => rmSync(join(cwd, "millrace.db-owner"))]) {
    remove()
    const second = await outcome(["serve", "--port", "0"], { cwd })
    expect(second).toMatchObject({ code: 1, stdout: "" })
    expect(second.stderr).toContain(`process ${first.pid} on ${hostname()}, since `)
    expect(second.stderr.trim().split("\n")).toHaveLength(1)
  }
  await log(first, "still delivered by the first")
  await receiver.until(() => receiver.events.length === 1)
  await stop(first)
}, 60_000)

test("however a server leaves, the next one delivers from its file", async () => {
  const cwd = tempDir()
  const receiver = await receive()
  writeConfig(cwd, { receiver: receiver.url })
  for (const way of ways) {
    receiver.answer = 503
    const first = await serve([], { cwd })
    const sent = receiver.requests.length
    await log(first, way)
    await receiver.until(() => receiver.requests.length > sent)
    first.kill(way)
    await first.ended
    receiver.answer = 200
    await stop(await serve([], { cwd }))
    expect(receiver.events.map(idOf)).toContain(way)
  }
}, 120_000)

const takeOverProgram = fileURLToPath(new URL("../support/takeOver.mjs", import.meta.url))

/** A process that has taken all lanes of a file, and delivers nothing. */
const takeOver = async (file: string) => {
  const child = spawn(process.execPath, [takeOverProgram, file], { stdio: ["ignore", "pipe", "inherit"] })
  onTestFinished(() => void child.kill("SIGKILL"))
  await once(child.stdout, "data")
  return child
}

test("a lane that another process has taken over is taken back when that one is gone, however it has left", async () => {
  const cwd = tempDir()
  const receiver = await receive()
  writeConfig(cwd, { receiver: receiver.url })
  const server = await serve([], { cwd })
  const takenOver = () =>
    server.stderr().match(/another process has taken the destination over/g)?.length ?? 0
  for (const [earlier, way] of ways.entries()) {
    const other = await takeOver(join(cwd, "millrace.db"))
    await log(server, `sent while ${way}'s has it`)
    // What was sent cannot be saved, so it is sent again by the next owner.
    await server.until(() => takenOver() > earlier)
    await log(server, way)
    other.kill(way)
    await once(other, "exit")
    await receiver.until(() => receiver.events.some((event) => idOf(event) === way))
  }
  await stop(server)
  expect(takenOver()).toBe(ways.length)
  const listed = await outcome(["destinations", "list", "--json"], { cwd })
  expect(JSON.parse(listed.stdout)).toMatchObject({ delivered: 2 * ways.length, pending: 0 })
}, 120_000)
