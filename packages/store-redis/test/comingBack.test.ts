import { rmSync } from "node:fs"
import { join } from "node:path"
import { Position } from "@millrace/core/store"
import {
  describeServer,
  endpointOf,
  startRedis,
  startRedisPair,
  type TestServer,
  tcpProxy,
} from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, it, onTestFinished } from "vitest"
import { removeKeys, withRedis } from "./support/server.ts"
import { entries, entry, open, type Ports, readAll, run, until } from "./support/store.ts"

const started = async (settings: Readonly<Record<string, string>>): Promise<TestServer> => {
  const server = await startRedis(settings)
  onTestFinished(() => server.dispose())
  return server
}

const change = (server: TestServer, body: Parameters<typeof withRedis>[0]) =>
  Effect.promise(() => withRedis(body, server.url))

/** Real servers that die and come back. */
const patience = 120_000

describeServer("redis", "a server that comes back", () => {
  it(
    "killed under load, has all it had acknowledged, once, and takes more",
    async () => {
      const server = await started({ appendfsync: "always" })
      await run(
        Effect.gen(function* () {
          const { log, cursors } = yield* open({ url: server.url })
          expect(log.durability).toBe("disk")
          const cursor = yield* cursors.acquire("a/0")
          const acknowledged = new Map<number, string>()
          const appender = (first: number) =>
            Effect.gen(function* () {
              for (let number = first; number < 1_000_000; number += 8) {
                const [position] = yield* log.append([entry(number, 5_000)])
                acknowledged.set(number, position ?? "")
              }
            })
          for (let round = 0; round < 3; round++) {
            const before = acknowledged.size
            const from = (round + 1) * 100_000
            const appending = yield* Effect.forkChild(
              Effect.all(
                Array.from({ length: 8 }, (_, number) => Effect.flip(appender(from + number))),
                { concurrency: "unbounded" },
              ),
            )
            yield* until(
              Effect.sync(() => acknowledged.size),
              ({ value = 0 }) => value > before + 200,
            )
            yield* Effect.promise(() => server.kill())
            for (const error of yield* Fiber.join(appending)) expect(error.reason._tag).toBe("Unavailable")
            yield* Effect.promise(() => server.start())
            yield* until(log.bounds(0), ({ error }) => error === undefined)
          }
          const found = yield* readAll(log)
          const positions = new Map(found)
          expect(positions.size).toBe(found.length)
          expect(new Map([...acknowledged].map(([number]) => [number, positions.get(number)]))).toEqual(
            acknowledged,
          )
          const [last] = yield* log.append([entry(1)])
          expect(Position.parse(last ?? Position.origin)?.number).toBe(found.length + 1)
          const record = { position: Position.origin, index: 0, state: "" }
          expect(yield* cursors.save([{ name: "a/0", epoch: cursor.epoch, record }])).toEqual(["saved"])
        }),
      )
    },
    patience,
  )

  it(
    "without what it had acknowledged, goes on with what is left, also in the place of what is lost",
    async () => {
      const server = await started({ appendonly: "no" })
      await run(
        Effect.gen(function* () {
          const [{ log }, { log: other }] = [
            yield* open({ url: server.url }),
            yield* open({ url: server.url }),
          ]
          const kept = yield* log.append(entries(1, 5))
          yield* change(server, (redis) => redis.save())
          const lost = yield* log.append(entries(6, 9))
          yield* until(other.bounds(0), ({ value }) => value?.head === lost.at(-1))
          yield* Effect.promise(() => server.kill())
          yield* Effect.promise(() => server.start())
          // Another one is there first, and appends at the very numbers that were lost.
          yield* until(other.append(entries(10, 20)), ({ error }) => error === undefined)
          yield* until(log.bounds(0), ({ error }) => error === undefined)
          for (const position of lost) {
            const { reason } = yield* Effect.flip(log.read(0, position, { maxEntries: 10, maxBytes: 1000 }))
            expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: kept.at(-1) })
          }
          expect((yield* readAll(log)).map(([number]) => number)).toEqual([
            ...[1, 2, 3, 4, 5],
            ...Array.from({ length: 11 }, (_, at) => 10 + at),
          ])
        }),
      )
    },
    patience,
  )

  it(
    "less safe than it was, says so within seconds, and that it is safe again",
    async () => {
      const server = await started({ appendfsync: "always" })
      const lines = await run(
        Effect.gen(function* () {
          const { log } = yield* open({ url: server.url })
          const level = Effect.sync(() => log.durability)
          for (const [setting, value, right] of [
            ["appendfsync", "everysec", "always"],
            ["appendonly", "no", "yes"],
            ["no-appendfsync-on-rewrite", "yes", "no"],
          ] as const) {
            expect(log.durability).toBe("disk")
            yield* change(server, (redis) => redis.config("SET", setting, value))
            yield* until(level, (answer) => answer.value === "memory")
            // It goes on: whether that is enough is for who uses the log to say.
            yield* log.append([entry(1)])
            yield* change(server, (redis) => redis.config("SET", setting, right))
            yield* until(level, (answer) => answer.value === "disk")
          }
        }),
      )
      const safe = expect.stringMatching(/: acknowledged events are safe again$/)
      expect(lines).toEqual([
        expect.stringMatching(/events can be lost .*appendfsync is everysec/),
        safe,
        expect.stringMatching(/events can be lost .*appendonly is off/),
        safe,
        expect.stringMatching(/events can be lost .*no-appendfsync-on-rewrite is yes/),
        safe,
      ])
    },
    patience,
  )

  it(
    "told to evict keys takes nothing until it is told otherwise, and what it has can be read",
    async () => {
      const server = await started({
        appendfsync: "always",
        maxmemory: "1gb",
        "maxmemory-policy": "noeviction",
      })
      await run(
        Effect.gen(function* () {
          const { log, health } = yield* open({ url: server.url })
          yield* log.append(entries(1, 2))
          yield* health.probe
          for (const policy of ["allkeys-lru", "allkeys-random"]) {
            yield* change(server, (redis) => redis.config("SET", "maxmemory-policy", policy))
            yield* until(
              log.append([entry(1)]),
              ({ error }) => error?.message.includes(`${policy}, with which the server drops`) ?? false,
            )
            expect((yield* Effect.flip(health.probe)).reason._tag).toBe("LevelTooLow")
            expect(yield* health.examine).toEqual([
              { level: "wrong", message: expect.stringContaining(policy) },
              { level: "note", message: expect.stringContaining("maxmemory") },
            ])
            expect(yield* readAll(log)).toHaveLength(2)
            yield* change(server, (redis) => redis.config("SET", "maxmemory-policy", "noeviction"))
            yield* until(log.append([entry(2)]), ({ error }) => error === undefined)
          }
        }),
      )
    },
    patience,
  )
})

