import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect as connectNats, type NatsConnection } from "@nats-io/transport-node"
import { Redis } from "ioredis"
import pg from "pg"
import { afterEach, expect, it, vi } from "vitest"
import {
  available,
  describeServer,
  lacking,
  reachable,
  startNats,
  startNatsCluster,
  startPostgres,
  startRedis,
} from "../src/index.ts"

// A whole server starts in a moment, unless the machine has better things to do.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const undo: Array<() => unknown> = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** Disposes of it after the test. */
const kept = <A extends { readonly dispose: () => Promise<void> }>(server: A): A => {
  undo.push(server.dispose)
  return server
}

it("says of every kind whether it is there", () => {
  for (const kind of ["postgres", "redis", "nats"] as const) {
    expect(available(kind)).toBe(lacking(kind) === undefined)
  }
})

it("finds nobody where nobody listens, and keeps passwords to itself", async () => {
  expect(await reachable("redis://127.0.0.1:1")).toBe(false)
  await expect(reachable("secret")).rejects.toThrow(/^(?!.*secret)/)
})

describeServer("postgres", "a PostgreSQL server", () => {
  const query = async (url: string, text: string): Promise<ReadonlyArray<unknown>> => {
    const client = new pg.Client({ connectionString: url })
    client.on("error", () => {})
    await client.connect()
    try {
      return (await client.query({ text, rowMode: "array" })).rows.flat()
    } finally {
      await client.end()
    }
  }

  it("is killed and stopped, and comes back with its data and settings", async () => {
    const server = kept(await startPostgres({ max_connections: "17" }))
    await query(server.url, "create table kept as select 42 as n")
    const busy = new pg.Client({ connectionString: server.url })
    // More than one may come of it.
    busy.on("error", () => {})
    await busy.connect()
    const lost = new Promise((resolve) => busy.once("end", resolve))
    await server.kill()
    await lost
    expect(await reachable(server.url)).toBe(false)
    await server.start()
    expect(await query(server.url, "select n from kept")).toEqual([42])
    await server.stop()
    expect(await reachable(server.url)).toBe(false)
    await server.start()
    expect(await query(server.url, "select n, current_setting('max_connections') from kept")).toEqual([
      42,
      "17",
    ])
  })

  it("answers nobody while it is paused", async () => {
    const server = kept(await startPostgres())
    const client = new pg.Client({ connectionString: server.url })
    client.on("error", () => {})
    await client.connect()
    await server.pause()
    let answered = false
    const answer = client.query("select 1").then(() => {
      answered = true
    })
    expect(await reachable(server.url)).toBe(true)
    expect(answered).toBe(false)
    server.resume()
    await answer
    await client.end()
  })
})

describeServer("redis", "a Redis server", () => {
  const client = (url: string): Redis => {
    const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 })
    redis.on("error", () => {})
    undo.push(() => redis.disconnect())
    return redis
  }

  it("is killed and stopped, and comes back with its data and settings", async () => {
    const server = kept(await startRedis({ appendfsync: "always" }))
    await client(server.url).set("kept", "42")
    await server.kill()
    expect(await reachable(server.url)).toBe(false)
    await server.start()
    expect(await client(server.url).get("kept")).toBe("42")
    await server.stop()
    await server.start()
    expect(await client(server.url).config("GET", "appendfsync")).toEqual(["appendfsync", "always"])
    expect(await client(server.url).get("kept")).toBe("42")
  })

  it("answers nobody while it is paused, and may be killed then", async () => {
    const server = kept(await startRedis())
    const redis = client(server.url)
    await redis.ping()
    await server.pause()
    let answered = false
    const answer = redis.ping().then(() => {
      answered = true
    })
    expect(await reachable(server.url)).toBe(true)
    expect(answered).toBe(false)
    server.resume()
    await answer
    await server.pause()
    await server.dispose()
    expect(await reachable(server.url)).toBe(false)
    expect(existsSync(server.directory)).toBe(false)
  })

  it("is gone with the process that started it, killed or not", async () => {
    const owner = spawn(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL("./support/owner.ts", import.meta.url))],
      { stdio: ["ignore", "pipe", "inherit"] },
    )
    undo.push(() => owner.kill("SIGKILL"))
    const [line] = await once(owner.stdout.setEncoding("utf8"), "data")
    const { url, directory } = JSON.parse(String(line))
    expect(await reachable(url)).toBe(true)
    owner.kill("SIGKILL")
    while (await reachable(url)) await delay(10)
    while (existsSync(directory)) await delay(10)
  })

  it("that does not start says why", async () => {
    await expect(startRedis({ "no-such-setting": "1" })).rejects.toThrow(/no-such-setting/)
  })
})

describeServer("nats", "a NATS server", () => {
  const client = async (servers: string | ReadonlyArray<string>): Promise<NatsConnection> => {
    const connection = await connectNats({ servers: [servers].flat(), timeout: 20_000 })
    undo.push(() => connection.close())
    return connection
  }

  it("is killed, and comes back with its streams", async () => {
    const server = kept(await startNats({ conf: "max_payload: 12345" }))
    const before = await client(server.url)
    expect(before.info?.max_payload).toBe(12_345)
    await (await jetstreamManager(before)).streams.add({ name: "kept", subjects: ["kept"] })
    await jetstream(before).publish("kept", "42")
    await before.close()
    await server.kill()
    expect(await reachable(server.url)).toBe(false)
    await server.start()
    const after = await client(server.url)
    expect((await (await jetstreamManager(after)).streams.info("kept")).state.messages).toBe(1)
  })

  it("of three nodes goes on without one, and takes it back", async () => {
    const cluster = kept(await startNatsCluster(3))
    const [first, ...others] = cluster.nodes
    const connection = await client(cluster.urls.slice(1))
    const manager = await jetstreamManager(connection, { timeout: 20_000 })
    await manager.streams.add({ name: "kept", subjects: ["kept"], num_replicas: 3 })
    await jetstream(connection).publish("kept", "1")
    await first?.kill()
    await cluster.settled(others)
    const publish = async (): Promise<void> => {
      // Until a leader is there again.
      await jetstream(connection, { timeout: 2000 }).publish("kept", "2", { msgID: "2" }).catch(publish)
    }
    await publish()
    await first?.start()
    await cluster.settled()
    expect((await manager.streams.info("kept")).state.messages).toBe(2)
  })
})
