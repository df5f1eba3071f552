import { rmSync } from "node:fs"
import { join } from "node:path"
import {
  describeServer,
  type Kind,
  startNats,
  startPostgres,
  startRedis,
  type TestServer,
  withPostgres,
} from "@millrace/test-servers"
import { expect, onTestFinished, test } from "vitest"
import { type Server, serve } from "../support/command.ts"
import { delivered } from "../support/delivered.ts"
import { makeLoad } from "../support/load.ts"
import { configured, key, say, seconds, stop } from "../support/pipeline.ts"
import { receive } from "../support/receiver.ts"

/** A server that loses everything it has, and goes on. */
interface Emptied {
  readonly kind: Kind
  readonly name: string
  /** At the level that it acknowledges at. */
  readonly start: (level: "memory" | "disk") => Promise<TestServer>
  readonly storeAt: (url: string, level: "memory" | "disk") => string
  readonly empty: (server: TestServer) => Promise<void>
}

/** As a container without a volume is started again. */
const restartWithout =
  (names: ReadonlyArray<string>) =>
  async (server: TestServer): Promise<void> => {
    await server.kill()
    for (const name of names) rmSync(join(server.directory, name), { recursive: true, force: true })
    await server.start()
  }

const stores: ReadonlyArray<Emptied> = [
  {
    kind: "redis",
    name: "Redis",
    start: (level) => startRedis(level === "disk" ? { appendfsync: "always" } : {}),
    storeAt: (url) => url,
    empty: restartWithout(["dump.rdb", "appendonlydir"]),
  },
  {
    kind: "nats",
    name: "NATS",
    start: () => startNats(),
    // What the server's configuration says it tells nobody.
    storeAt: (url, level) => (level === "disk" ? `${url}?sync=always` : url),
    empty: restartWithout(["jetstream"]),
  },
  {
    kind: "postgres",
    name: "PostgreSQL",
    start: (level) => startPostgres(level === "disk" ? {} : { fsync: "off" }),
    storeAt: (url) => url,
    empty: ({ url }) =>
      withPostgres(url, async (client) => {
        await client.query("DROP SCHEMA millrace CASCADE")
      }),
  },
]

const senders = 4

const readyz = async ({ url }: Server): Promise<number> => (await fetch(`${url}/readyz`)).status

for (const { kind, name, start, storeAt, empty } of stores) {
  const setUp = async (level: "memory" | "disk") => {
    const database = await start(level)
    onTestFinished(database.dispose)
    const receiver = await receive()
    const cwd = configured(receiver)
    const store = storeAt(database.url, level)
    const server = await serve(["--store", store], { cwd })
    expect(server.stderr()).toMatch(new RegExp(` started .* durability=${level} `))
    const before = makeLoad(key, senders, { pause: 2, prefix: "before " })
    const sending = before.send(server.url)
    await before.until(() => before.answers("").acknowledged >= 100)
    return { database, cwd, receiver, server, store, before, sending }
  }

  describeServer(kind, `${name} that comes back emptied`, () => {
    test("where it acknowledged in memory: it is gone on with, nothing acknowledged afterwards is lost, and the log says once what is", async () => {
      const { database, receiver, server, before, sending } = await setUp("memory")
      before.stop()
      await sending
      await delivered(receiver, before, ["receiver"])
      const emptiedAt = performance.now()
      await empty(database)
      const after = makeLoad(key, senders, { pause: 2, prefix: "after " })
      const going = after.send(server.url)
      await after.until(() => after.answers("").acknowledged >= 1)
      const back = performance.now() - emptiedAt
      await after.until(() => after.answers("").acknowledged >= 200)
      while ((await readyz(server)) !== 200);
      after.stop()
      await going
      await delivered(receiver, after, ["receiver"])
      expect(after.unanswered).toEqual(new Set())
      const lines = server.stderr().split("\n")
      expect(lines.filter((line) => line.includes("was emptied, and is begun anew"))).toHaveLength(1)
      expect(lines.filter((line) => line.includes("goes on behind what is left"))).toHaveLength(1)
      await stop(server)
      say(`${name}: taken from again ${seconds(back)} after it was emptied, in a process of its own`)
    }, 120_000)

    test("where it acknowledged on disk: the process ends, says what to do, and one that is started begins anew", async () => {
      const { database, cwd, receiver, server, store, before, sending } = await setUp("disk")
      const emptiedAt = performance.now()
      await empty(database)
      const { code, signal } = await server.ended
      const lasted = performance.now() - emptiedAt
      await sending
      expect({ code, signal }).toEqual({ code: 1, signal: null })
      const [last] = server.stderr().trim().split("\n").slice(-1)
      expect(last).toMatch(
        /^millrace: .*was emptied while it was open: .* at level "disk"\. Put the servers?'s? data back and start again; or start again without, to begin anew$/,
      )
      const taken = before.answers("").acknowledged

      const anew = await serve(["--store", store], { cwd })
      const after = makeLoad(key, senders, { pause: 2, prefix: "after " })
      const going = after.send(anew.url)
      await after.until(() => after.answers("").acknowledged >= 100)
      after.stop()
      await going
      await delivered(receiver, after, ["receiver"])
      await stop(anew)
      say(`${name}: ended ${seconds(lasted)} after it was emptied, ${taken} batches acknowledged before`)
    }, 120_000)
  })
}
