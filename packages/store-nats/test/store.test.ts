/** Over 400 lines because its cases share one way to look into streams. */
import { cpSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setImmediate } from "node:timers/promises"
import { Cursors, DeadLetters, EventLog, Position, type StoreError } from "@millrace/core/store"
import { layer, type Options } from "@millrace/store-nats"
import {
  describeServer,
  describeStore,
  endpointOf,
  servers,
  startNats,
  tcpProxy,
} from "@millrace/test-servers"
import { headers } from "@nats-io/nats-core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { tokenOf } from "../src/Table.ts"
import {
  hostOf,
  newPrefix,
  newPrefixOfTest,
  patience,
  quietLayer,
  removeStreams,
  running,
  withJetStream,
} from "./place.ts"

/** It only bounds a hang. */
const timeout = 120_000

type Log = EventLog.EventLog["Service"]

const open = (options: Options) =>
  Effect.map(Layer.build(Layer.fresh(quietLayer(options))), (context) => ({
    log: Context.get(context, EventLog.EventLog),
    letters: Context.get(context, DeadLetters.DeadLetters),
    cursors: Context.get(context, Cursors.Cursors),
  }))

const run = <A>(effect: Effect.Effect<A, unknown, Scope.Scope>): Promise<A> =>
  Effect.runPromise(Effect.scoped(effect))

const idOf = (number: number): string => number.toString(16).padStart(32, "0")

const entry = (number: number, size = 20): EventLog.NewEntry => ({
  id: idOf(number),
  events: 1,
  envelope: `{"n":${number}}`,
  body: new Uint8Array(size).fill(number % 251),
})

/** Until the server is back. */
const insist = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
  Effect.retry(effect, {
    while: ({ reason }) => Effect.as(Effect.sleep("20 millis"), reason._tag === "Unavailable"),
  })

const readAll = Effect.fnUntraced(function* (log: Log) {
  const found: Array<EventLog.LogEntry> = []
  let after = Position.origin
  for (;;) {
    const page = yield* log.read(0, after, { maxEntries: 100, maxBytes: 1024 * 1024 })
    if (page.length === 0) return found
    found.push(...page)
    after = page.at(-1)?.position ?? after
  }
})

const ids = (found: ReadonlyArray<EventLog.NewEntry>) => found.map(({ id }) => id)

