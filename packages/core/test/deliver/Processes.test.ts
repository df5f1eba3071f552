/** Over 400 lines because its stories share one set of processes. */
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { addsUp } from "../../src/deliver/Ledger.ts"
import * as Position from "../../src/ports/Position.ts"
import { makeWorld, type Process, type World, type WorldOptions } from "../support/processes.ts"

const destination = (id: string) => ({ id, url: `https://${id}.test/hook` })
const [a, b, c] = [destination("a"), destination("b"), destination("c")]

let world: World
let next = 0

const open = async (options: WorldOptions) => {
  world = await makeWorld(options)
  next = 0
}

/** The processes must have kept to their leases, whatever the test was about. */
afterEach(() => expect(world.violations).toEqual([]))

const sorted = (values: Iterable<number>) => [...values].sort((one, other) => one - other)

const upTo = (end: number) => Array.from({ length: end }, (_, n) => n)

/** Events of many users, by way of one process. */
const log = async (by: Process, count: number) => {
  for (const last = next + count; next < last; next++) expect(await by.log(`user-${next}`, next)).toBe(202)
}

/** From which process each value came to a destination, in order. */
const senders = (id: string, from = 0) =>
  world.begun
    .slice(from)
    .flatMap((one) =>
      one.destination === id ? one.values.map((value) => [value, one.process] as const) : [],
    )

/** How many lanes each process has. */
const loads = () => {
  const counts = new Map<string, number>()
  for (const owner of world.owners.values()) counts.set(owner, (counts.get(owner) ?? 0) + 1)
  return counts
}

const expectLedger = async () => {
  const rows = await world.status()
  for (const row of rows) expect(row).toSatisfy(addsUp)
  return rows
}

/** Everything arrived everywhere, each event once. */
const expectOnce = async (...ids: ReadonlyArray<string>) => {
  for (const id of ids) expect(sorted(world.delivered(id))).toEqual(upTo(next))
  for (const row of await expectLedger())
    expect(row).toMatchObject({ due: next, delivered: next, pending: 0 })
}

describe("dealing", () => {
  test("a process that is alone has every lane from its start", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    const one = await world.start("one")
    await log(one, 20)
    await world.advance("1 second")
    await expectOnce("a", "b")
    await one.close()
  })

  test("processes on one store share partitions and destinations: every lane runs once", async () => {
    await open({ destinations: [a, b, c], partitions: 8 })
    const one = await world.start("one")
    const two = await world.start("two")
    const three = await world.start("three")
    await world.advance("10 seconds")
    expect(world.owners.size).toBe(24)
    for (const load of loads().values()) expect(load).toBeGreaterThanOrEqual(3)
    expect(loads().size).toBe(3)
    await log(one, 60)
    await log(two, 60)
    await log(three, 60)
    await world.advance("2 seconds")
    await expectOnce("a", "b", "c")
    for (const id of ["a", "b", "c"]) expect(new Set(senders(id).map(([, name]) => name)).size).toBe(3)
    await Promise.all([one.close(), two.close(), three.close()])
  })

  test("the order of a user's events is kept, whichever process takes them in", async () => {
    await open({ destinations: [a], partitions: 5 })
    const all = [await world.start("one"), await world.start("two")]
    await world.advance("10 seconds")
    for (let n = 0; n < 60; n++) await all[n % 2]!.log(`user-${n % 6}`, n)
    await world.advance("2 seconds")
    const delivered = world.delivered("a")
    for (let user = 0; user < 6; user++) {
      const own = delivered.filter((n) => n % 6 === user)
      expect(own).toEqual(upTo(60).filter((n) => n % 6 === user))
    }
    await Promise.all(all.map((one) => one.close()))
  })

  test("a request goes to one partition, whole, and requests of many users to all of them", async () => {
    await open({ destinations: [a], partitions: 4 })
    const one = await world.start("one")
    for (let user = 0; user < 40; user++) await one.log(`user-${user}`, 3 * user, 3 * user + 1, 3 * user + 2)
    const totals = await world.run(
      Effect.forEach([0, 1, 2, 3], (partition) =>
        Effect.flatMap(world.log.bounds(partition), ({ head }) => world.log.stats(partition, head)),
      ),
    )
    expect(totals.reduce((sum, { entries }) => sum + entries, 0)).toBe(40)
    for (const { entries, events } of totals) {
      expect(entries).toBeGreaterThan(0)
      expect(events).toBe(3 * entries)
    }
    await one.close()
  })

  test("one that joins takes over only what the others have let go of: nothing arrives twice", async () => {
    await open({ destinations: [a, b], partitions: 6 })
    world.answer(() => ({ status: 200, after: 1_500 }))
    const one = await world.start("one")
    for (let round = 0; round < 5; round++) {
      await log(one, 12)
      await world.advance("1 second")
    }
    const two = await world.start("two")
    for (let round = 0; round < 20; round++) {
      await log(round % 2 === 0 ? one : two, 12)
      await world.advance("1 second")
    }
    await world.advance("20 seconds")
    await expectOnce("a", "b")
    expect(loads().size).toBe(2)
    await Promise.all([one.close(), two.close()])
  })

  test("what takes longer than a released lane may is sent again, and what the store knows is right", async () => {
    await open({ destinations: [a], partitions: 6 })
    world.answer(() => ({ status: 200, after: 30_000 }))
    const one = await world.start("one")
    await log(one, 12)
    await world.advance("1 second")
    const two = await world.start("two")
    await world.advance("5 minutes")
    expect(new Set(world.delivered("a"))).toEqual(new Set(upTo(12)))
    const [row] = await expectLedger()
    expect(row).toMatchObject({ due: 12, delivered: 12, pending: 0 })
    await Promise.all([one.close(), two.close()])
  })

  test("a new destination begins with what comes from now on in every partition, whenever its owner comes to it", async () => {
    await open({ destinations: [a], partitions: 6 })
    const one = await world.start("one")
    const two = await world.start("two", { destinations: [a, b] })
    // Some lanes of b are dealt to the first, which does not know it yet.
    await log(one, 30)
    await world.advance("10 seconds")
    await one.close()
    await world.advance("10 seconds")
    await expectOnce("a", "b")
    await two.close()
  })
})

