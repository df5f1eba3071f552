import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { EventLog } from "@millrace/core"
import * as Sqlite from "@millrace/store-sqlite"
import {
  describeServer,
  endpointOf,
  startNats,
  startRedis,
  type TestServer,
  tcpProxy,
} from "@millrace/test-servers"
import { DatabaseSync } from "@photostructure/sqlite"
import * as Effect from "effect/Effect"
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest"
import { launch, outcome, type Server, serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"
import { secret, sharedKinds, storeAt } from "../support/stores.ts"

// Each runs many processes, one after the other.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const key = "secret-stores"

const send = (server: Server, ids: ReadonlyArray<string>) =>
  post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody(ids))

const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

/** A directory with a configuration, and what it sends to. */
const setUp = async () => {
  const cwd = tempDir()
  const receiver = await receive()
  const destination = { id: "hook", url: receiver.url, batch: { maxDelay: 0 }, retry: { first: "50 millis" } }
  writeFileSync(
    join(cwd, "millrace.config.json"),
    JSON.stringify({ keys: { server: [key] }, destinations: [destination] }),
  )
  const run = (...args: ReadonlyArray<string>) => outcome(args, { cwd })
  return { cwd, receiver, run, start: (store: string) => serve(["--store", store], { cwd }) }
}

type Setup = Awaited<ReturnType<typeof setUp>>

/** What a command prints; it has to end well. */
const output = async ({ run }: Setup, ...args: ReadonlyArray<string>): Promise<string> => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining("millrace:") })
  return stdout
}

/** A failure is one line, and 1; the same for a server and for commands. */
const failures = async ({ run }: Setup, store: string): Promise<string> => {
  const lines: Array<string> = []
  for (const args of [["serve", "--port", "0"], ["doctor"], ["destinations", "list"]]) {
    const { code, stdout, stderr } = await run(...args, "--store", store)
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/^millrace: [^\n]+\n$/),
    })
    lines.push(stderr)
  }
  expect(new Set(lines).size).toBe(1)
  expect(lines[0]).not.toContain(secret)
  return lines[0]!
}

const idsOf = ({ events }: Receiver) => events.map(({ metadata }) => metadata["id"])