await describeStore("nats", servers.nats, () => {
  describe("a log on JetStream", { timeout }, () => {
    let prefix = ""
    const options = (more: Partial<Options> = {}): Options => {
      prefix = newPrefixOfTest()
      return { ...running, prefix, ...more }
    }

    it("is one order for several processes, also when entries are cut into many messages", () =>
      run(
        Effect.gen(function* () {
          const given = options()
          const logs = [(yield* open(given)).log, (yield* open(given)).log, (yield* open(given)).log]
          const count = 6
          // Every third one is larger than a message.
          const write = (log: Log, writer: number) =>
            Effect.forEach(
              Array.from({ length: count }, (_, index) => writer * count + index),
              (number) => log.append([entry(number, number % 3 === 0 ? 1_200_000 : 500)]),
            )
          const positions = (yield* Effect.forEach(logs, write, { concurrency: "unbounded" })).flat(2)
          for (const log of logs) {
            const found = yield* readAll(log)
            expect([...ids(found)].sort()).toEqual(Array.from({ length: count * 3 }, (_, n) => idOf(n)))
            const read = found.map(({ position }) => position)
            expect([...read].sort()).toEqual(read)
            expect(new Map(found.map(({ id, position }) => [id, position]))).toEqual(
              new Map(positions.map((position, number) => [idOf(number), position])),
            )
            for (const { id, body } of found) {
              const number = Number.parseInt(id, 16)
              expect(body.byteLength).toBe(number % 3 === 0 ? 1_200_000 : 500)
              expect(Buffer.from(body).equals(Buffer.alloc(body.byteLength, number % 251))).toBe(true)
            }
          }
        }),
      ))

    it("passes over the rest of an append that came to nothing", () =>
      run(
        Effect.gen(function* () {
          const given = options()
          const { log } = yield* open(given)
          yield* log.append([entry(1)])
          yield* Effect.promise(() =>
            withJetStream(running, async (_, jetstream) => {
              for (const part of ["1", "2"]) {
                const marked = headers()
                marked.set("Millrace-Part", part)
                await jetstream.publish(`${prefix}.log.0`, new Uint8Array(1000), { headers: marked })
              }
            }),
          )
          yield* log.append([entry(2)])
          const { log: other } = yield* open(given)
          for (const one of [log, other]) {
            expect(ids(yield* readAll(one))).toEqual(ids([entry(1), entry(2)]))
            const { head } = yield* one.bounds(0)
            expect((yield* one.stats(0, head)).entries).toBe(2)
          }
        }),
      ))

    it("opens, appends and reads behind such a rest", () =>
      run(
        Effect.gen(function* () {
          const given = options()
          yield* open(given)
          yield* Effect.promise(() =>
            withJetStream(running, async (_, jetstream) => {
              const marked = headers()
              marked.set("Millrace-Part", "1")
              await jetstream.publish(`${prefix}.log.0`, new Uint8Array(1000), { headers: marked })
            }),
          )
          const { log } = yield* open(given)
          expect((yield* log.bounds(0)).head).toBe(Position.origin)
          yield* log.append([entry(1)])
          expect(ids(yield* readAll(log))).toEqual([idOf(1)])
        }),
      ))

    it("fails as corrupt where another program has put a message of its own", () =>
      run(
        Effect.gen(function* () {
          const { log } = yield* open(options())
          yield* log.append([entry(1)])
          yield* Effect.promise(() =>
            withJetStream(running, (_, jetstream) => jetstream.publish(`${prefix}.log.0`, new Uint8Array(3))),
          )
          const error = yield* Effect.flip(log.bounds(0))
          expect(error.reason._tag).toBe("Corrupt")
          expect(error.message).toContain("message 2")
        }),
      ))

    it("fails as corrupt where another program has put values of its own", () =>
      run(
        Effect.gen(function* () {
          const { letters } = yield* open(options())
          yield* Effect.promise(() =>
            withJetStream(running, (_, jetstream) => jetstream.publish(`${prefix}.letters`, "{")),
          )
          const error = yield* Effect.flip(letters.count)
          expect(error.reason._tag).toBe("Corrupt")
          expect(error.message).toContain("message 1")
        }),
      ))

    it("says that its stream has been deleted", () =>
      run(
        Effect.gen(function* () {
          const { log } = yield* open(options())
          yield* Effect.promise(() =>
            withJetStream(running, (manager) => manager.streams.delete(`${prefix}_LOG_0`)),
          )
          expect((yield* Effect.flip(log.bounds(0))).reason._tag).toBe("Corrupt")
        }),
      ))

    it("notices what another process has trimmed away", () =>
      run(
        Effect.gen(function* () {
          const given = options()
          const [{ log: one }, { log: other }] = [yield* open(given), yield* open(given)]
          // Ids are kept for a thousand entries, and messages for their ids.
          for (let first = 0; first < 3000; first += 500) {
            yield* one.append(Array.from({ length: 500 }, (_, index) => entry(first + index)))
          }
          yield* one.trim(0, (yield* one.bounds(0)).head, Number.MAX_SAFE_INTEGER)
          const error = yield* Effect.flip(other.read(0, Position.origin, { maxEntries: 10, maxBytes: 1000 }))
          expect(error.reason).toMatchObject({ _tag: "OutOfRange", tail: (yield* other.bounds(0)).head })
          const kept = yield* Effect.promise(() =>
            withJetStream(running, async (manager) => (await manager.streams.info(`${prefix}_LOG_0`)).state),
          )
          expect(kept.messages).toBeLessThan(6)
          const { log: later } = yield* open(given)
          expect(yield* later.bounds(0)).toEqual(yield* one.bounds(0))
          expect(yield* later.append([entry(2999)])).toEqual([(yield* one.bounds(0)).head])
          yield* later.append([entry(3000)])
          expect((yield* later.stats(0, (yield* later.bounds(0)).head)).entries).toBe(3001)
        }),
      ))

    describe("counts as trimmed what somebody has purged by hand", () => {
      const purge = (what?: { readonly seq: number }) =>
        Effect.promise(() =>
          withJetStream(running, (manager) => manager.streams.purge(`${prefix}_LOG_0`, what)),
        )
      const outsideOf = (log: Log, after: Position.Position) =>
        // The process that has appended it may still hold it, and give it without asking.
        Effect.map(
          Effect.andThen(log.bounds(0), Effect.flip(log.read(0, after, { maxEntries: 10, maxBytes: 1000 }))),
          ({ reason }) => reason,
        )

      it("in part, while it is in use and nothing has been delivered yet", () =>
        run(
          Effect.gen(function* () {
            const given = options()
            const [{ log }, { log: other }] = [yield* open(given), yield* open(given)]
            const positions: Array<Position.Position> = []
            for (const number of [1, 2, 3, 4]) positions.push(...(yield* log.append([entry(number)])))
            yield* purge({ seq: 3 })
            for (const one of [log, other]) {
              expect(yield* outsideOf(one, Position.origin)).toMatchObject({
                tail: positions[1],
                head: positions[3],
              })
              expect(ids(yield* one.read(0, positions[1]!, { maxEntries: 10, maxBytes: 1000 }))).toEqual(
                ids([entry(3), entry(4)]),
              )
              expect((yield* one.stats(0, positions[1]!)).events).toBe(2)
            }
          }),
        ))

      it("whole, while it is in use", () =>
        run(
          Effect.gen(function* () {
            const given = options()
            const [{ log }, { log: other }] = [yield* open(given), yield* open(given)]
            const [last] = (yield* log.append([entry(1), entry(2)])).slice(-1)
            yield* other.bounds(0)
            yield* purge()
            for (const one of [log, other]) {
              expect(yield* outsideOf(one, Position.origin)).toMatchObject({ tail: last, head: last })
            }
            const [next] = yield* other.append([entry(3)])
            for (const one of [log, other]) {
              expect(ids(yield* one.read(0, last!, { maxEntries: 10, maxBytes: 1000 }))).toEqual([idOf(3)])
              expect((yield* one.stats(0, next!)).events).toBe(3)
            }
          }),
        ))

      it("whole, while nobody had it open", async () => {
        const given = options()
        let last = Position.origin
        await run(
          Effect.gen(function* () {
            const { log } = yield* open(given)
            for (const number of [1, 2, 3]) [last = Position.origin] = yield* log.append([entry(number)])
          }),
        )
        await run(
          Effect.gen(function* () {
            yield* purge()
            const { log } = yield* open(given)
            const { tail, head } = yield* log.bounds(0)
            expect(tail).toBe(head)
            expect(head >= last).toBe(true)
            expect((yield* outsideOf(log, Position.origin))._tag).toBe("OutOfRange")
            const [next = last] = yield* log.append([entry(4)])
            expect(next > head).toBe(true)
            expect(ids(yield* log.read(0, head, { maxEntries: 10, maxBytes: 1000 }))).toEqual([idOf(4)])
          }),
        )
      })
    })

    it("keeps a dead letter larger than a message", () =>
      run(
        Effect.gen(function* () {
          const { letters } = yield* open(options())
          const letter = (number: number, event: string): DeadLetters.DeadLetter => ({
            destination: "lake",
            eventId: `event-${number}`,
            reason: "too-large",
            message: "413",
            status: 413,
            deadAt: Date.now(),
            receivedAt: 0,
            eventName: "page_view",
            event,
            replayedAt: null,
          })
          const put = [letter(1, "{}"), letter(2, "é".repeat(2_000_000)), letter(3, "{}")]
          yield* letters.put(put)
          const { letters: found } = yield* letters.list({})
          expect(found.map(({ event }) => event.length)).toEqual([2, 2_000_000, 2])
          expect(found.toReversed()).toEqual(put)
          expect(yield* letters.purge({ eventIds: ["event-2"] })).toBe(1)
          expect(yield* letters.count).toEqual(new Map([["lake", 2]]))
        }),
      ))

    it("warns once, at opening, of what an acknowledged event does not outlive", async () => {
      const warningsOf = async (more: Partial<Options>) => {
        const warnings: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => {
          if (logLevel === "Warn") warnings.push(String(message))
        })
        const given = options(more)
        const durability = await Effect.runPromise(
          Effect.scoped(Layer.build(layer(given))).pipe(
            Effect.map((context) => Context.get(context, EventLog.EventLog).durability),
            Effect.provide(Logger.layer([logger])),
          ),
        )
        await removeStreams(prefix)
        return { durability, warnings }
      }
      const unsynced = await warningsOf({})
      expect(unsynced.durability).toBe("memory")
      expect(unsynced.warnings).toEqual([expect.stringContaining("sync_interval")])
      expect(await warningsOf({ sync: "always" })).toEqual({ durability: "disk", warnings: [] })
      const memory = await warningsOf({ sync: "always", storage: "memory" })
      expect(memory.durability).toBe("memory")
      expect(memory.warnings).toEqual([expect.stringContaining("memory only")])
    })

    it("gives up on a server that hangs while it opens", async () => {
      const proxy = await tcpProxy(endpointOf(servers.nats))
      proxy.stall()
      try {
        const given = options({ servers: `127.0.0.1:${proxy.port}`, requestTimeout: 500 })
        const error = await Effect.runPromise(Effect.scoped(Effect.flip(open(given))))
        expect(error.reason._tag).toBe("Unavailable")
      } finally {
        await proxy.close()
      }
    })

    it("keeps nobody waiting behind an append that the server does not answer", async () => {
      const proxy = await tcpProxy(endpointOf(servers.nats))
      try {
        await run(
          Effect.gen(function* () {
            const given = options({ servers: `127.0.0.1:${proxy.port}`, requestTimeout: 1_000 })
            const { log } = yield* open(given)
            yield* log.append([entry(1)])
            proxy.stall()
            const first = yield* Effect.forkChild(Effect.flip(log.append([entry(2)])))
            // The first has been taken by now, and is under way.
            for (let turn = 0; turn < 10; turn++) yield* Effect.promise(() => setImmediate())
            const second = yield* Effect.forkChild(Effect.flip(log.append([entry(3)])))
            expect((yield* Fiber.join(first)).reason._tag).toBe("Unavailable")
            yield* Effect.promise(() => proxy.restore())
            expect((yield* Fiber.join(second)).reason._tag).toBe("Unavailable")
          }),
        )
      } finally {
        await proxy.close()
      }
    })

    it("leaves no connection behind, however opening ends", async () => {
      const proxy = await tcpProxy(endpointOf(servers.nats))
      try {
        const given = options({ servers: `127.0.0.1:${proxy.port}`, requestTimeout: patience })
        await run(open(given))
        await run(Effect.flip(open({ ...given, replicas: 3 })))
        while (proxy.connections() > 0) await new Promise((resolve) => setTimeout(resolve, 5))
      } finally {
        await proxy.close()
      }
    })
  })
})