describeServer("redis", "a primary that becomes a replica, behind an address that moves", () => {
  it(
    "is left for the one that takes writes, by who appends and by who only reads",
    async () => {
      const pair = await startRedisPair({ appendfsync: "always" })
      onTestFinished(() => pair.dispose())
      const proxy = await tcpProxy(endpointOf(pair.primary.url))
      onTestFinished(() => proxy.close())
      await run(
        Effect.gen(function* () {
          const url = proxy.url(pair.primary.url)
          const [{ log, health }, { log: reader }] = [yield* open({ url }), yield* open({ url })]
          yield* log.append(entries(1, 3))
          yield* Effect.promise(() => pair.swap())
          const refusal = yield* Effect.flip(log.append([entry(4)]))
          expect([refusal.reason._tag, refusal.message]).toEqual([
            "ReadOnly",
            expect.stringMatching(/read-only replica/),
          ])
          expect((yield* Effect.flip(health.probe)).reason._tag).toBe("ReadOnly")
          proxy.moveTo(endpointOf(pair.replica.url))
          yield* until(log.append([entry(4)]), ({ error }) => error === undefined)
          yield* until(readAll(reader), ({ value }) => value?.length === 4)
          // What was the primary is cut off now: who had stayed with it would not see this.
          yield* Effect.promise(() => pair.primary.kill())
          yield* log.append([entry(5)])
          yield* until(readAll(reader), ({ value }) => value?.length === 5)
        }),
      )
    },
    patience,
  )
})

describeServer("redis", "a replica that takes over, and was behind", () => {
  it(
    "is gone on with: what it lacks is told apart from what comes in its place",
    async () => {
      const pair = await startRedisPair({ appendfsync: "always" })
      onTestFinished(() => pair.dispose())
      const proxy = await tcpProxy(endpointOf(pair.primary.url))
      onTestFinished(() => proxy.close())
      await run(
        Effect.gen(function* () {
          const { log } = yield* open({ url: proxy.url(pair.primary.url) })
          const kept = yield* log.append(entries(1, 5))
          yield* Effect.promise(() => pair.synced())
          yield* Effect.promise(() => pair.part())
          const lost = yield* log.append(entries(6, 9))
          yield* Effect.promise(() => pair.primary.kill())
          yield* Effect.promise(() => pair.promote())
          proxy.moveTo(endpointOf(pair.replica.url))
          let added: ReadonlyArray<Position.Position> = []
          yield* until(
            Effect.tap(log.append(entries(10, 15)), (positions) =>
              Effect.sync(() => {
                added = positions
              }),
            ),
            ({ error }) => error === undefined,
          )
          for (const position of lost) {
            const { reason } = yield* Effect.flip(log.read(0, position, { maxEntries: 10, maxBytes: 1000 }))
            expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: kept.at(-1) })
          }
          expect((yield* readAll(log)).map(([, position]) => position)).toEqual([...kept, ...added])
        }),
      )
    },
    patience,
  )
})