describe("going away", () => {
  test("one that closes is replaced at the next beat", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    const one = await world.start("one")
    const two = await world.start("two")
    await world.advance("10 seconds")
    await log(one, 40)
    await world.advance("2 seconds")
    await one.close()
    await log(two, 40)
    await world.advance("4 seconds")
    await expectOnce("a", "b")
    expect([...loads().keys()]).toEqual(["two"])
    await two.close()
  })

  test("one that drains leaves what is pending to the others, however much keeps coming, and nothing arrives twice", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    world.answer(() => ({ status: 200, after: 700 }))
    const one = await world.start("one")
    const two = await world.start("two")
    await world.advance("10 seconds")
    await log(one, 40)
    await world.advance("1500 millis")
    const drained = one.drain()
    for (let round = 0; round < 10; round++) {
      await log(two, 10)
      await world.advance("200 millis")
    }
    expect(await drained).toBe("handed-over")
    const begun = world.begun.length
    await log(two, 10)
    // It is still there, but the others need not wait for that.
    await world.advance("3 seconds")
    expect([...loads().keys()]).toEqual(["two"])
    await one.close()
    await world.advance("10 seconds")
    await expectOnce("a", "b")
    expect(new Set(world.begun.slice(begun).map(({ process }) => process))).toEqual(new Set(["two"]))
    expect(await Promise.all([two.drain(), world.advance("5 seconds")])).toEqual(["drained", undefined])
    await two.close()
  })

  test("one that is killed is replaced within 10 seconds; only what was in flight arrives twice", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    const one = await world.start("one")
    const two = await world.start("two")
    await world.advance("10 seconds")
    world.answer(({ process }) => ({ status: 200, after: process === "one" ? 500 : 0 }))
    await log(two, 40)
    await world.advance("1200 millis")
    const inFlight = senders("a").filter(([, name]) => name === "one").length
    expect(inFlight).toBeGreaterThan(0)
    one.crash()
    const killedAt = world.now()
    const before = world.begun.length
    await log(two, 40)
    await world.advance("10 seconds")
    for (const id of ["a", "b"]) expect(new Set(world.delivered(id))).toEqual(new Set(upTo(80)))
    expect(world.delivered("a").length - 80).toBeLessThanOrEqual(inFlight)
    for (const { process, at } of world.begun.slice(before)) {
      expect(process).toBe("two")
      expect(at - killedAt).toBeLessThanOrEqual(10_000)
    }
    for (const row of await expectLedger()) expect(row).toMatchObject({ delivered: 80, pending: 0 })
    await two.close()
  })

  test("one that is killed inside an entry is replaced there: what it had sent of it is not sent again", async () => {
    await open({ destinations: [{ ...a, batch: { maxEvents: 2, maxDelay: "1 minute" } }] })
    const one = await world.start("one")
    const two = await world.start("two")
    await world.advance("10 seconds")
    await one.log("user", 0, 1)
    await one.log("user", 2, 3, 4, 5, 6)
    await world.advance("2 seconds")
    expect(world.delivered("a")).toEqual(upTo(6))
    const [killed, other] = [...loads().keys()][0] === "one" ? [one, two] : [two, one]
    killed.crash()
    await world.advance("2 minutes")
    expect(world.delivered("a")).toEqual(upTo(7))
    const [row] = await expectLedger()
    expect(row).toMatchObject({ due: 7, delivered: 7, filtered: 0, pending: 0, sent: 7 })
    await other.close()
  })

  test("one that is killed and started again has its lanes back within 10 seconds", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    const one = await world.start("one")
    await log(one, 10)
    one.crash()
    const again = await world.start("again")
    await world.advance("10 seconds")
    for (const id of ["a", "b"]) expect(new Set(world.delivered(id))).toEqual(new Set(upTo(10)))
    expect([...loads().keys()]).toEqual(["again"])
    await again.close()
  })

  test("one that stands still is replaced, and sends nothing when it goes on, until it owns something again", async () => {
    await open({ destinations: [a, b], partitions: 4 })
    const one = await world.start("one")
    const two = await world.start("two")
    await world.advance("10 seconds")
    const owned = [...world.owners].filter(([, owner]) => owner === "one").map(([name]) => name)
    expect(owned.length).toBeGreaterThan(0)
    await log(two, 40)
    // With events in hand, on their way to a batch.
    await world.advance("500 millis")
    one.freeze()
    await world.advance("10 seconds")
    expect([...loads().keys()]).toEqual(["two"])
    for (const id of ["a", "b"]) expect(sorted(world.delivered(id))).toEqual(upTo(40))
    const before = world.begun.length
    one.thaw()
    await log(two, 40)
    await world.advance("3 seconds")
    expect(world.begun.slice(before).filter(({ process }) => process === "one")).toEqual([])
    await world.advance("10 seconds")
    for (const name of owned) expect(world.owners.get(name)).toBe("one")
    await log(two, 40)
    await world.advance("2 seconds")
    await expectOnce("a", "b")
    expect(senders("a", before).map(([, name]) => name)).toContain("one")
    await Promise.all([one.close(), two.close()])
  })

  test.each(["refused", "silent"] as const)(
    "one that is cut off (%s) sends to the end of its lease, then nothing; it goes on when it is back",
    async (how) => {
      await open({ destinations: [a], partitions: 4, maxBytes: 1_000_000 })
      const one = await world.start("one")
      const two = await world.start("two")
      await world.advance("10 seconds")
      await log(two, 20)
      await world.advance("2 seconds")
      one.cut(how)
      await log(two, 20)
      await world.advance("12 seconds")
      expect(new Set(world.delivered("a"))).toEqual(new Set(upTo(40)))
      expect([...loads().keys()]).toEqual(["two"])
      one.cut("mended")
      await world.advance("20 seconds")
      expect(loads().size).toBe(2)
      const before = world.begun.length
      await log(two, 40)
      await world.advance("2 seconds")
      expect(new Set(senders("a", before).map(([, name]) => name)).size).toBe(2)
      for (const row of await expectLedger()) expect(row).toMatchObject({ delivered: 80, pending: 0 })
      await Promise.all([one.close(), two.close()])
    },
  )

  test("alone and cut off for an hour, it goes on by itself", async () => {
    await open({ destinations: [a], partitions: 2 })
    const one = await world.start("one")
    await log(one, 10)
    one.cut("refused")
    await world.advance("1 hour")
    one.cut("mended")
    await log(one, 10)
    await world.advance("10 seconds")
    expect(new Set(world.delivered("a"))).toEqual(new Set(upTo(20)))
    for (const row of await expectLedger()) expect(row).toMatchObject({ delivered: 20, pending: 0 })
    await one.close()
  })
})

