import { Cursors, EventLog, Position, type StoreError } from "@millrace/core/store"
import { layer } from "@millrace/store-nats"
import { describeServer, type NatsCluster, startNatsCluster, type TestServer } from "@millrace/test-servers"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { afterAll, beforeAll, expect, it } from "vitest"
import { hostOf, newPrefix, quietLayer, withJetStream } from "./place.ts"

/** Three servers, two of which vote a new leader: it takes them some seconds. */
const timeout = 120_000

type Log = EventLog.EventLog["Service"]

const idOf = (writer: number, number: number): string =>
  (writer * 1_000_000 + number).toString(16).padStart(32, "0")

const readAll = Effect.fnUntraced(function* (log: Log) {
  const found: Array<EventLog.LogEntry> = []
  let after = Position.origin
  for (;;) {
    const page = yield* log.read(0, after, { maxEntries: 500, maxBytes: 1024 * 1024 })
    if (page.length === 0) return found
    found.push(...page)
    after = page.at(-1)?.position ?? after
  }
})

/** Until it is done: the cluster may be choosing a leader. */
const insist = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
  Effect.retry(effect, {
    while: ({ reason }) => Effect.as(Effect.sleep("100 millis"), reason._tag === "Unavailable"),
  })

describeServer("nats", "a log on three servers", () => {
  let cluster: NatsCluster

  beforeAll(async () => {
    cluster = await startNatsCluster(3)
  }, timeout)

  afterAll(() => cluster.dispose())

  const open = (prefix: string) =>
    Effect.map(
      Layer.build(
        quietLayer({ servers: cluster.urls.map(hostOf), prefix, replicas: 3, requestTimeout: 3_000 }),
      ),
      (context) => Context.get(context, EventLog.EventLog),
    )

  const leaderOf = (stream: string): Promise<TestServer | undefined> =>
    withJetStream({ servers: cluster.urls.map(hostOf) }, async (manager) => {
      const { cluster: info } = await manager.streams.info(stream)
      return cluster.nodes.find((_, index) => info?.leader === `node-${index}`)
    })

  it(
    "is replicated, and says within seconds when its stream is edited and no longer is",
    async () => {
      const prefix = newPrefix()
      const edit = (num_replicas: number) =>
        Effect.promise(() =>
          withJetStream({ servers: cluster.urls.map(hostOf) }, (manager) =>
            manager.streams.update(`${prefix}_LOG_0`, { num_replicas }),
          ),
        )
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => {
        lines.push(String(message))
      })
      const opening = layer({ servers: cluster.urls.map(hostOf), prefix, replicas: 3 })
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const log = Context.get(yield* Layer.build(opening), EventLog.EventLog)
            const level = () => log.durability
            expect(level()).toBe("replicated")
            yield* edit(1)
            while (level() !== "memory") yield* Effect.sleep("50 millis")
            // Whether that is enough is for who uses the log to say.
            yield* insist(
              log.append([{ id: idOf(9, 1), events: 1, envelope: "{}", body: new Uint8Array(10) }]),
            )
            yield* edit(3)
            while (level() !== "replicated") yield* Effect.sleep("50 millis")
          }),
        ).pipe(Effect.provide(Logger.layer([logger]))),
      )
      expect(lines).toEqual([
        expect.stringMatching(/at level "memory" now, before at "replicated": stream ".*" has one replica/),
        expect.stringMatching(/at level "replicated" now, before at "memory"/),
      ])
    },
    timeout,
  )

  it(
    "carries out an append that is under way when the stream's leader stops answering, once there is a new one",
    async () => {
      const prefix = newPrefix()
      const stream = `${prefix}_LOG_0`
      await Effect.runPromise(Effect.scoped(Effect.asVoid(open(prefix))))
      const leader = await leaderOf(stream)
      const others = cluster.nodes.filter((node) => node !== leader)
      // One that waits for the answer of whoever it has asked first waits for all of this.
      const requestTimeout = 60_000
      const opening = quietLayer({ servers: others.map(({ url }) => hostOf(url)), prefix, requestTimeout })
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const ports = yield* Layer.build(opening)
            const log = Context.get(ports, EventLog.EventLog)
            const cursors = Context.get(ports, Cursors.Cursors)
            const entry = (number: number) => ({
              id: idOf(8, number),
              events: 1,
              envelope: "{}",
              body: new Uint8Array(10),
            })
            const { epoch } = yield* cursors.acquire("a/0")
            yield* log.append([entry(1)])
            yield* Effect.promise(() => leader?.pause() ?? Promise.resolve())
            yield* Effect.addFinalizer(() => Effect.sync(() => leader?.resume()))
            const record = { position: Position.origin, index: 1, state: "" }
            const [appended, saved] = yield* Effect.all(
              [log.append([entry(2)]), cursors.save([{ name: "a/0", epoch, record }])],
              { concurrency: "unbounded" },
            )
            expect([appended.length, saved]).toEqual([1, ["saved"]])
            leader?.resume()
            expect((yield* insist(readAll(log))).map(({ id }) => id)).toEqual([idOf(8, 1), idOf(8, 2)])
          }),
        ),
      )
      await cluster.settled()
    },
    timeout,
  )

  it(
    "takes events as soon as there is a new leader when the old one is killed under a publish, and has none twice",
    async () => {
      const prefix = newPrefix()
      await Effect.runPromise(Effect.scoped(Effect.asVoid(open(prefix))))
      const leader = await leaderOf(`${prefix}_LOG_0`)
      const others = cluster.nodes.filter((node) => node !== leader)
      // Waiting for the answer of the dead one would take all of this.
      const requestTimeout = 30_000
      const opening = quietLayer({ servers: others.map(({ url }) => hostOf(url)), prefix, requestTimeout })
      const nats = await connect({ servers: others.map(({ url }) => hostOf(url)) })
      const manager = await jetstreamManager(nats, { timeout: 250, checkAPI: false })
      const isLed = async (): Promise<boolean> => {
        const info = await manager.streams.info(`${prefix}_LOG_0`).catch(() => null)
        return cluster.nodes.some(
          (node, index) => node !== leader && info?.cluster?.leader === `node-${index}`,
        )
      }
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const log = Context.get(yield* Layer.build(opening), EventLog.EventLog)
            const acknowledged = new Set<string>()
            const took: Array<number> = []
            let next = 0
            let stop = false
            // A sender that is refused sends the same again.
            const write = Effect.gen(function* () {
              while (!stop) {
                next += 1
                const entry = { id: idOf(7, next), events: 1, envelope: "{}", body: new Uint8Array(2000) }
                const begun = performance.now()
                yield* insist(log.append([entry]))
                took.push(performance.now() - begun)
                acknowledged.add(entry.id)
              }
            })
            const writers = yield* Effect.forEach([0, 1, 2, 3], () => Effect.forkChild(write))
            const until = (count: number) =>
              Effect.gen(function* () {
                while (acknowledged.size < count) yield* Effect.sleep("20 millis")
              })
            yield* until(100)
            const killedAt = performance.now()
            yield* Effect.promise(() => leader?.kill() ?? Promise.resolve())
            while (!(yield* Effect.promise(isLed))) yield* Effect.sleep("20 millis")
            const led = performance.now() - killedAt
            yield* until(acknowledged.size + 100)
            stop = true
            yield* Fiber.joinAll(writers)
            const longest = Math.max(...took)
            process.stdout.write(
              `a leader after ${Math.round(led)} ms, events after ${Math.round(longest)} ms\n`,
            )
            expect(longest).toBeLessThan(led + requestTimeout / 2)

            const ids = (yield* insist(readAll(log))).map(({ id }) => id)
            expect(ids.length).toBe(new Set(ids).size)
            expect([...acknowledged].filter((id) => !ids.includes(id))).toEqual([])
          }),
        ),
      )
      await nats.close()
      await leader?.start()
      await cluster.settled()
    },
    timeout,
  )

  it(
    "loses nothing acknowledged when the stream's leader is killed, and goes on with the two that are left",
    async () => {
      const prefix = newPrefix()
      await Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const logs = [yield* open(prefix), yield* open(prefix)]
            const acknowledged = new Map<string, Position.Position>()
            let stop = false
            const write = Effect.fnUntraced(function* (log: Log, writer: number) {
              for (let number = 0; !stop; number++) {
                const entry = {
                  id: idOf(writer, number),
                  events: 1,
                  envelope: "{}",
                  body: new Uint8Array(2000),
                }
                const answer = yield* Effect.result(log.append([entry]))
                if (answer._tag === "Failure") expect(answer.failure.reason._tag).toBe("Unavailable")
                else acknowledged.set(entry.id, answer.success[0] ?? Position.origin)
              }
            })
            const writers = yield* Effect.forEach([0, 1, 2, 3], (writer) =>
              Effect.forkChild(write(logs[writer % 2] as Log, writer)),
            )
            const until = (count: number) =>
              Effect.gen(function* () {
                while (acknowledged.size < count) yield* Effect.sleep("20 millis")
              })
            yield* until(200)
            const leader = yield* Effect.promise(() => leaderOf(`${prefix}_LOG_0`))
            expect(leader).toBeDefined()
            yield* Effect.promise(() => leader?.kill() ?? Promise.resolve())
            const then = acknowledged.size
            yield* until(then + 200)
            yield* Effect.promise(() => leader?.start() ?? Promise.resolve())
            yield* until(then + 400)
            stop = true
            yield* Fiber.joinAll(writers)
            yield* Effect.promise(() => cluster.settled())

            for (const log of logs) {
              const found = yield* insist(readAll(log))
              const positions = found.map(({ position }) => position)
              expect([...positions].sort()).toEqual(positions)
              const kept = new Map(found.map(({ id, position }) => [id, position]))
              expect(kept.size).toBe(found.length)
              for (const [id, position] of acknowledged) expect(kept.get(id)).toBe(position)
              const { head } = yield* insist(log.bounds(0))
              expect((yield* insist(log.stats(0, head))).entries).toBe(found.length)
            }
          }),
        ),
      )
    },
    timeout,
  )
})
