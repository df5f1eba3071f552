import {
  describeServer,
  type Kind,
  lackingDisk,
  type NatsCluster,
  smallDisk,
  startNats,
  startNatsCluster,
  startPostgres,
  startRedis,
  type TestServer,
  withJetStream,
  withPostgres,
  withRedis,
} from "@millrace/test-servers"
import { expect, onTestFinished, test } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { delivered, expectLedger } from "../support/delivered.ts"
import { doctor, examined, lookAround, ready, readyUntil } from "../support/health.ts"
import { makeLoad } from "../support/load.ts"
import { key, say, seconds, stop, writeConfig } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

/** Where the events of one row are kept. */
interface Place {
  /** What `--store` says. */
  readonly store: string
  /** The servers, any of which will do. */
  readonly urls: ReadonlyArray<string>
  /** The schema, or the prefix. */
  readonly name: string
  readonly server: TestServer
}

/** Something that a store does, for a time, instead of keeping events. */
interface Fault {
  readonly kind: Kind
  /** "Redis that ..." */
  readonly name: string
  readonly at: () => Promise<Place>
  /** What `/readyz` calls the store. */
  readonly condition: string
  /** What `doctor` says besides. */
  readonly detail: string
  /** What `--ack` demands; a server that demands nothing runs beside, and only warns. */
  readonly level?: "disk" | "replicated"
  readonly begin: (place: Place) => Promise<unknown>
  readonly end: (place: Place) => Promise<unknown>
}

let rows = 0

const once = <A>(start: () => Promise<A>): (() => Promise<A>) => {
  let started: Promise<A> | undefined
  return () => {
    started ??= start()
    return started
  }
}

/** Rows share servers, which end with this process. */
const servers = {
  postgres: once(() => startPostgres()),
  redis: once(() => startRedis({ appendfsync: "always", maxmemory: "500mb" })),
  nats: once(() => startNats()),
  cluster: once(() => startNatsCluster(3)),
}

const placeOn = (server: TestServer, parameter: "schema" | "prefix"): Place => {
  rows += 1
  const name = `row_${rows}`
  return { store: `${server.url}?${parameter}=${name}`, urls: [server.url], name, server }
}

const onPostgres = async () => placeOn(await servers.postgres(), "schema")
const onRedis = async () => placeOn(await servers.redis(), "prefix")
const onNats = async () => placeOn(await servers.nats(), "prefix")
const onCluster = async (): Promise<Place> => {
  const { urls, nodes }: NatsCluster = await servers.cluster()
  const { name, server } = placeOn(nodes[0]!, "prefix")
  const hosts = urls.map((url) => new URL(url).host)
  return { store: `nats://${hosts.join(",")}?replicas=3&prefix=${name}`, urls, name, server }
}

const sql =
  (...statements: ReadonlyArray<string>) =>
  ({ server }: Place) =>
    withPostgres(server.url, async (client) => {
      for (const statement of ["SET transaction_read_only = off", ...statements])
        await client.query(statement)
    })

const alter = (setting: string) =>
  sql("SET default_transaction_read_only = off", `ALTER SYSTEM ${setting}`, "SELECT pg_reload_conf()")

const redis =
  (...command: ReadonlyArray<string>) =>
  ({ server, name }: Place) =>
    withRedis(server.url, (client) => {
      const [first = "", ...rest] = command.map((word) => word.replace("PREFIX", name))
      return client.call(first, ...rest)
    })

const replicas =
  (num_replicas: number) =>
  ({ urls, name }: Place) =>
    withJetStream(urls, (manager) => manager.streams.update(`${name}_LOG_0`, { num_replicas }))

const paused = {
  condition: "not reachable",
  begin: ({ server }: Place) => server.pause(),
  end: async ({ server }: Place) => server.resume(),
}

const tooLow = { condition: "set up to keep less than it promises" }