describe("what one process is told, the others follow", () => {
  const pair = async (options: WorldOptions) => {
    await open(options)
    const two = [await world.start("one"), await world.start("two")] as const
    await world.advance("10 seconds")
    return two
  }

  test("a destination added, disabled, enabled, removed", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 6 })
    await one.operator.addDestination(b)
    await log(two, 30)
    await world.advance("10 seconds")
    await expectOnce("a", "b")
    expect(new Set(senders("b").map(([, name]) => name)).size).toBe(2)

    await two.operator.disable("b")
    await world.advance("4 seconds")
    await log(one, 30)
    await world.advance("4 seconds")
    expect(world.delivered("b")).toHaveLength(30)
    await one.operator.enable("b")
    await world.advance("4 seconds")
    await expectOnce("a", "b")

    await two.operator.removeDestination("b")
    await world.advance("4 seconds")
    await log(one, 30)
    await world.advance("10 seconds")
    expect(world.delivered("b")).toHaveLength(60)
    expect((await world.status()).map(({ id }) => id)).toEqual(["a"])
    await expectOnce("a")
    // Another one of the same name begins anew.
    await one.operator.addDestination({ ...b, url: "https://again.test/hook" })
    await log(one, 30)
    await world.advance("10 seconds")
    expect(sorted(world.delivered("again"))).toEqual(upTo(30).map((n) => n + 90))
    await Promise.all([one.close(), two.close()])
  })

  test("a destination that is gone gets nothing from anybody", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 6 })
    world.answer(() => ({ status: 410 }))
    await log(one, 60)
    await world.advance("4 seconds")
    const attempts = world.begun.length
    expect(attempts).toBeLessThanOrEqual(6)
    await log(two, 60)
    await world.advance("1 hour")
    expect(world.begun).toHaveLength(attempts)
    expect((await world.status())[0]?.disabled?.reason).toBe("gone")
    await Promise.all([one.close(), two.close()])
  })

  test("what waits for a receiver that is down is tried at once by all who have a part of it", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 6 })
    world.answer(() => ({ status: 503 }))
    await log(one, 60)
    await world.advance("8 hours")
    world.answer(() => ({ status: 200 }))
    await two.operator.tryNow("a")
    await world.advance("4 seconds")
    expect(loads().size).toBe(2)
    await expectOnce("a")
    await Promise.all([one.close(), two.close()])
  })

  test("rewind, skip and replay, asked of a process that owns only a part", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 6 })
    await log(one, 30)
    await world.advance("4 seconds")
    expect(await two.operator.rewind("a", 0)).toBe(30)
    await world.advance("10 seconds")
    expect(sorted(world.delivered("a"))).toEqual(sorted([...upTo(30), ...upTo(30)]))
    expect(await expectLedger()).toMatchObject([{ due: 60, delivered: 60, pending: 0 }])

    await one.operator.replay({ destination: "a", since: 0, until: world.now() })
    await world.advance("10 seconds")
    expect(world.delivered("a")).toHaveLength(90)

    world.answer(() => ({ status: 503 }))
    await log(one, 30)
    await world.advance("4 seconds")
    expect(await one.operator.skip("a")).toBe(30)
    await world.advance("4 seconds")
    world.answer(() => ({ status: 200 }))
    await world.advance("2 hours")
    expect(world.delivered("a")).toHaveLength(90)
    await log(two, 30)
    await world.advance("4 seconds")
    expect(sorted(world.delivered("a").slice(90))).toEqual(upTo(30).map((n) => n + 60))
    expect(await expectLedger()).toMatchObject([{ due: 90, delivered: 90, pending: 0 }])
    await Promise.all([one.close(), two.close()])
  })

  test("replays that both begin at once are two", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 2 })
    await log(one, 10)
    await world.advance("4 seconds")
    const request = { destination: "a", since: 0, until: world.now() }
    const names = await Promise.all([one, two].map(({ operator }) => operator.replay(request)))
    expect(new Set(names).size).toBe(2)
    await world.advance("10 seconds")
    expect(world.delivered("a")).toHaveLength(30)
    await Promise.all([one.close(), two.close()])
  })

  test("a rate limit holds for all of them together", async () => {
    const limited = { ...a, rateLimit: { events: 10 }, batch: { maxEvents: 5 } }
    const [one, two] = await pair({ destinations: [limited], partitions: 8 })
    const from = world.now()
    await log(one, 400)
    await world.advance("40 seconds")
    const sent = world.begun.reduce((sum, { values }) => sum + values.length, 0)
    expect(world.now() - from).toBe(40_000)
    expect(sent).toBeLessThanOrEqual(10 * 40 + 2 * 5)
    expect(sent).toBeGreaterThan(10 * 40 * 0.6)
    await Promise.all([one.close(), two.close()])
  })

  test("entries are kept until every process's lanes are past them, and dropped then", async () => {
    const [one, two] = await pair({ destinations: [a], partitions: 2, keepFor: "1 minute" })
    world.answer(({ process }) => ({ status: process === "one" ? 503 : 200 }))
    await log(two, 20)
    await world.advance("1 hour")
    const kept = await world.run(
      Effect.forEach([0, 1], (partition) =>
        Effect.map(world.log.bounds(partition), ({ tail, head }) => [tail, head]),
      ),
    )
    for (const [partition, [tail, head]] of kept.entries()) {
      const isBehind = world.owners.get(`a/${partition}`) === "two"
      expect(tail).toBe(isBehind ? head : Position.origin)
    }
    expect(loads().size).toBe(2)
    world.answer(() => ({ status: 200 }))
    await world.advance("3 hours")
    for (const partition of [0, 1]) {
      const { tail, head } = await world.run(world.log.bounds(partition))
      expect(tail).toBe(head)
    }
    expect(await expectLedger()).toMatchObject([{ delivered: 20, trimmed: 0, pending: 0 }])
    await Promise.all([one.close(), two.close()])
  })
})

