import { Position } from "@millrace/core/store"
import { describeServer, describeStore, servers, startRedis, type TestServer } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import type { Redis } from "ioredis"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { withRedis } from "./support/server.ts"
import { entries, freshOptions, open, openingFails, run } from "./support/store.ts"

/** Every key with its value, in a form that compares. */
const contents = (prefix: string, url?: string) =>
  withRedis(async (redis) => {
    const keys = (await redis.keys(`{${prefix}}:*`)).sort()
    return Promise.all(keys.map(async (key) => [key, (await redis.dumpBuffer(key))?.toString("base64")]))
  }, url)

await describeStore("redis: opening", servers.redis, () => {
  describe("refuses, and leaves as it was,", () => {
    const cases: ReadonlyArray<
      readonly [
        name: string,
        change: (redis: Redis, key: (name: string) => string) => Promise<unknown>,
        tag: string,
        message: RegExp,
      ]
    > = [
      [
        "a newer schema",
        (redis, key) => redis.hset(key("meta"), "schema", 7),
        "Incompatible",
        /newer version \(schema 7/,
      ],
      [
        "an older schema",
        (redis, key) => redis.hset(key("meta"), "schema", 0),
        "Incompatible",
        /older version/,
      ],
      [
        "a meta of another kind",
        (redis, key) => redis.set(key("meta"), "x"),
        "Corrupt",
        /\}:meta is another program's/,
      ],
      [
        "a meta that says nothing",
        (redis, key) => redis.hdel(key("meta"), "instance"),
        "Corrupt",
        /another program's/,
      ],
      [
        "a key of another kind",
        (redis, key) => redis.set(key("cursors"), "x"),
        "Corrupt",
        /\}:cursors is another/,
      ],
      ["keys without a meta", (redis, key) => redis.del(key("meta")), "Corrupt", /another program's/],
      ["a log without its entries", (redis, key) => redis.del(key("log:0")), "Corrupt", /\}:log:0 has lost/],
      [
        "a log without a body",
        async (redis, key) => {
          const [name = ""] = await redis.hkeys(key("log:0:bodies"))
          await redis.hdel(key("log:0:bodies"), name)
        },
        "Corrupt",
        /\}:log:0:bodies has lost/,
      ],
      [
        "a log without its state",
        (redis, key) => redis.del(key("log:0:state")),
        "Corrupt",
        /\}:log:0:state has lost/,
      ],
    ]

    it.each(cases)("%s", async (_, change, tag, message) => {
      const options = freshOptions()
      await run(
        Effect.gen(function* () {
          const { log, cursors } = yield* open(options)
          yield* log.append(entries(1, 3))
          yield* cursors.acquire("a/0")
        }),
      )
      await withRedis((redis) => change(redis, (name) => `{${options.prefix}}:${name}`))
      const before = await contents(options.prefix)
      const error = await openingFails(options)
      expect(error.reason._tag).toBe(tag)
      expect(error.message).toMatch(message)
      expect(error.message).toMatch(/^redis:\/\//)
      expect(await contents(options.prefix)).toEqual(before)
    })

    it("a foreign key where there is nothing else", async () => {
      const options = freshOptions()
      await withRedis((redis) => redis.set(`{${options.prefix}}:members`, "x"))
      expect((await openingFails(options)).reason._tag).toBe("Corrupt")
      expect(await contents(options.prefix)).toHaveLength(1)
    })

    it("another number of partitions", async () => {
      const options = freshOptions()
      await run(Effect.asVoid(open({ ...options, partitions: 2 })))
      const error = await openingFails({ ...options, partitions: 3 })
      expect(error.reason._tag).toBe("Incompatible")
      expect(error.message).toMatch(/made with 2 partitions/)
      await run(
        Effect.gen(function* () {
          expect((yield* open(options)).log.partitions).toBe(2)
        }),
      )
    })
  })

  it("many at once make one store", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const opened = yield* Effect.all(
          Array.from({ length: 10 }, () => open(options)),
          { concurrency: "unbounded" },
        )
        for (const [index, { log }] of opened.entries()) yield* log.append(entries(index, index))
        for (const { log } of opened)
          expect((yield* log.stats(0, (yield* log.bounds(0)).head)).entries).toBe(10)
      }),
    )
  })
})

