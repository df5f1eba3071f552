import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { eventHeaders, eventsBody, makeLoad, post } from "../support/load.ts"
import { idOf, type ReceivedEvent, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const key = "secret-crash"
const rounds = 8

const writeConfig = (directory: string, url: string): void =>
  writeFileSync(
    join(directory, "millrace.config.json"),
    JSON.stringify({
      keys: { server: [key] },
      // Small batches: more moments to be killed at.
      destinations: [{ id: "receiver", url, batch: { maxEvents: 40, maxDelay: "20 millis" } }],
    }),
  )

const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

test("killed at any moment: what was acknowledged arrives, and only what was in flight arrives twice", async () => {
  const directory = tempDir()
  const receiver = await receive()
  writeConfig(directory, receiver.url)
  const load = makeLoad(key, 16)
  /** How many requests the receiver had when the next process began. */
  const boundaries: Array<number> = []

  for (let round = 0; round < rounds; round++) {
    const server = await serve([], { cwd: directory })
    const sending = load.send(server.url)
    const before = load.acknowledged.size
    const enough = 50 + Math.floor(Math.random() * 4_000)
    await load.until(() => load.acknowledged.size - before >= enough)
    server.kill("SIGKILL")
    expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" })
    await sending
    boundaries.push(receiver.requests.length)
  }

  const server = await serve([], { cwd: directory })
  const missing = new Set(load.acknowledged)
  let looked = 0
  await receiver.until(() => {
    for (; looked < receiver.events.length; looked++) missing.delete(idOf(receiver.events[looked]!))
    return missing.size === 0
  })
  await stop(server)

  const received = new Set(receiver.events.map(idOf))
  // Those whose request the kill has cut off may have been stored or not; nothing else may be
  // there.
  for (const id of load.acknowledged) received.delete(id)
  expect([...received].filter((id) => !load.unanswered.has(id))).toEqual([])
  expect(load.refused).toEqual(new Set())

  // A request is sent again only when the process died before it could note the answer: the last
  // one before each kill.
  const firsts = new Map<string, { readonly timeUUID: string; readonly request: number }>()
  const repeated = new Set<number>()
  for (const [request, { body }] of receiver.requests.entries()) {
    for (const event of JSON.parse(body) as ReadonlyArray<ReceivedEvent>) {
      const first = firsts.get(idOf(event))
      if (first === undefined) firsts.set(idOf(event), { timeUUID: event.timeUUID, request })
      else {
        expect(event.timeUUID).toBe(first.timeUUID)
        repeated.add(first.request)
      }
    }
  }
  const lastBeforeKill = boundaries.map((count) => count - 1)
  expect([...repeated].filter((request) => !lastBeforeKill.includes(request))).toEqual([])
}, 120_000)

test("a backlog survives: kept through a kill while the destination is down, sent when it is back", async () => {
  const directory = tempDir()
  const receiver = await receive()
  receiver.answer = 503
  writeConfig(directory, receiver.url)
  const ids = Array.from({ length: 100 }, (_, index) => `backlog-${index}`)

  const first = await serve([], { cwd: directory })
  const reply = await post(`${first.url}/v1/log_event`, eventHeaders(key), eventsBody(ids))
  expect(reply).toEqual({ status: 202, body: '{"success":true}' })
  await receiver.until(() => receiver.requests.length >= 2)
  first.kill("SIGKILL")
  await first.ended

  receiver.answer = 200
  const second = await serve([], { cwd: directory })
  await receiver.until(() => receiver.events.length >= ids.length)
  await stop(second)
  expect(receiver.events.map(idOf)).toEqual(ids)
  // The batch that failed before the kill is the one that is sent after it, under the same id.
  const [refused] = receiver.requests
  const delivered = receiver.requests.find(({ status }) => status === 200)!
  expect(delivered.headers["webhook-id"]).toBe(refused!.headers["webhook-id"])
  expect(delivered.body).toBe(refused!.body)
})