test("whatever happens to the processes, nothing is lost, nobody sends after its lease, and the ledger adds up", async () => {
  const who = fc.nat({ max: 2 })
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("log" as const), who, count: fc.integer({ min: 1, max: 8 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("pass" as const),
        millis: fc.constantFrom(100, 999, 2_000, 5_999, 6_001, 15_000),
      }),
    },
    fc.record({ do: fc.constantFrom("start" as const, "crash" as const, "close" as const), who }),
    fc.record({ do: fc.constantFrom("freeze" as const, "thaw" as const), who }),
    fc.record({
      do: fc.constant("cut" as const),
      who,
      how: fc.constantFrom("refused" as const, "silent" as const, "mended" as const),
    }),
    fc.record({
      do: fc.constant("answer" as const),
      status: fc.constantFrom(200, 503),
      after: fc.constantFrom(0, 700, 5_000),
    }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 5, maxLength: 40 }), async (acts) => {
      await open({ destinations: [a, b], partitions: 3 })
      const alive = new Map<number, Process>()
      const frozen = new Set<number>()
      const cut = new Set<number>()
      let lives = 0
      const start = async (at: number) => {
        if (!alive.has(at)) alive.set(at, await world.start(`${at}-${lives++}`))
      }
      const accepted = new Set<number>()
      await start(0)
      for (const one of acts) {
        const at = "who" in one ? one.who : 0
        const process = alive.get(at)
        switch (one.do) {
          case "log":
            if (process === undefined || frozen.has(at) || cut.has(at)) break
            for (let n = 0; n < one.count; n++) {
              if ((await process.log(`user-${next}`, next)) === 202) accepted.add(next)
              next += 1
            }
            break
          case "pass":
            await world.advance(one.millis)
            break
          case "start":
            await start(at)
            break
          case "crash":
            process?.crash()
            alive.delete(at)
            frozen.delete(at)
            cut.delete(at)
            break
          case "close":
            if (process === undefined || frozen.has(at) || cut.has(at)) break
            await process.close()
            alive.delete(at)
            break
          case "freeze":
            if (process === undefined) break
            process.freeze()
            frozen.add(at)
            break
          case "thaw":
            process?.thaw()
            frozen.delete(at)
            break
          case "cut":
            process?.cut(one.how)
            if (process !== undefined && one.how !== "mended") cut.add(at)
            else cut.delete(at)
            break
          case "answer":
            world.answer(() => ({ status: one.status, after: one.after }))
            break
        }
        await expectLedger()
        expect(world.violations).toEqual([])
      }
      world.answer(() => ({ status: 200 }))
      for (const process of alive.values()) {
        process.cut("mended")
        process.thaw()
      }
      await start(0)
      await world.advance("30 minutes")
      for (const id of ["a", "b"]) expect(new Set(world.delivered(id))).toEqual(accepted)
      for (const row of await expectLedger()) {
        expect(row).toMatchObject({ due: accepted.size, delivered: accepted.size, pending: 0, trimmed: 0 })
      }
      const present = new Set([...alive.values()].map(({ name }) => name))
      for (const owner of world.owners.values()) expect(present).toContain(owner)
      expect(world.violations).toEqual([])
      for (const process of alive.values()) await process.close()
    }),
    { numRuns: 25 },
  )
}, 120_000)