for (const kind of sharedKinds) {
  describeServer(kind.kind, `a store on ${kind.name}`, () => {
    let database: TestServer
    beforeAll(async () => {
      database = await kind.start()
    })
    afterAll(() => database.dispose())

    test("a server says where it is and how safe; commands beside it are noticed", async () => {
      const setup = await setUp()
      const { receiver } = setup
      const store = storeAt(kind, database.url)
      const server = await setup.start(store)
      expect(server.stderr()).toMatch(new RegExp(` started .*store=\\S+ durability=${kind.level} `))
      expect(await send(server, ["a"])).toMatchObject({ status: 202 })
      await receiver.until(() => receiver.events.length === 1)

      expect(await output(setup, "doctor", "--store", store)).toMatch(
        /^ok +server +1 process delivers\n.*ok +ledger +adds up for 1 of 1 destinations\n/s,
      )
      await output(
        setup,
        "destinations",
        "add",
        "--store",
        store,
        "--id",
        "more",
        "--url",
        `${receiver.url}/more`,
      )
      for (let number = 0; !receiver.requests.some(({ url }) => url.endsWith("/more")); number++) {
        expect(await send(server, [`more ${number}`])).toMatchObject({ status: 202 })
        await receiver.until(() => idsOf(receiver).includes(`more ${number}`))
      }
      await output(setup, "destinations", "disable", "--store", store, "more")
      expect(await output(setup, "destinations", "list", "--store", store)).toMatch(/^more +disabled/m)
      const { code, stderr } = await setup.run("send", "--store", store)
      expect({ code, stderr }).toEqual({
        code: 1,
        stderr: expect.stringContaining("only a server can do this"),
      })

      await stop(server)
      expect(await output(setup, "doctor", "--store", store)).toMatch(
        /^note +server +none runs on this store\n/,
      )
    })

    test("what cannot be reached, or does not let in, is one line at the start", async () => {
      const setup = await setUp()
      const proxy = await tcpProxy(endpointOf(database.url))
      onTestFinished(proxy.close)
      await proxy.cut()
      await failures(setup, storeAt(kind, proxy.url(database.url)))
    })

    test("what takes connections and never answers is one line, too, and holds no command up", async () => {
      const setup = await setUp()
      const proxy = await tcpProxy(endpointOf(database.url))
      onTestFinished(proxy.close)
      proxy.stall()
      const store = `${storeAt(kind, proxy.url(database.url))}&requestTimeout=2000`
      expect(await failures(setup, store)).toMatch(/no (answer|connection)/)
    })

    test("what cannot be reached yet is waited for, if that is asked for, and said once", async () => {
      const setup = await setUp()
      const proxy = await tcpProxy(endpointOf(database.url))
      onTestFinished(proxy.close)
      await proxy.cut()
      const store = storeAt(kind, proxy.url(database.url))
      const args = ["serve", "--port", "0", "--store", store, "--wait-for-store"]
      const server = launch([...args, "1 minute"], { cwd: setup.cwd })
      const waited = () => server.stderr().match(/ the store cannot be used yet, and is waited for /g) ?? []
      await server.until(() => waited().length > 0)
      // Several attempts later.
      for (let connections = 0; connections < 3; connections++) {
        await proxy.restore()
        proxy.stall()
        await vi.waitUntil(() => proxy.connections() > 0, { timeout: 30_000 })
        await proxy.cut()
      }
      await proxy.restore()
      await server.until(() => server.stdout().startsWith("millrace listening on "))
      expect(waited()).toHaveLength(1)
      expect(server.stderr()).not.toContain(secret)
      server.kill("SIGTERM")
      expect(await server.ended).toEqual({ code: 0, signal: null })

      await proxy.cut()
      const { code, stdout, stderr } = await setup.run(...args, "500")
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toMatch(/\nmillrace: [^\n]+\n$/)

      const stopped = launch([...args, "1 minute"], { cwd: setup.cwd })
      await stopped.until(() => stopped.stderr().includes("is waited for"))
      stopped.kill("SIGTERM")
      expect(await stopped.ended).toEqual({ code: 0, signal: null })
    })

    test("a level that the server does not give is refused", async () => {
      const setup = await setUp()
      const store = storeAt(kind, database.url)
      const { code, stdout, stderr } = await setup.run(
        "serve",
        "--port",
        "0",
        "--store",
        store,
        "--ack",
        "replicated",
      )
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
      expect(stderr).toContain(
        `millrace: ack: "replicated" is demanded, but this store acknowledges at level "${kind.level}"`,
      )
    })

    test("a server that is alive and does not answer: not ready, long before a call to it is given up", async () => {
      const setup = await setUp()
      const proxy = await tcpProxy(endpointOf(database.url))
      onTestFinished(proxy.close)
      const server = await setup.start(storeAt(kind, proxy.url(database.url)))
      const ready = async () => (await fetch(`${server.url}/readyz`)).status
      expect(await ready()).toBe(200)
      proxy.stall()
      let answered = false
      const sent = send(server, ["a"]).finally(() => {
        answered = true
      })
      expect(await ready()).toBe(503)
      expect(answered).toBe(false)
      await proxy.restore()
      await sent
      while ((await ready()) !== 200);
    })

    test("moving in, and out again: what was pending arrives once, from where it was", async () => {
      const setup = await setUp()
      const { receiver } = setup
      const old = await setup.start("sqlite:old.db")
      receiver.answer = (body) => (body.includes('"bad"') ? 422 : 200)
      await send(old, ["bad"])
      await send(old, ["a"])
      await receiver.until(() => idsOf(receiver).includes("a"))
      // It is refused twice more, now that another event has passed.
      await receiver.until(() => receiver.requests.filter(({ status }) => status === 422).length >= 3)
      receiver.answer = 503
      const before = receiver.requests.length
      for (const id of ["b", "c", "d"]) await send(old, [id])
      await receiver.until(() => receiver.requests.length > before)
      const locked = await setup.run("migrate", "--from", "sqlite:old.db", "--to", "sqlite:new.db")
      expect(locked).toMatchObject({ code: 1, stderr: expect.stringContaining("old.db open: stop it first") })
      await stop(old)

      const store = storeAt(kind, database.url)
      const moved = await output(setup, "migrate", "--from", "sqlite:old.db", "--to", store)
      expect(moved).toMatch(/^moved 5 entries, 5 events, 2 KiB\n1 destination, \d cursors?, 1 dead letter, /)
      expect(moved).toContain("processes: several may run")
      expect(moved.includes('level: "disk" becomes "memory"')).toBe(kind.level === "memory")
      expect(moved).not.toContain("once more")
      const again = await setup.run("migrate", "--from", "sqlite:old.db", "--to", store)
      expect(again).toMatchObject({ code: 1, stderr: "millrace: the target is not empty\n" })
      expect(await output(setup, "doctor", "--store", store)).toMatch(/^ok +ledger +adds up/m)

      receiver.answer = 200
      const server = await setup.start(store)
      await send(server, ["e"])
      await receiver.until(() => receiver.events.length === 5)
      expect(idsOf(receiver).sort()).toEqual(["a", "b", "c", "d", "e"])
      const running = await setup.run("migrate", "--from", store, "--to", "sqlite:back.db")
      expect(running).toMatchObject({ code: 1, stderr: expect.stringContaining("delivers from the source") })
      await stop(server)

      expect(await output(setup, "migrate", "--from", store, "--to", "sqlite:back.db")).toMatch(
        /^moved 6 entries/,
      )
      const back = await setup.start("sqlite:back.db")
      await send(back, ["f"])
      await receiver.until(() => idsOf(receiver).includes("f"))
      await stop(back)
      expect(idsOf(receiver).sort()).toEqual(["a", "b", "c", "d", "e", "f"])
      expect(await output(setup, "dead-letters", "list", "--store", "sqlite:back.db", "--json")).toContain(
        "refused",
      )
    })
  })
}

