import { readdirSync } from "node:fs"
import { Agent } from "node:http"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { describe, expect, onTestFinished, test } from "vitest"
import * as AdminClient from "../../src/admin/AdminClient.ts"
import { outcome, type Server, serve } from "../support/command.ts"
import { eventHeaders, eventsBody, makeLoad, post } from "../support/load.ts"
import { lockDatabase } from "../support/lock.ts"
import { key, stop, writeConfig } from "../support/pipeline.ts"
import { portInUse } from "../support/portInUse.ts"
import { idOf, type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"
import { gone, metricOf, workersListen, workersOf } from "../support/workers.ts"

const twoWorkers = ["--workers", "2"]

const stored = 'millrace_intake_events_total{outcome="stored"}'
const rejected = 'millrace_intake_events_total{outcome="rejected"}'
const failed = 'millrace_intake_events_total{outcome="failed"}'

/** A server on a new directory that sends to a receiver. */
const setUp = async (args: ReadonlyArray<string> = []) => {
  const directory = tempDir()
  const receiver = await receive()
  writeConfig(directory, { hook: receiver.url })
  const start = () => serve([...twoWorkers, ...args], { cwd: directory })
  return { directory, receiver, start }
}

/**
 * By default over a connection of its own: one that is kept may be to a worker that has been
 * killed.
 */
const send = (server: Server, ids: ReadonlyArray<string>, agent = new Agent()) =>
  post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody(ids), agent)

/** Resolves once all of these events are there. */
const receivedAll = async (receiver: Receiver, ids: ReadonlySet<string>): Promise<void> => {
  const missing = new Set(ids)
  let looked = 0
  await receiver.until(() => {
    for (; looked < receiver.events.length; looked++) missing.delete(idOf(receiver.events[looked]!))
    return missing.size === 0
  })
}

describe("keys", () => {
  test("that an operator makes and takes back count in all workers at once, with what they are used for", async () => {
    const { directory, start } = await setUp()
    const server = await start()
    const [socket] = readdirSync(directory).filter((name) => name.endsWith(".sock"))
    const admin = AdminClient.make({ socketPath: join(directory, socket!) })
    const run = Effect.runPromise
    const { id, key: made } = await run(admin.createKey({ name: "shop", kind: "client" }))
    const statuses = async () => {
      // A connection each: both workers have some.
      const replies = Array.from({ length: 20 }, (_, n) =>
        post(`${server.url}/v1/log_event`, eventHeaders(made), eventsBody([`${n}`]), new Agent()),
      )
      return new Set((await Promise.all(replies)).map(({ status }) => status))
    }
    expect(await statuses()).toEqual(new Set([202]))
    const used = async () => {
      const { keys } = await run(admin.keys({}))
      return keys.find((one) => one.id === id)!
    }
    // Workers tell once a second what they have noticed.
    await expect.poll(async () => (await used()).events, { timeout: 20_000 }).toBe(20)
    expect(await used()).toMatchObject({ name: "shop", hint: made.slice(-4), origin: "added" })
    await run(admin.revokeKey({ id }))
    expect(await statuses()).toEqual(new Set([401]))
    const refused = async () => (await run(admin.refusals({}))).refusals
    await expect.poll(async () => (await refused())[0]?.count, { timeout: 20_000 }).toBe(20)
    expect((await refused())[0]).toMatchObject({ status: 401, keyKind: "client-", route: "log_event" })
  })
})