describeServer("nats", "a log on a server with small messages", () => {
  it("cuts what it is given, and keeps it whole", { timeout }, async () => {
    const server = await startNats({ conf: "max_payload: 8192" })
    try {
      await run(
        Effect.gen(function* () {
          const { log, letters } = yield* open({ servers: hostOf(server.url), prefix: newPrefix() })
          const added = [entry(1, 100_000), ...Array.from({ length: 500 }, (_, n) => entry(n + 2, 300))]
          yield* log.append(added)
          const found = yield* readAll(log)
          expect(ids(found)).toEqual(ids(added))
          expect(found[0]?.body).toEqual(added[0]?.body)
          expect(yield* letters.count).toEqual(new Map())
        }),
      )
    } finally {
      await server.dispose()
    }
  })
})

describeServer("nats", "a log on a server that has lost its last writes with its machine", () => {
  it("goes on behind those that are left", { timeout }, async () => {
    const server = await startNats()
    const copy = `${server.directory}-copy`
    try {
      await run(
        Effect.gen(function* () {
          const { log } = yield* open({ servers: hostOf(server.url), prefix: newPrefix() })
          yield* log.append([entry(1), entry(2)])
          yield* Effect.promise(async () => {
            await server.stop()
            cpSync(server.directory, copy, { recursive: true })
            await server.start()
          })
          for (const number of [3, 4, 5]) yield* insist(log.append([entry(number)]))
          yield* Effect.promise(async () => {
            await server.kill()
            rmSync(server.directory, { recursive: true })
            renameSync(copy, server.directory)
            await server.start()
          })
          yield* insist(log.append([entry(6)]))
          expect(ids(yield* readAll(log))).toEqual(ids([entry(1), entry(2), entry(6)]))
          const { head } = yield* log.bounds(0)
          expect((yield* log.stats(0, head)).entries).toBe(3)
        }),
      )
    } finally {
      await server.dispose()
    }
  })

  it("tells them apart from what comes in their place, also for a process that comes later and for one that was faster", {
    timeout,
  }, async () => {
    const server = await startNats()
    const prefix = newPrefix()
    const given = { servers: hostOf(server.url), prefix }
    const streams = join(server.directory, "jetstream", "$G", "streams")
    const [log, copy] = [join(streams, `${prefix}_LOG_0`), `${server.directory}-copy`]
    const positions: Array<Position.Position> = []
    try {
      await run(
        Effect.gen(function* () {
          const { log: one, cursors } = yield* open(given)
          positions.push(...(yield* one.append([entry(1), entry(2)])))
          yield* Effect.promise(async () => {
            await server.pause()
            cpSync(log, copy, { recursive: true })
            server.resume()
          })
          for (const number of [3, 4, 5]) positions.push(...(yield* one.append([entry(number)])))
          const { name, epoch } = yield* cursors.acquire("lake/0")
          const record = { position: positions[4]!, index: 0, state: "" }
          expect(yield* cursors.save([{ name, epoch, record }])).toEqual(["saved"])
        }),
      )
      // The log alone has gone back: how far its cursors were is known.
      await server.kill()
      rmSync(log, { recursive: true })
      renameSync(copy, log)
      await server.start()
      await run(
        Effect.gen(function* () {
          const { log: other } = yield* open(given)
          for (const number of [6, 7, 8, 9]) yield* other.append([entry(number)])
          const { log: later } = yield* open(given)
          for (const one of [other, later]) {
            for (const lost of positions.slice(2)) {
              const { reason } = yield* Effect.flip(one.read(0, lost, { maxEntries: 10, maxBytes: 1000 }))
              expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: positions[1] })
            }
            expect(ids(yield* readAll(one))).toEqual(ids([1, 2, 6, 7, 8, 9].map((number) => entry(number))))
          }
        }),
      )
    } finally {
      await server.dispose()
    }
  })
})

describe("a key", () => {
  it("is one token of a subject for any name, and no other name's", () => {
    const name = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ maxLength: 3 }),
      fc.constantFrom("", "=", "==", "=0020", " "),
    )
    fc.assert(
      fc.property(name, name, (one, other) => {
        expect(tokenOf(one)).toMatch(/^[A-Za-z0-9_=-]+$/)
        expect(tokenOf(one) === tokenOf(other)).toBe(one === other)
      }),
    )
    expect(tokenOf("x".repeat(10_000)).length).toBeLessThan(600)
    expect(tokenOf("warehouse/0")).toBe("warehouse=002f0")
  })
})