describeServer("redis", "a password", () => {
  test("that is wrong is one line at the start, without it", async () => {
    const database = await startRedis({ requirepass: secret })
    onTestFinished(database.dispose)
    const setup = await setUp()
    expect(await failures(setup, database.url.replace("://", "://:wrong@"))).toMatch(/password/i)
    const store = database.url.replace("://", `://:${secret}@`)
    const server = await setup.start(store)
    expect(server.stderr()).not.toContain(secret)
    expect(await output(setup, "doctor", "--store", store)).not.toContain(secret)
    await stop(server)
  })
})

describeServer("nats", "privileges", () => {
  test("that are missing are one line at the start", async () => {
    const database = await startNats({
      conf: `authorization { users = [ { user: limited, password: ${secret}, permissions: { publish: "nothing.of.ours" } } ] }`,
    })
    onTestFinished(database.dispose)
    const setup = await setUp()
    await failures(setup, database.url.replace("://", `://limited:${secret}@`))
  })
})

describe("a store in a file", () => {
  test("of a newer version is one line at the start, and stays as it is", async () => {
    const setup = await setUp()
    const server = await setup.start("sqlite:newer.db")
    await stop(server)
    const path = join(setup.cwd, "newer.db")
    const database = new DatabaseSync(path)
    database.exec("PRAGMA user_version = 9999")
    database.close()
    expect(await failures(setup, "sqlite:newer.db")).toMatch(/version/)
    const after = new DatabaseSync(path)
    expect(after.prepare("PRAGMA user_version").get()).toEqual({ user_version: 9999 })
    after.close()
  })
})

describe("a migration that is interrupted", () => {
  const entries = 40_000

  const fill = (path: string) =>
    Effect.gen(function* () {
      const log = yield* EventLog.EventLog
      for (let first = 0; first < entries; first += 1000) {
        yield* log.append(
          Array.from({ length: 1000 }, (_, index) => ({
            ...{ id: (first + index).toString(16).padStart(32, "0"), events: 1, envelope: "{}" },
            body: new Uint8Array(100),
          })),
        )
      }
    }).pipe(Effect.provide(Sqlite.layer({ path })), Effect.scoped, Effect.runPromise)

  test("says how it goes on, keeps servers away, and does go on", async () => {
    const setup = await setUp()
    await fill(join(setup.cwd, "old.db"))
    /** It may be done before it hears of it: then another one is begun. */
    const interrupt = async (number = 0): Promise<ReadonlyArray<string>> => {
      const args = ["migrate", "--from", "sqlite:old.db", "--to", `sqlite:new-${number}.db`]
      const migration = launch(args, { cwd: setup.cwd })
      await migration.until(() => migration.stderr().includes(" %: "))
      migration.kill("SIGINT")
      if ((await migration.ended).code !== 130) return interrupt(number + 1)
      expect(migration.stderr()).toMatch(/\ninterrupted: the same command goes on where it was\n$/)
      return args
    }
    const args = await interrupt()
    const { code, stderr } = await setup.run("serve", "--port", "0", "--store", args[4]!)
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "millrace: store: a migration into it has not been finished: run `millrace migrate` again\n",
    })
    const { stdout } = await setup.run(...args, "--json")
    expect(JSON.parse(stdout)).toMatchObject({ entries, events: entries, repeated: 0, changes: [] })
    expect(await output(setup, "doctor", "--store", args[4]!)).toContain("40000 events in 40000 entries")
  })
})