const faults: ReadonlyArray<Fault> = [
  {
    kind: "postgres",
    name: "PostgreSQL that is made read-only",
    at: onPostgres,
    condition: "read-only",
    detail: "the server is read-only",
    begin: alter("SET default_transaction_read_only = on"),
    end: alter("RESET default_transaction_read_only"),
  },
  {
    kind: "postgres",
    name: "PostgreSQL that no longer syncs",
    at: onPostgres,
    ...tooLow,
    detail: "fsync is off",
    begin: alter("SET fsync = off"),
    end: alter("RESET fsync"),
  },
  {
    kind: "postgres",
    name: "PostgreSQL that hangs",
    at: onPostgres,
    ...paused,
    detail: "no answer",
  },
  {
    kind: "redis",
    name: "Redis that is made a replica",
    at: onRedis,
    condition: "read-only",
    detail: "the server is a read-only replica",
    begin: redis("REPLICAOF", "127.0.0.1", "1"),
    end: redis("REPLICAOF", "NO", "ONE"),
  },
  {
    kind: "redis",
    name: "Redis without its append-only file",
    at: onRedis,
    ...tooLow,
    level: "disk",
    detail: "appendonly is off",
    begin: redis("CONFIG", "SET", "appendonly", "no"),
    end: redis("CONFIG", "SET", "appendonly", "yes"),
  },
  {
    kind: "redis",
    name: "Redis that syncs once a second",
    at: onRedis,
    ...tooLow,
    level: "disk",
    detail: "appendfsync is everysec",
    begin: redis("CONFIG", "SET", "appendfsync", "everysec"),
    end: redis("CONFIG", "SET", "appendfsync", "always"),
  },
  {
    kind: "redis",
    name: "Redis that evicts",
    at: onRedis,
    ...tooLow,
    detail: "maxmemory-policy is allkeys-lru",
    begin: redis("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"),
    end: redis("CONFIG", "SET", "maxmemory-policy", "noeviction"),
  },
  {
    kind: "redis",
    name: "Redis one of whose keys is somebody else's",
    at: onRedis,
    condition: "damaged",
    detail: "is another program's",
    begin: redis(
      ...["EVAL", "redis.call('RENAME', KEYS[1], KEYS[2]) redis.call('SET', KEYS[1], 'theirs')"],
      ...["2", "{PREFIX}:log:0:bodies", "{PREFIX}:kept"],
    ),
    end: redis("RENAME", "{PREFIX}:kept", "{PREFIX}:log:0:bodies"),
  },
  {
    kind: "redis",
    name: "Redis that hangs",
    at: onRedis,
    ...paused,
    detail: "no answer",
  },
  {
    kind: "nats",
    name: "JetStream whose log is edited to have one replica",
    at: onCluster,
    ...tooLow,
    level: "replicated",
    detail: "one replica",
    begin: replicas(1),
    end: replicas(3),
  },
  {
    kind: "nats",
    name: "NATS that hangs",
    at: onNats,
    ...paused,
    detail: "no answer",
  },
]

const senders = 4

/** Without a demand, an event is taken at the level that there is. */
const serveUndemanding = async ({ store }: Place, receiver: { readonly url: string }): Promise<Server> => {
  const cwd = tempDir()
  writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
  return serve(["--store", store], { cwd })
}

for (const { kind, name, at, condition, detail, level, begin, end } of faults) {
  describeServer(kind, name, () => {
    test(`is told as ${condition}, nothing acknowledged is lost, and it goes on by itself`, async () => {
      const place = await at()
      const { store } = place
      const cwd = tempDir()
      const receiver = await receive()
      writeConfig(cwd, { receiver: `${receiver.url}/receiver` }, level === undefined ? {} : { ack: level })
      const server = await serve(["--store", store], { cwd })
      const lenient = level === undefined ? undefined : await serveUndemanding(place, receiver)
      const load = makeLoad(key, senders, { pause: 2 })
      load.during("up")
      const sending = load.send(server.url)
      await load.until(() => load.answers("up").acknowledged >= 50)
      expect((await ready(server)).status).toBe(200)

      const begun = performance.now()
      onTestFinished(() => end(place).then(undefined, () => {}))
      await begin(place)
      expect(await readyUntil(server, 503)).toContain(`the store is ${condition}`)
      const byReadiness = performance.now() - begun
      load.during("down")
      const found = await examined(cwd, store)
      const byDoctor = performance.now() - begun
      expect(found).toContainEqual(expect.stringContaining(detail))
      expect(found).toContainEqual(expect.stringMatching(/^(wrong|millrace: )/))
      await load.until(() => load.answers("down").refused >= 2 * senders)
      expect(load.answers("down").acknowledged).toBe(0)
      if (lenient !== undefined) {
        await lenient.until(() => lenient.stderr().includes(detail))
        expect((await ready(lenient)).status).toBe(200)
      }

      await end(place)
      const ended = performance.now()
      load.during("up again")
      await load.until(() => load.answers("up again").acknowledged >= 50)
      await readyUntil(server, 200)
      const back = performance.now() - ended
      load.stop()
      await sending
      await delivered(receiver, load, ["receiver"])
      for (const one of lenient === undefined ? [server] : [lenient, server]) await stop(one)
      expect(load.unanswered).toEqual(new Set())
      await expectLedger(store, receiver, load, ["receiver"])
      say(
        `${name}: told by /readyz after ${seconds(byReadiness)}, by doctor after ${seconds(byDoctor)}, ` +
          `back after ${seconds(back)}, ${load.acknowledged.size} events acknowledged`,
      )
    }, 120_000)
  })
}

