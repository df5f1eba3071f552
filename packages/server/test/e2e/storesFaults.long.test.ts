import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import {
  describeServer,
  type Kind,
  lackingDisk,
  type NatsCluster,
  type SmallDisk,
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
import { doctor, examined, ready, readyUntil } from "../support/health.ts"
import { makeLoad } from "../support/load.ts"
import { configured, key, say, seconds, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

/** Where the events of one row are kept. */
interface Place {
  /** What `--store` says. */
  readonly store: string
  /** The servers, any of which will do. */
  readonly urls: ReadonlyArray<string>
  /** The schema, or the prefix. */
  readonly name: string
  readonly server: TestServer
  /** What the server has its data on, where that is a disk of its own. */
  readonly disk?: SmallDisk
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
  /** Why it cannot be brought about on this machine. */
  readonly lacking?: string | undefined
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
    name: "PostgreSQL that is made a standby",
    at: onPostgres,
    condition: "read-only",
    detail: "the server is read-only",
    begin: async ({ server }) => {
      await server.stop()
      writeFileSync(join(server.directory, "data", "standby.signal"), "")
      await server.start()
    },
    end: ({ server }) => withPostgres(server.url, (client) => client.query("SELECT pg_promote()")),
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
    name: "Redis whose disk is full",
    at: async () => {
      const disk = smallDisk(8)
      onTestFinished(() => disk.remove())
      const server = await startRedis({ dir: disk.directory, appendfsync: "everysec" })
      onTestFinished(server.dispose)
      return { ...placeOn(server, "prefix"), disk }
    },
    condition: "full",
    detail: "the server's disk is full",
    lacking: lackingDisk(),
    begin: async ({ disk }) => disk?.fill(),
    end: async ({ disk }) => disk?.clear(),
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
  const cwd = configured(receiver)
  return serve(["--store", store], { cwd })
}

for (const { kind, name, at, condition, detail, level, begin, end, lacking } of faults) {
  const skipped = lacking === undefined ? "" : ` (skipped: ${lacking})`
  describeServer(kind, name, () => {
    const promise = `is told as ${condition}, nothing acknowledged is lost, and it goes on by itself`
    test.skipIf(lacking !== undefined)(
      `${promise}${skipped}`,
      async () => {
        const place = await at()
        const { store } = place
        const receiver = await receive()
        const cwd = configured(receiver, level === undefined ? {} : { ack: level })
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
        // It may be away first.
        while (!(await readyUntil(server, 503)).includes(`the store is ${condition}`));
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
      },
      120_000,
    )
  })
}

describeServer("postgres", "PostgreSQL with pages overwritten under pending events", () => {
  test("is told as damaged, and goes on by itself when they are put back", async () => {
    const database = await startPostgres()
    onTestFinished(database.dispose)
    const store = database.url
    const receiver = await receive()
    receiver.answer = 503
    const cwd = configured(receiver)
    const first = await serve(["--store", store], { cwd })
    const load = makeLoad(key, senders)
    load.during("up", 2_000)
    const sending = load.send(first.url)
    await load.until(() => load.answers("up").acknowledged >= 40)
    load.stop()
    await sending
    await stop(first)
    const file = await withPostgres(store, async (client) => {
      const { rows } = await client.query<{ path: string }>(
        `SELECT pg_relation_filepath(reltoastrelid::regclass) AS path FROM pg_class
         WHERE oid = 'millrace.bodies_0'::regclass`,
      )
      return join(database.directory, "data", rows[0]!.path)
    })
    await database.stop()
    const kept = readFileSync(file)
    writeFileSync(file, Buffer.alloc(kept.length, 0xff))
    await database.start()

    receiver.answer = 200
    const server = await serve(["--store", store], { cwd })
    const problem = "the store is damaged, and what is stored does not go out"
    expect(await readyUntil(server, 503)).toContain(problem)
    expect(await doctor(cwd, store)).toContainEqual(
      expect.stringMatching(
        /what comes next cannot be read: it is damaged: .*the server finds its data damaged/,
      ),
    )
    await database.stop()
    writeFileSync(file, kept)
    await database.start()
    await readyUntil(server, 200)
    await delivered(receiver, load, ["receiver"])
    await stop(server)
    await expectLedger(store, receiver, load, ["receiver"])
  }, 120_000)
})