describe("events", () => {
  test("are taken by all workers, delivered once, and counted together", async () => {
    const { directory, receiver, start } = await setUp()
    const server = await start()
    expect(server.stderr()).toContain(" workers=2 ")
    const pids = workersOf(server)
    expect(pids.length).toBe(2)

    const agent = new Agent({ keepAlive: true, maxSockets: 8 })
    onTestFinished(() => agent.destroy())
    const ids = Array.from({ length: 200 }, (_, n) => `id-${n}`)
    const replies = await Promise.all(ids.map((id) => send(server, [id, `${id}-too`], agent)))
    expect(new Set(replies.map(({ status, body }) => `${status} ${body}`))).toEqual(
      new Set(['202 {"success":true}']),
    )
    // A good event beside a bad one, which is kept; a request of which nothing can be used; a key
    // that is none.
    const mixed = JSON.stringify({ events: [{ eventName: "good", user: {}, time: 1 }, { eventName: 7 }] })
    const webhook = `${server.url}/v1/webhooks/event_webhook`
    expect(await post(webhook, { "statsig-api-key": key }, mixed)).toMatchObject({ status: 202 })
    expect(await post(webhook, { "statsig-api-key": key }, "{")).toMatchObject({ status: 400 })
    expect(await post(webhook, { "statsig-api-key": "wrong" }, mixed)).toMatchObject({ status: 401 })
    // The largest body there may be comes through whole.
    const large = eventsBody(["large"], 10 * 1024 * 1024 - 300)
    expect(
      await post(`${server.url}/v1/log_event`, { ...eventHeaders(key), "x-large": "yes" }, large),
    ).toMatchObject({ status: 202 })

    const all = new Set(["large", ...ids.flatMap((id) => [id, `${id}-too`])])
    await receivedAll(receiver, all)
    expect(await metricOf(server, stored)).toBe(all.size + 1)
    expect(await metricOf(server, rejected)).toBe(1)
    for (const [route, status, count] of [
      ["log_event", 202, 201],
      ["event_webhook", 202, 1],
      ["event_webhook", 400, 1],
      ["event_webhook", 401, 1],
    ] as const) {
      const name = `millrace_intake_requests_total{route="${route}",status="${status}"}`
      expect(await metricOf(server, name)).toBe(count)
    }
    for (const worker of [1, 2]) {
      expect(await metricOf(server, `process_cpu_seconds_total{worker="${worker}"}`)).toBeGreaterThan(0)
    }
    const cwd = { cwd: directory }
    const letters = await outcome(["dead-letters", "list", "--destination", "intake", "--json"], cwd)
    expect(JSON.parse(letters.stdout)).toMatchObject({ destination: "intake", reason: "invalid" })
    expect(await outcome(["doctor"], cwd)).toMatchObject({ code: 0 })

    await stop(server)
    await gone(pids)
    expect(readdirSync(directory).sort()).toEqual([
      "millrace.config.json",
      "millrace.db",
      "millrace.db-owner",
      "millrace.db-reserve",
    ])
    const received = receiver.events.filter(({ eventName }) => eventName === "load").map(idOf)
    expect(received.length).toBe(all.size)
    expect(new Set(received)).toEqual(all)
  })

  test("of a locked store get 503, and all is well again by itself", async () => {
    const { directory, receiver, start } = await setUp()
    const server = await start()
    const lock = lockDatabase(join(directory, "millrace.db"))
    expect(await send(server, ["a"])).toEqual({
      status: 503,
      body: '{"success":false,"message":"the store is not reachable","status":503}',
    })
    expect(server.stderr()).toMatch(
      / WARN {2}the store took no events worker=[12] reason=Unavailable error=".*locked.*"\n/,
    )
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
    lock.release()
    expect(await send(server, ["a"])).toMatchObject({ status: 202 })
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    await receiver.until(() => receiver.events.length === 1)
    expect(await metricOf(server, failed)).toBe(1)
    expect(await metricOf(server, stored)).toBe(1)
    await stop(server)
  })
})

test("the first key is made for all of them, and kept", async () => {
  const directory = tempDir()
  const keyless = async () => serve(twoWorkers, { cwd: directory })
  const first = await keyless()
  await first.until(() => first.stdout().includes("curl"))
  const generated = /^ {2}(secret-\S+)$/m.exec(first.stdout())![1]!
  const statuses = async (server: Server) => {
    const some = Array.from({ length: 4 }, () =>
      post(`${server.url}/v1/log_event`, eventHeaders(generated), eventsBody(["a"])),
    )
    return (await Promise.all(some)).map(({ status }) => status)
  }
  expect(await statuses(first)).toEqual([202, 202, 202, 202])
  await stop(first)
  const second = await keyless()
  expect(await statuses(second)).toEqual([202, 202, 202, 202])
  await stop(second)
})