describeServer("redis", "a server that comes back emptied", () => {
  /** Everything is gone, by an order while it runs, or since it was started without its data. */
  const ways = [
    [
      "by FLUSHALL",
      (server: TestServer) =>
        withRedis(async (redis) => {
          await redis.flushall()
        }, server.url),
    ],
    ["by a prefix's keys taken away", (server: TestServer) => removeKeys("millrace", server.url)],
    [
      "after a restart without its data",
      async (server: TestServer) => {
        await server.kill()
        for (const name of ["dump.rdb", "appendonlydir"]) {
          rmSync(join(server.directory, name), { recursive: true, force: true })
        }
        await server.start()
      },
    ],
  ] as const

  it.each(ways)(
    "%s, where it acknowledged in memory: goes on by itself, and says once what is lost",
    async (_, empty) => {
      const server = await started({ appendonly: "no" })
      const lines = await run(
        Effect.gen(function* () {
          const openings = [yield* open({ url: server.url }), yield* open({ url: server.url })]
          const [{ log, cursors }, { log: other }] = openings as [Ports, Ports]
          const lost = yield* log.append(entries(1, 5))
          yield* until(other.bounds(0), ({ value }) => value?.head === lost.at(-1))
          const { epoch } = yield* cursors.acquire("a/0")
          const waiting = yield* Effect.forkChild(Effect.exit(log.wait(0, lost.at(-1) ?? Position.origin)), {
            startImmediately: true,
          })
          yield* Effect.promise(() => empty(server))
          yield* until(log.append(entries(10, 19)), ({ error }) => error === undefined)
          yield* Fiber.join(waiting)
          for (const { log: either } of openings) {
            yield* until(readAll(either), ({ value }) => value?.length === 10)
            for (const position of lost) {
              const { reason } = yield* Effect.flip(
                either.read(0, position, { maxEntries: 10, maxBytes: 1000 }),
              )
              expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: Position.origin })
            }
            for (const [, position] of yield* readAll(either)) expect(position > lost.at(-1)!).toBe(true)
          }
          const record = { position: Position.origin, index: 0, state: "" }
          expect(yield* cursors.save([{ name: "a/0", epoch, record }])).toEqual(["fenced"])
          const again = yield* cursors.acquire("a/0")
          expect([again.record, again.epoch > epoch]).toEqual([null, true])
          yield* other.append([entry(20)])
          expect(yield* readAll(log)).toHaveLength(11)
        }),
      )
      // Each opening says what is not safe to begin with, and what has come of it.
      const gone = lines.filter((line) =>
        /was emptied, and is begun anew: what was in it is gone$/.test(line),
      )
      expect(gone).toHaveLength(2)
      expect(lines.filter((line) => /can be lost/.test(line))).toHaveLength(2)
    },
    patience,
  )

  it.each(ways)(
    "%s, where it acknowledged on disk: takes nothing more, says what to do, and begins nothing anew",
    async (_, empty) => {
      const server = await started({ appendfsync: "always" })
      await run(
        Effect.gen(function* () {
          const { log, cursors, destinations, members } = yield* open({ url: server.url })
          yield* log.append(entries(1, 5))
          yield* Effect.promise(() => empty(server))
          yield* until(Effect.asVoid(members.list), ({ error }) => error?.reason._tag === "Lost")
          for (const call of [
            log.append([entry(6)]),
            log.read(0, Position.origin, { maxEntries: 1, maxBytes: 1 }),
            log.wait(0, Position.origin),
            cursors.acquire("b/0"),
            destinations.put({ id: "x", config: null, disabled: null, createdAt: 0 }),
          ]) {
            const error = yield* Effect.flip(Effect.asVoid(call))
            expect([error.reason._tag, error.message]).toEqual([
              "Lost",
              expect.stringMatching(/was emptied while it was open.*at level "disk".*start again without/),
            ])
          }
          expect(yield* Effect.promise(() => withRedis((redis) => redis.dbsize(), server.url))).toBe(0)
          // A process that comes now has nothing to miss.
          const anew = yield* open({ url: server.url })
          yield* anew.log.append([entry(1)])
          expect((yield* Effect.flip(log.append([entry(6)]))).reason._tag).toBe("Lost")
        }),
      )
    },
    patience,
  )
})
