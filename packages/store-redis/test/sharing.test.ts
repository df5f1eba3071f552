import { type DeadLetters, Position } from "@millrace/core/store"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, it } from "vitest"
import { withRedis } from "./support/server.ts"
import { entries, entry, freshOptions, open, readAll, run } from "./support/store.ts"

await describeStore("redis: sharing", servers.redis, () => {
  it("who follows one opening sees what others append in the order it keeps, and misses nothing", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const openings = yield* Effect.all([open(options), open(options), open(options)])
        const [reader] = openings
        const perOpening = 200
        const total = perOpening * openings.length
        const follow = Effect.gen(function* () {
          const seen: Array<Position.Position> = []
          let after = Position.origin
          while (seen.length < total) {
            yield* reader.log.wait(0, after)
            const page = yield* reader.log.read(0, after, { maxEntries: 7, maxBytes: 1 << 20 })
            expect(page.length).toBeGreaterThan(0)
            for (const { position } of page) seen.push(position)
            after = page.at(-1)?.position ?? after
          }
          return seen
        })
        const following = yield* Effect.forkChild(follow)
        yield* Effect.all(
          openings.map(({ log }, opening) =>
            Effect.forEach(
              entries(0, perOpening - 1),
              (_, index) => log.append([entry(opening * perOpening + index)]),
              { concurrency: 4 },
            ),
          ),
          { concurrency: "unbounded" },
        )
        const seen = yield* Fiber.join(following)
        expect(seen).toEqual((yield* readAll(reader.log)).map(([, position]) => position))
        expect(seen).toEqual([...seen].sort())
      }),
    )
  })

  it("an entry that two append at once is stored once", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const [one, other] = yield* Effect.all([open(options), open(options)])
        for (let round = 0; round < 50; round++) {
          const positions = yield* Effect.all(
            [one.log.append([entry(round)]), other.log.append([entry(round)])],
            {
              concurrency: "unbounded",
            },
          )
          expect(positions[0]).toEqual(positions[1])
        }
        expect(yield* readAll(one.log)).toHaveLength(50)
      }),
    )
    // No body of the second time is left behind.
    expect(await withRedis((redis) => redis.hlen(`{${options.prefix}}:log:0:bodies`))).toBe(50)
  })

  it("a log that refused, and one trimmed, keeps no body that no entry has", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const { log } = yield* open({ ...options, maxBytes: 5_000 })
        yield* log.append(entries(1, 30))
        expect((yield* Effect.flip(log.append(entries(31, 90)))).reason._tag).toBe("Full")
        const [, released] = (yield* readAll(log)).at(-11) ?? []
        yield* log.trim(0, released ?? Position.origin, Number.POSITIVE_INFINITY)
        expect(yield* readAll(log)).toHaveLength(10)
      }),
    )
    expect(await withRedis((redis) => redis.hlen(`{${options.prefix}}:log:0:bodies`))).toBe(10)
    expect(await withRedis((redis) => redis.xlen(`{${options.prefix}}:log:0`))).toBe(10)
  })

  it("a server that has forgotten the scripts is told them again", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const { log, cursors } = yield* open(options)
        yield* log.append([entry(1)])
        yield* Effect.promise(() => withRedis((redis) => redis.script("FLUSH")))
        const { epoch } = yield* cursors.acquire("a/0")
        yield* log.append([entry(2)])
        expect(epoch).toBeGreaterThan(0)
        expect((yield* readAll(log)).map(([number]) => number)).toEqual([1, 2])
      }),
    )
  })

  it("ids are known for as long as promised, and no more of them are kept than two generations", async () => {
    const options = freshOptions()
    await run(
      Effect.gen(function* () {
        const { log } = yield* open(options)
        for (let from = 0; from < 13_000; from += 1000) {
          const positions = yield* log.append(entries(from, from + 999))
          expect(yield* log.append(entries(from, from + 999))).toEqual(positions)
        }
      }),
    )
    const sizes = await withRedis((redis) =>
      Promise.all(["ids", "ids:older"].map((name) => redis.hlen(`{${options.prefix}}:log:0:${name}`))),
    )
    expect(sizes[0] ?? 0).toBeLessThanOrEqual(5_000)
    expect(sizes[1] ?? 0).toBeLessThanOrEqual(5_000)
    expect((sizes[0] ?? 0) + (sizes[1] ?? 0)).toBeGreaterThan(1_000)
  })

  it("texts come back as they were, whatever is in them", async () => {
    const odd = ["\0", "\n\n\t ", "\ud800", "a\udfffb", '"{}[]:*', "größe 🚀", ""]
    await run(
      Effect.gen(function* () {
        const { cursors, destinations, deadLetters, counters } = yield* open(freshOptions())
        for (const [index, text] of odd.entries()) {
          const { epoch } = yield* cursors.acquire(text)
          const record = { position: Position.origin, index, state: text }
          expect(yield* cursors.save([{ name: text, epoch, record }])).toEqual(["saved"])
          yield* destinations.put({ id: text, config: text, disabled: null, createdAt: index })
          expect(yield* destinations.get(text)).toEqual({
            id: text,
            config: text,
            disabled: null,
            createdAt: index,
          })
          yield* counters.add([{ hour: Date.now(), eventName: text, count: 1 }])
        }
        const sorted = [...odd].sort()
        expect((yield* cursors.list).map(({ name, record }) => [name, record?.state])).toEqual(
          sorted.map((text) => [text, text]),
        )
        expect((yield* destinations.list).map(({ id }) => id)).toEqual(sorted)
        expect(
          new Set((yield* counters.list(0, Number.POSITIVE_INFINITY)).map(({ eventName }) => eventName)),
        ).toEqual(new Set(odd))

        const letters = odd.flatMap((destination) =>
          odd.map(
            (eventId): DeadLetters.DeadLetter => ({
              destination,
              eventId,
              reason: "refused",
              message: destination,
              status: null,
              deadAt: Date.now(),
              receivedAt: 0,
              eventName: eventId,
              event: destination + eventId,
              replayedAt: null,
            }),
          ),
        )
        yield* deadLetters.put(letters)
        expect((yield* deadLetters.list({})).letters).toEqual([...letters].reverse())
        for (const text of odd) {
          const own = letters.filter(({ destination }) => destination === text)
          expect((yield* deadLetters.list({ destination: text })).letters).toEqual([...own].reverse())
        }
        for (const text of odd) {
          expect(yield* deadLetters.markReplayed({ eventIds: [text] }, 5)).toBe(odd.length)
        }
        expect(yield* deadLetters.purge({ destination: "\0" })).toBe(odd.length)
        expect(yield* deadLetters.purge({})).toBe(odd.length * (odd.length - 1))
        expect(yield* deadLetters.count).toEqual(new Map())
      }),
    )
  })
})