describe("killed", () => {
  test("a worker, again and again under load: another takes its place, and nothing acknowledged is lost", async () => {
    const { receiver, start } = await setUp()
    const server = await start()
    const load = makeLoad(key, 8)
    const rounds = 3
    for (let round = 1; round <= rounds; round++) {
      const before = load.acknowledged.size
      const sending = load.send(server.url)
      await load.until(() => load.acknowledged.size - before >= 300)
      const counted = await metricOf(server, stored)
      const [victim, other] = workersOf(server)
      process.kill(victim!, "SIGKILL")
      await gone([victim!])
      // Meanwhile the other one goes on.
      expect(await send(server, [`meanwhile-${round}`])).toMatchObject({ status: 202 })
      await workersListen(server, 2)
      expect(workersOf(server)).toContain(other)
      // What the one that was killed had counted is not forgotten.
      expect(await metricOf(server, stored)).toBeGreaterThanOrEqual(counted)
      load.stop()
      await sending
    }
    expect(await metricOf(server, "millrace_worker_restarts_total")).toBe(rounds)
    expect(server.stderr()).toContain("WARN  a worker has ended: another one takes its place")
    await receivedAll(receiver, load.acknowledged)
    await stop(server)
    // Only what was cut off may be there without having been acknowledged; nothing is there twice.
    const received = receiver.events.map(idOf).filter((id) => !id.startsWith("meanwhile"))
    expect(new Set(received).size).toBe(received.length)
    expect(received.filter((id) => !load.acknowledged.has(id) && !load.unanswered.has(id))).toEqual([])
    expect(load.refused).toEqual(new Set())
  }, 120_000)

  test("all workers at once: others take the same port", async () => {
    const { receiver, start } = await setUp(["--store", "memory:"])
    const server = await start()
    const pids = workersOf(server)
    for (const pid of pids) process.kill(pid, "SIGKILL")
    await gone(pids)
    const answered = async (): Promise<number> =>
      send(server, ["after"]).then(
        ({ status }) => status,
        () => answered(),
      )
    expect(await answered()).toBe(202)
    await workersListen(server, 2)
    await receiver.until(() => receiver.events.length === 1)
    await stop(server)
  })

  test("the primary under load: its workers go, and nothing acknowledged is lost", async () => {
    const { receiver, start } = await setUp()
    const load = makeLoad(key, 8)
    for (let round = 0; round < 2; round++) {
      const server = await start()
      const pids = workersOf(server)
      const before = load.acknowledged.size
      const sending = load.send(server.url)
      await load.until(() => load.acknowledged.size - before >= 300)
      server.kill("SIGKILL")
      expect(await server.ended).toEqual({ code: null, signal: "SIGKILL" })
      await sending
      await gone(pids)
    }
    const server = await start()
    await receivedAll(receiver, load.acknowledged)
    await stop(server)
    const strange = new Set(receiver.events.map(idOf))
    for (const id of load.acknowledged) strange.delete(id)
    expect([...strange].filter((id) => !load.unanswered.has(id))).toEqual([])
  }, 120_000)
})

describe("stopping", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s under load, to all processes as a terminal does: 0, and nothing lost",
    async (signal) => {
      const { receiver, start } = await setUp()
      const server = await start()
      const pids = workersOf(server)
      const load = makeLoad(key, 8)
      const sending = load.send(server.url)
      await load.until(() => load.acknowledged.size > 300)
      for (const pid of pids) process.kill(pid, signal)
      server.kill(signal)
      expect(await server.ended).toEqual({ code: 0, signal: null })
      await sending
      await gone(pids)
      const received = receiver.events.map(idOf)
      expect([...load.acknowledged].filter((id) => !received.includes(id))).toEqual([])
      expect(new Set(received).size).toBe(received.length)
      expect(server.stderr()).not.toContain("a worker has ended")
    },
  )
})

test("a worker that hangs does not keep the server from stopping", async () => {
  const { start } = await setUp()
  const server = await start()
  const pids = workersOf(server)
  process.kill(pids[0]!, "SIGSTOP")
  await stop(server)
  await gone(pids)
})

describe("not started", () => {
  test.each<readonly [string, ReadonlyArray<string>, string]>([
    ["none", ["--workers", "0"], "millrace: --workers: expected a value between 1 and 64\n"],
    ["less than none", ["--workers=-1"], "millrace: --workers: expected an integer\n"],
    ["a half", ["--workers", "2.5"], "millrace: --workers: expected an integer\n"],
  ])("%s", async (_name, args, stderr) => {
    const ended = await outcome(["serve", "--store", "memory:", ...args], { cwd: tempDir() })
    expect(ended).toEqual({ code: 1, signal: null, stdout: "", stderr })
  })

  test("a port in use", async () => {
    const port = await portInUse()
    const args = ["serve", "--store", "memory:", "--port", String(port), ...twoWorkers]
    expect(await outcome(args, { cwd: tempDir() })).toEqual({
      code: 1,
      signal: null,
      stdout: "",
      stderr: `millrace: cannot listen on 127.0.0.1:${port}: the port is in use\n`,
    })
  })
})