describeServer("redis", "a server that does not let everybody in", () => {
  let server: TestServer
  const urlOf = (user: string): string => server.url.replace("redis://", `redis://${user}@`)

  beforeAll(async () => {
    server = await startRedis({ requirepass: "the-password", appendfsync: "always" })
    await withRedis(async (redis) => {
      await redis.call("ACL", [
        "SETUSER",
        "reader",
        "on",
        ">r",
        "~*",
        "&*",
        "+@read",
        "+info",
        "+eval",
        "+evalsha",
      ])
      await redis.call("ACL", ["SETUSER", "elsewhere", "on", ">e", "~other:*", "+@all"])
      await redis.call("ACL", ["SETUSER", "managed", "on", ">m", "~*", "+@all", "-config", "-acl"])
    }, urlOf(":the-password"))
  })

  afterAll(() => server.dispose())

  it.each([
    ["no password", (url: string) => url, /wants a password/],
    ["a wrong password", (url: string) => url.replace("//", "//:not-that@"), /wrong user or password/],
    ["an unknown user", (url: string) => url.replace("//", "//nobody:not-that@"), /wrong user or password/],
    ["a user that may only read", (url: string) => url.replace("//", "//reader:r@"), /missing privileges/],
    ["a user of other keys", (url: string) => url.replace("//", "//elsewhere:e@"), /missing privileges/],
    ["no such database", (url: string) => `${url.replace("//", "//:the-password@")}/99`, /no database/],
  ])("%s: one clear line, without the password", async (_, change, message) => {
    const error = await openingFails({ url: change(server.url) })
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toMatch(message)
    expect(error.message).not.toMatch(/\n|not-that|the-password/)
    expect(await contents("millrace", urlOf(":the-password"))).toEqual([])
  })

  it("a user that may not read the configuration says what it is", async () => {
    const options = { url: urlOf("managed:m"), prefix: "managed" }
    const warned = await run(
      Effect.gen(function* () {
        expect((yield* open(options)).log.durability).toBe("memory")
      }),
    )
    expect(warned).toEqual([expect.stringMatching(/can be lost.*does not tell its appendfsync/)])
    const silent = await run(
      Effect.gen(function* () {
        expect((yield* open({ ...options, appendfsync: "always" })).log.durability).toBe("disk")
      }),
    )
    expect(silent).toEqual([])
  })

  it("a server that evicts keys is refused", async () => {
    const url = urlOf(":the-password")
    await withRedis(
      (redis) => redis.config("SET", "maxmemory", "1gb", "maxmemory-policy", "allkeys-lfu"),
      url,
    )
    const error = await openingFails({ url, prefix: "evicted" })
    expect(error.reason._tag).toBe("Unavailable")
    expect(error.message).toMatch(/allkeys-lfu.*noeviction/)
    await withRedis((redis) => redis.config("SET", "maxmemory", "0", "maxmemory-policy", "noeviction"), url)
  })

  it("a server whose memory is used up takes nothing and says so", async () => {
    const url = urlOf(":the-password")
    await run(
      Effect.gen(function* () {
        const { log } = yield* open({ url, prefix: "large" })
        yield* log.append(entries(1, 3))
        yield* Effect.promise(() => withRedis((redis) => redis.config("SET", "maxmemory", "1"), url))
        const error = yield* Effect.flip(log.append(entries(4, 5)))
        expect([error.reason._tag, error.message]).toEqual(["Full", expect.stringMatching(/maxmemory/)])
        yield* Effect.promise(() => withRedis((redis) => redis.config("SET", "maxmemory", "0"), url))
        yield* log.append(entries(4, 5))
        expect(Position.parse((yield* log.bounds(0)).head)?.number).toBe(5)
      }),
    )
    expect(await withRedis((redis) => redis.hlen("{large}:log:0:bodies"), url)).toBe(5)
  })
})

it("without a server opening fails with one line", async () => {
  // Port 1 is nobody's.
  const error = await openingFails({ url: "redis://alice:secret@127.0.0.1:1" })
  expect(error.reason._tag).toBe("Unavailable")
  expect(error.message).toBe("redis://alice@127.0.0.1:1/0: connect ECONNREFUSED 127.0.0.1:1")
})