/** A server that holds less than the log may take. */
interface Small {
  readonly kind: Kind
  readonly name: string
  readonly start: () => Promise<TestServer>
  readonly parameters?: string
  /** What the log says at the start, where the server tells what it has. */
  readonly warning?: string
  readonly lacking?: string | undefined
}

const small: ReadonlyArray<Small> = [
  {
    kind: "redis",
    name: "Redis",
    start: () => startRedis({ appendfsync: "always", maxmemory: "30mb", "maxmemory-policy": "noeviction" }),
    warning: "the server has 31457280 in all",
  },
  {
    kind: "nats",
    name: "JetStream",
    start: () => startNats({ jetstream: "max_file: 24MB" }),
    warning: "the server has room for about",
  },
  {
    kind: "postgres",
    name: "PostgreSQL",
    start: () => {
      const disk = smallDisk(64)
      onTestFinished(() => disk.remove())
      return startPostgres({}, disk)
    },
    lacking: lackingDisk(),
  },
]

/** Bytes of an event beside what it takes. */
const padding = 20_000

for (const { kind, name, start, warning, lacking } of small) {
  const skipped = lacking === undefined ? "" : ` (skipped: ${lacking})`
  describeServer(kind, `${name} that is smaller than the log's cap`, () => {
    test.skipIf(lacking !== undefined)(
      `full of what is pending, says so, can be looked at and started anew, and is emptied; what is delivered makes room${skipped}`,
      async () => {
        const database = await start()
        onTestFinished(database.dispose)
        const store = database.url
        const cwd = tempDir()
        const receiver = await receive()
        receiver.answer = 503
        writeConfig(cwd, { receiver: `${receiver.url}/receiver` })
        const server = await serve(["--store", store], { cwd })
        if (warning !== undefined) expect(server.stderr()).toContain(warning)
        const load = makeLoad(key, senders)
        load.during("filling", padding)
        const sending = load.send(server.url)
        await load.until(() => load.answers("filling").refused >= 1)
        const begun = performance.now()
        expect(await readyUntil(server, 503)).toContain("the store is full")
        const isFull = [expect.stringMatching(/^wrong +store +takes no events: it is full: /)]
        expect(await doctor(cwd, store)).toEqual(expect.arrayContaining(isFull))
        const byDoctor = performance.now() - begun
        await load.until(() => load.answers("filling").refused >= 20)
        await lookAround(cwd, store)
        load.stop()
        await sending
        await stop(server)

        const again = await serve(["--store", store], { cwd })
        expect(await readyUntil(again, 503)).toContain("the store is full")
        receiver.answer = 200
        await delivered(receiver, load, ["receiver"])
        await readyUntil(again, 200)
        load.during("emptied", padding)
        const sendingAgain = load.send(again.url)
        // Twice what it holds.
        await load.until(() => load.answers("emptied").acknowledged >= 300)
        load.stop()
        await sendingAgain
        await readyUntil(again, 200)
        await delivered(receiver, load, ["receiver"])
        await stop(again)
        expect(load.unanswered).toEqual(new Set())
        await expectLedger(store, receiver, load, ["receiver"])
        say(
          `${name}: told by doctor after ${seconds(byDoctor)}, ${load.acknowledged.size} events acknowledged, ` +
            `${load.refused.size} refused`,
        )
      },
      120_000,
    )
  })
}
