import type { EventLog, StoreError } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { failure } from "./attempts.ts"
import { contents } from "./contents.ts"
import { counted } from "./counters.ts"
import { record } from "./cursors.ts"
import { letter } from "./deadLetters.ts"
import { destination } from "./destinations.ts"
import { document } from "./documents.ts"
import { all, appendOne, entries, entry, ids, never, readAll } from "./entries.ts"
import { memoryInUse } from "./gc.ts"
import { key } from "./keys.ts"
import { type Ports, type Suite, start } from "./suite.ts"

/** Longer than any store waits for its server before it gives up. */
const patience = "45 seconds"

const live = (duration: string & Parameters<typeof Effect.sleep>[0]) =>
  TestClock.withLive(Effect.sleep(duration))

/** Fails the test when a call hangs. */
const bounded = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>) =>
  Effect.raceFirst(
    effect,
    Effect.andThen(live(patience), Effect.die(new Error(`${what} hangs: no answer after ${patience}`))),
  )

/** Asks until the store answers again. Nobody but the store itself brings it back. */
const recovered = ({ log }: Ports) =>
  bounded(
    "the store",
    Effect.gen(function* () {
      for (;;) {
        const answer = yield* Effect.result(log.bounds(0))
        if (Result.isSuccess(answer)) return
        expect(answer.failure.reason._tag).toBe("Unavailable")
        yield* live("20 millis")
      }
    }),
  )

/** One of everything in every port. */
const fill = Effect.fnUntraced(function* ({
  log,
  cursors,
  deadLetters,
  attempts,
  destinations,
  keys,
  counters,
}: Ports) {
  yield* log.append(entries(1, 10))
  const { epoch } = yield* cursors.acquire("a/0")
  yield* cursors.save([{ name: "a/0", epoch, record: record(3) }])
  yield* deadLetters.put([letter(1)])
  yield* attempts.append([failure(1)])
  yield* destinations.put(destination("lake"))
  yield* keys.put(key("a"))
  yield* counters.add([counted(0, "a", 3)])
  return epoch
})

type Calls = Readonly<Record<string, Effect.Effect<unknown, StoreError>>>

/** Every call that has to ask the server, best effort ones and removals apart. */
const callsOf = (ports: Ports, epoch: number): Calls => {
  const { log, cursors, deadLetters, attempts, destinations, documents, keys, counters, members, health } =
    ports
  return {
    "log.append": log.append([entry(100)]),
    "log.read": log.read(0, Position.origin, all),
    "log.locate": log.locate(0, start),
    "log.bounds": log.bounds(0),
    "log.stats": log.stats(0, Position.origin),
    "cursors.acquire": cursors.acquire("b/0"),
    "cursors.save": cursors.save([{ name: "a/0", epoch, record: record(4) }]),
    "cursors.list": cursors.list,
    "deadLetters.put": deadLetters.put([letter(2)]),
    "deadLetters.list": deadLetters.list({}),
    "deadLetters.count": deadLetters.count,
    "deadLetters.markReplayed": deadLetters.markReplayed({}, start),
    "attempts.list": attempts.list({}),
    "destinations.get": destinations.get("lake"),
    "destinations.list": destinations.list,
    "destinations.put": destinations.put(destination("pond")),
    "documents.get": documents.get("specs"),
    "documents.put": documents.put(document("specs")),
    "keys.list": keys.list,
    "keys.put": keys.put(key("b")),
    "counters.add": counters.add([counted(0, "a", 1)]),
    "counters.list": counters.list(0, never),
    "members.beat": members.beat("me", 60_000),
    "members.list": members.list,
    "members.leave": members.leave("me"),
    "health.probe": health.probe,
  }
}

const removalsOf = ({ log, cursors, deadLetters, destinations, keys }: Ports): Calls => ({
  "log.trim": log.trim(0, Position.end, never),
  "cursors.remove": cursors.remove("a/0"),
  "deadLetters.purge": deadLetters.purge({}),
  "destinations.remove": destinations.remove("lake"),
  "keys.remove": keys.remove(key("a").hash),
})

const outcomeOf = (answer: Result.Result<unknown, StoreError>): string =>
  Result.isSuccess(answer) ? "answered" : answer.failure.reason._tag

/** What comes of the calls, all made at once. */
const outcomes = (calls: Calls) =>
  Effect.map(
    Effect.forEach(
      Object.entries(calls),
      ([name, call]) => Effect.map(bounded(name, Effect.result(call)), (answer) => [name, outcomeOf(answer)]),
      { concurrency: "unbounded" },
    ),
    Object.fromEntries,
  )

const unavailable = (calls: Calls): object =>
  Object.fromEntries(Object.keys(calls).map((name) => [name, "Unavailable"]))

