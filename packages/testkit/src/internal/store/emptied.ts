import { type Counters, Position, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import { answered, lostBy } from "./asking.ts"
import { counted } from "./counters.ts"
import { record } from "./cursors.ts"
import { letter } from "./deadLetters.ts"
import { destination } from "./destinations.ts"
import { all, entries, entry, ids, never, readAll } from "./entries.ts"
import { key } from "./keys.ts"
import type { Ports, Suite } from "./suite.ts"

/** One of everything. */
const fill = Effect.fnUntraced(function* (ports: Ports) {
  const { log, cursors, deadLetters, destinations, keys, counters, members } = ports
  const positions = yield* log.append(entries(1, 10))
  const { epoch } = yield* cursors.acquire("a/0")
  yield* cursors.save([{ name: "a/0", epoch, record: record(3) }])
  yield* deadLetters.put([letter(1)])
  yield* destinations.put(destination("lake"))
  yield* keys.put(key("a"))
  yield* counters.add([counted(0, "a", 3)])
  yield* members.beat("one", 60_000)
  return { positions, epoch }
})

export const emptied = ({ checkEmpty }: Suite): void => {
  checkEmpty(
    "where it acknowledged in memory, it takes more, and tells what is lost apart from it",
    "memory",
    (open, empty) =>
      Effect.gen(function* () {
        const ports = yield* open()
        const { log, cursors } = ports
        const { positions, epoch } = yield* fill(ports)
        yield* empty
        // More than there were: each number that was given is given again.
        const added = yield* answered(log.append(entries(21, 40)))
        expect(ids(yield* readAll(log))).toEqual(ids(entries(21, 40)))
        for (const position of positions) {
          const { reason } = yield* Effect.flip(log.read(0, position, all))
          expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: Position.origin })
          expect((yield* Effect.flip(log.stats(0, position))).reason._tag).toBe("OutOfRange")
        }
        const given = [...positions, ...added]
        expect([...given].sort()).toEqual(given)
        expect(new Set(given).size).toBe(given.length)
        // What was stored before is not known any more, so it is stored when it is sent again.
        yield* log.append([entry(1), entry(21)])
        expect(ids(yield* readAll(log))).toEqual(ids([...entries(21, 40), entry(1)]))
        expect(yield* cursors.save([{ name: "a/0", epoch, record: record(4) }])).toEqual(["fenced"])
        const again = yield* cursors.acquire("a/0")
        expect(again.record).toBeNull()
        expect(again.epoch).toBeGreaterThan(epoch)
      }),
  )

  checkEmpty("so it is in every other port: nothing of before, and all works", "memory", (open, empty) =>
    Effect.gen(function* () {
      const ports = yield* open()
      yield* fill(ports)
      yield* empty
      const { log, cursors, deadLetters, attempts, destinations, keys, counters, members, health } = ports
      yield* answered(log.bounds(0))
      yield* answered(health.probe)
      expect(yield* answered(members.beat("two", 60_000))).toEqual(["two"])
      expect(yield* answered(cursors.list)).toEqual([])
      expect((yield* answered(deadLetters.list({}))).letters).toEqual([])
      expect(yield* answered(attempts.list({}))).toEqual([])
      expect(yield* answered(destinations.list)).toEqual([])
      expect(yield* answered(keys.list)).toEqual([])
      expect(yield* answered(counters.list(0, never))).toEqual([])
      yield* fill(ports)
      expect((yield* deadLetters.list({})).letters).toHaveLength(1)
      expect((yield* cursors.list).map(({ name }) => name)).toEqual(["a/0"])
      // A process may tell a store again what it has counted.
      const [{ count }] = (yield* counters.list(0, never)) as [Counters.HourlyCount]
      expect(count).toBeGreaterThanOrEqual(3)
      expect(yield* destinations.get("lake")).toEqual(destination("lake"))
      expect(yield* keys.list).toEqual([key("a")])
      yield* log.trim(0, Position.end, never)
      const { tail, head } = yield* log.bounds(0)
      expect(tail).toBe(head)
    }),
  )

  checkEmpty("whoever waits behind its end is woken", "memory", (open, empty) =>
    Effect.gen(function* () {
      const { log } = yield* open()
      const positions = yield* log.append(entries(1, 5))
      const waiter = yield* Effect.forkChild(Effect.ignore(log.wait(0, positions[4]!)), {
        startImmediately: true,
      })
      yield* empty
      yield* answered(log.append([entry(6)]))
      yield* Fiber.join(waiter)
    }),
  )

  checkEmpty(
    "several that have it open go on with one and the same, also with one that somebody new has begun",
    "memory",
    (open, empty) =>
      Effect.gen(function* () {
        const ports = yield* Effect.all([open(), open()])
        const lost = yield* ports[0].log.append(entries(1, 3))
        yield* ports[1].log.bounds(0)
        yield* empty
        const newcomer = yield* answered(open())
        yield* newcomer.log.append(entries(11, 20))
        for (const [index, { log }] of ports.entries()) yield* answered(log.append([entry(21 + index)]))
        for (const { log } of [...ports, newcomer]) {
          expect(ids(yield* answered(readAll(log)))).toEqual(ids(entries(11, 22)))
        }
        for (const { log } of ports) {
          for (const position of lost) {
            const { reason } = yield* Effect.flip(log.read(0, position, all))
            expect(reason).toMatchObject({ _tag: "OutOfRange", resumeAt: Position.origin })
          }
        }
      }),
    "shared",
  )

  checkEmpty(
    "where it acknowledged on disk, it takes nothing more, says what to do, and begins nothing anew",
    "disk",
    (open, empty) =>
      Effect.gen(function* () {
        const ports = yield* open()
        const { positions, epoch } = yield* fill(ports)
        yield* empty
        const { log, cursors, destinations, members, health } = ports
        const error = yield* lostBy(members.beat("one", 60_000))
        expect(error?.message).toMatch(/start again without, to begin anew/)
        for (const [name, call] of Object.entries<Effect.Effect<unknown, StoreError>>({
          append: log.append([entry(11)]),
          read: log.read(0, Position.origin, all),
          bounds: log.bounds(0),
          wait: log.wait(0, positions.at(-1)!),
          save: cursors.save([{ name: "a/0", epoch, record: record(4) }]),
          acquire: cursors.acquire("b/0"),
          put: destinations.put(destination("pond")),
          probe: health.probe,
        })) {
          expect([name, (yield* Effect.flip(call)).reason._tag]).toEqual([name, "Lost"])
        }
        // Whoever comes now misses nothing.
        const anew = yield* answered(open())
        expect(yield* readAll(anew.log)).toEqual([])
        yield* anew.log.append([entry(1)])
        expect((yield* Effect.flip(log.append([entry(12)]))).reason._tag).toBe("Lost")
        expect(ids(yield* readAll(anew.log))).toEqual(ids([entry(1)]))
      }),
    "shared",
  )
}