export const faults = ({ checkFaults }: Suite): void => {
  checkFaults(
    "without its server every call is refused, in bounded time, and all is well afterwards",
    (open, faults) =>
      Effect.gen(function* () {
        const ports = yield* open()
        const epoch = yield* fill(ports)
        const before = yield* contents(ports)
        for (let outage = 0; outage < 2; outage++) {
          yield* faults.cut
          const calls = { ...callsOf(ports, epoch), ...removalsOf(ports) }
          // Those that lose their connection, and those that find none.
          for (let round = 0; round < 3; round++) expect(yield* outcomes(calls)).toEqual(unavailable(calls))
          yield* faults.restore
          yield* recovered(ports)
          expect(yield* contents(ports)).toEqual(before)
        }
        expect(yield* ports.cursors.save([{ name: "a/0", epoch, record: record(5) }])).toEqual(["saved"])
        yield* ports.log.append([entry(11)])
        expect(ids(yield* readAll(ports.log))).toEqual(ids(entries(1, 11)))
      }),
  )

  checkFaults(
    "with a server that hangs every call is refused, in bounded time, and works afterwards",
    (open, faults) =>
      Effect.gen(function* () {
        const ports = yield* open()
        const epoch = yield* fill(ports)
        yield* faults.stall
        const calls = callsOf(ports, epoch)
        for (let round = 0; round < 2; round++) expect(yield* outcomes(calls)).toEqual(unavailable(calls))
        yield* faults.restore
        yield* recovered(ports)
        // What was given up may have been stored late: then once.
        yield* ports.log.append([entry(100), entry(101)])
        expect(ids(yield* readAll(ports.log))).toEqual(ids([...entries(1, 10), entry(100), entry(101)]))
        const { epoch: next } = yield* ports.cursors.acquire("a/0")
        expect(next).toBeGreaterThan(epoch)
        expect(yield* ports.cursors.save([{ name: "a/0", epoch: next, record: record(6) }])).toEqual([
          "saved",
        ])
      }),
  )

  checkFaults(
    "an append that an outage interrupts is stored once or not at all, and once when it is repeated",
    (open, faults) =>
      Effect.gen(function* () {
        const ports = yield* open()
        const { log } = ports
        const calls = Array.from({ length: 200 }, (_, call) => entries(call * 3, call * 3 + 2, 2000))
        const acknowledged = new Map<EventLog.EntryId, Position.Position>()
        for (const fault of ["cut", "stall", "cut"] as const) {
          const enough = yield* Deferred.make<void>()
          const wanted = acknowledged.size + 30
          const append = (added: ReadonlyArray<EventLog.NewEntry>) =>
            Effect.gen(function* () {
              const answer = yield* bounded("log.append", Effect.result(log.append(added)))
              if (Result.isFailure(answer)) {
                expect(answer.failure.reason._tag).toBe("Unavailable")
                return
              }
              for (const [index, { id }] of added.entries()) {
                const position = answer.success[index] ?? Position.origin
                expect(acknowledged.get(id) ?? position).toBe(position)
                acknowledged.set(id, position)
              }
              if (acknowledged.size >= wanted) yield* Deferred.succeed(enough, undefined)
            })
          const left = calls.filter((added) => !acknowledged.has(added[0]?.id ?? ""))
          const appending = yield* Effect.forkChild(Effect.forEach(left, append, { concurrency: 8 }))
          yield* Deferred.await(enough)
          yield* faults[fault]
          yield* Fiber.join(appending)
          yield* faults.restore
          yield* recovered(ports)

          const found = yield* readAll(log)
          const positions = found.map(({ position }) => position)
          expect([...positions].sort()).toEqual(positions)
          expect(new Set(ids(found)).size).toBe(found.length)
          const kept = new Map(found.map(({ id, position }) => [id, position]))
          expect(new Map([...acknowledged.keys()].map((id) => [id, kept.get(id)]))).toEqual(acknowledged)
        }
        const repeated = yield* Effect.forEach(calls, (added) => log.append(added))
        const found = yield* readAll(log)
        expect(new Map(found.map(({ id, position }) => [id, position]))).toEqual(
          new Map(
            calls.flatMap((added, call) => added.map(({ id }, index) => [id, repeated[call]?.[index]])),
          ),
        )
        expect(found).toHaveLength(600)
      }),
  )

  checkFaults("what waits for a server that hangs takes bounded memory", (open, faults) =>
    Effect.gen(function* () {
      const ports = yield* open()
      yield* appendOne(ports.log, entry(0))
      yield* faults.stall
      const before = memoryInUse()
      const count = 400
      const mebibyte = 1024 * 1024
      const fibers = yield* Effect.forEach(Array.from({ length: count }), (_, index) =>
        Effect.forkChild(
          bounded(
            "log.append",
            Effect.flip(Effect.suspend(() => ports.log.append([entry(index + 1, { size: mebibyte })]))),
          ),
          { startImmediately: true },
        ),
      )
      // Time for the store to take what it takes.
      for (let turn = 0; turn < 10; turn++) yield* live("1 millis")
      expect(memoryInUse() - before).toBeLessThan((count / 2) * mebibyte)
      for (const error of yield* Fiber.joinAll(fibers)) expect(error.reason._tag).toBe("Unavailable")
      yield* faults.restore
      yield* recovered(ports)
      yield* ports.log.append([entry(1000)])
      expect(memoryInUse() - before).toBeLessThan(64 * mebibyte)
    }),
  )

  checkFaults("who waits for an entry is woken after an outage too", (open, faults) =>
    Effect.gen(function* () {
      const ports = yield* open()
      const { log } = ports
      let after = yield* appendOne(log, entry(0))
      for (const [round, fault] of (["cut", "stall"] as const).entries()) {
        // Told that there is no server, a reader asks again.
        const waiter = yield* Effect.forkChild(
          Effect.retry(log.wait(0, after), {
            while: ({ reason }) => Effect.as(live("50 millis"), reason._tag === "Unavailable"),
          }),
          { startImmediately: true },
        )
        yield* log.bounds(0)
        yield* faults[fault]
        expect(outcomeOf(yield* bounded("log.bounds", Effect.result(log.bounds(0))))).toBe("Unavailable")
        expect(waiter.pollUnsafe()).toBeUndefined()
        yield* faults.restore
        yield* recovered(ports)
        expect(waiter.pollUnsafe()).toBeUndefined()
        after = yield* appendOne(log, entry(round + 1))
        yield* bounded("log.wait", Fiber.join(waiter))
      }
    }),
  )
}
