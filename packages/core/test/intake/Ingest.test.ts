/** Over 400 lines because its cases share one set of ports that fail. */
import { createHash } from "node:crypto"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { timeUUIDs } from "../../src/entry/TimeUUID.ts"
import type { HourlyCount } from "../../src/ports/Counters.ts"
import { intake } from "../../src/ports/DeadLetters.ts"
import type { EventLog } from "../../src/ports/EventLog.ts"
import { StoreError } from "../../src/ports/StoreError.ts"
import {
  capturedLogs,
  clientKey,
  event,
  keys,
  now,
  open,
  request,
  run,
  sdkBody,
  serverKey,
} from "../support/intake.ts"

const down = Effect.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: "down" }))

/** A log that fails while `isDown` says so. */
const failingWhile = (isDown: () => boolean) => (log: EventLog["Service"]) => ({
  ...log,
  append: (...call: Parameters<EventLog["Service"]["append"]>) =>
    Effect.suspend(() => (isDown() ? down : log.append(...call))),
})

/** A log whose appends wait for the gate. */
const waitingFor = (gate: Deferred.Deferred<void, StoreError>) => (log: EventLog["Service"]) => ({
  ...log,
  append: (...call: Parameters<EventLog["Service"]["append"]>) =>
    Effect.andThen(Deferred.await(gate), log.append(...call)),
})

const bad = { eventName: "" }

describe("accepted events", () => {
  it("are one entry a request, named by an id made at intake", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open({ keys })
        yield* http.handle(request({ body: sdkBody(event("a"), event("b")) }))
        yield* http.handle(request({ body: sdkBody(event("c")) }))
        yield* http.handle(request({ body: sdkBody(event("d")), headers: {} }))
        const entries = yield* stored
        expect(entries.map(({ id, events }) => [id, events])).toEqual([
          ["00000000000000000000000000000001", 2],
          ["00000000000000000000000000000002", 1],
        ])
      }),
    ))

  it("carry the receive time of the request's head and the id of its key, never the key", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open({ keys })
        const slow = request()
        const fiber = yield* Effect.forkChild(
          http.handle({
            ...slow,
            body: (limit) => Effect.andThen(Effect.sleep("20 seconds"), slow.body(limit)),
          }),
          { startImmediately: true },
        )
        yield* TestClock.adjust("20 seconds")
        yield* Fiber.join(fiber)
        const [entry] = yield* stored
        expect(JSON.parse(entry!.envelope)).toMatchObject({
          receivedAt: now,
          keyId: expect.stringMatching(/^[0-9a-f]{8}$/),
        })
        expect(entry!.envelope).not.toContain(serverKey)
      }),
    ))

  it("are stored though the client goes away during the append", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, StoreError>()
        const { http, stored, ingest } = yield* open({ keys }, { log: waitingFor(gate) })
        const fiber = yield* Effect.forkChild(http.handle(request()), { startImmediately: true })
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(interrupting)
        expect(yield* stored).toHaveLength(1)
        expect(yield* ingest.ledger).toMatchObject({ received: 1, stored: 1 })
        yield* http.close
      }),
    ))
})

describe("rejected events", () => {
  it("are dead letters before the answer, beside the good ones", () =>
    run(
      Effect.gen(function* () {
        const { http, letters, stored } = yield* open({ keys })
        const reply = yield* http.handle(request({ body: sdkBody(event(), { ...bad, value: 1 }, event()) }))
        expect(JSON.parse(String(reply.body)).rejected).toEqual([
          { index: 1, message: expect.stringContaining("events[1]") },
        ])
        const { letters: kept } = yield* letters.list({})
        expect(kept).toEqual([
          {
            destination: intake,
            eventId: timeUUIDs("00000000000000000000000000000001")(now, 1),
            reason: "invalid",
            message: JSON.parse(String(reply.body)).rejected[0].message,
            status: null,
            deadAt: now,
            receivedAt: now,
            eventName: "",
            event: JSON.stringify({ ...bad, value: 1 }),
            replayedAt: null,
          },
        ])
        expect((yield* stored).map(({ events }) => events)).toEqual([2])
      }),
    ))

  it("are dead letters up to a hundred of a request, and all of them are counted", () =>
    run(
      Effect.gen(function* () {
        const put: Array<number> = []
        const { http, ingest, letters } = yield* open(
          { keys },
          {
            letters: (service) => ({
              ...service,
              put: (some) => {
                put.push(some.length)
                return service.put(some)
              },
            }),
          },
        )
        const body = `{"events":[${Array(10_000).fill(0).join(",")}]}`
        const url = "/v1/rgstr?st=js-client"
        const reply = yield* http.handle(request({ url, body }))
        expect(JSON.parse(String(reply.body))).toMatchObject({ success: true, rejectedCount: 10_000 })
        expect(put).toEqual([100])
        expect(yield* letters.count).toEqual(new Map([[intake, 100]]))
        expect(yield* ingest.ledger).toMatchObject({ received: 10_000, rejected: 10_000 })
      }),
    ))

  it("are kept too when nothing was accepted from an SDK", () =>
    run(
      Effect.gen(function* () {
        const { http, letters, stored, ingest } = yield* open({ keys })
        const reply = yield* http.handle(request({ body: sdkBody(bad, bad) }))
        expect(reply.status).toBe(202)
        expect((yield* letters.list({})).letters).toHaveLength(2)
        expect(yield* stored).toEqual([])
        expect(yield* ingest.ledger).toEqual({ received: 2, stored: 0, rejected: 2, duplicate: 0, failed: 0 })
      }),
    ))

  it("of a refused request are counted, not kept", () =>
    run(
      Effect.gen(function* () {
        const { http, letters, ingest } = yield* open({ keys, validation: "strict" })
        const headers = { "statsig-api-key": serverKey, "statsig-client-time": String(now) }
        expect((yield* http.handle(request({ headers, body: sdkBody(bad, bad) }))).status).toBe(400)
        expect((yield* letters.list({})).letters).toEqual([])
        expect(yield* ingest.ledger).toMatchObject({ received: 2, rejected: 2 })
      }),
    ))

  it.each([
    ["fail", Effect.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: "letters down" }))],
    ["die", Effect.die(new Error("page_view"))],
  ])("do not fail their request when the letters %s", (_, outcome) => {
    const { lines, layer } = capturedLogs()
    return run(
      Effect.gen(function* () {
        const { http, stored } = yield* open(
          { keys },
          { letters: (letters) => ({ ...letters, put: () => outcome }) },
        )
        const reply = yield* http.handle(request({ body: sdkBody(event(), bad) }))
        expect(reply.status).toBe(202)
        expect(JSON.parse(String(reply.body)).rejected).toHaveLength(1)
        expect(yield* stored).toHaveLength(1)
        expect(lines).toHaveLength(1)
        expect(lines[0]).not.toContain("page_view")
      }).pipe(Effect.provide(layer)),
    )
  })

  it("are not kept when the append fails: they come again with the request", () =>
    run(
      Effect.gen(function* () {
        const { http, letters } = yield* open({ keys }, { log: failingWhile(() => true) })
        expect((yield* http.handle(request({ body: sdkBody(event(), bad) }))).status).toBe(503)
        expect((yield* letters.list({})).letters).toEqual([])
      }),
    ))
})

describe("ledger", () => {
  it("adds up, whatever comes in whatever order", async () => {
    const step = fc.record({
      good: fc.integer({ min: 0, max: 3 }),
      bad: fc.integer({ min: 0, max: 3 }),
      isDown: fc.boolean(),
      key: fc.constantFrom(serverKey, "wrong"),
      strict: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), (steps) =>
        run(
          Effect.gen(function* () {
            let isDown = false
            const { http, ingest, log } = yield* open(
              { keys, dedupe: { window: "1 hour" } },
              { log: failingWhile(() => isDown) },
            )
            let sent = 0
            for (const { good, bad: wrong, isDown: downNow, key, strict } of steps) {
              isDown = downNow
              const events = [
                ...Array.from({ length: good }, () => event()),
                ...Array.from({ length: wrong }, () => bad),
              ]
              const body = strict ? JSON.stringify({ events }) : sdkBody(...events, event("last"))
              const headers = { "statsig-api-key": key, "statsig-client-time": String(now) }
              yield* http.handle(request({ headers, body }))
              if (key === serverKey) sent += events.length + (strict ? 0 : 1)
            }
            const { received, stored, rejected, duplicate, failed } = yield* ingest.ledger
            expect(received).toBe(sent)
            expect(stored + rejected + duplicate + failed).toBe(received)
            const { head } = yield* log.bounds(0)
            expect((yield* log.stats(0, head)).events).toBe(stored)
          }),
        ),
      ),
      { numRuns: 50 },
    )
  })
})

describe("admission", () => {
  it("bounds the bytes that wait for the store, and lets in again what fits", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, StoreError>()
        const body = sdkBody()
        const limits = { bodyBytes: body.length, inFlightBytes: 2 * body.length }
        const { http, ingest, stored } = yield* open({ keys, limits }, { log: waitingFor(gate) })
        const waiting = yield* Effect.forEach([1, 2], () =>
          Effect.forkChild(http.handle(request({ body })), { startImmediately: true }),
        )
        const over = yield* http.handle(request({ body }))
        expect(over).toMatchObject({
          status: 503,
          headers: { "retry-after": "5" },
          body: '{"success":false,"message":"too many requests at once","status":503}',
        })
        yield* Deferred.succeed(gate, undefined)
        expect((yield* Fiber.joinAll(waiting)).map(({ status }) => status)).toEqual([202, 202])
        expect((yield* http.handle(request({ body }))).status).toBe(202)
        expect(yield* stored).toHaveLength(3)
        expect(yield* ingest.ledger).toMatchObject({ received: 3, stored: 3 })
      }),
    ))

  it("survives a store that throws instead of failing", () =>
    run(
      Effect.gen(function* () {
        const body = sdkBody()
        const throwing = () => {
          throw new Error("bug of a store")
        }
        const { http, ingest } = yield* open(
          { keys, limits: { bodyBytes: body.length, inFlightBytes: body.length } },
          { log: (log) => ({ ...log, append: throwing }) },
        )
        for (let n = 0; n < 3; n++) expect((yield* http.handle(request({ body }))).status).toBe(500)
        expect(yield* ingest.ledger).toMatchObject({ received: 3, failed: 3 })
      }),
    ))

  it("gives room back after failures", () =>
    run(
      Effect.gen(function* () {
        let isDown = true
        const body = sdkBody()
        const limits = { bodyBytes: body.length, inFlightBytes: body.length }
        const { http } = yield* open({ keys, limits }, { log: failingWhile(() => isDown) })
        for (let n = 0; n < 3; n++)
          expect((yield* http.handle(request({ body }))).body).toContain("the store is not reachable")
        isDown = false
        expect((yield* http.handle(request({ body }))).status).toBe(202)
      }),
    ))
})

describe("dedupe", () => {
  const options = { keys, dedupe: { window: "1 minute" } } as const

  it("is off by default: two identical calls may both be meant", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open({ keys })
        yield* http.handle(request())
        yield* http.handle(request())
        expect(yield* stored).toHaveLength(2)
      }),
    ))

  it("takes the same body from the same key once within the window", () =>
    run(
      Effect.gen(function* () {
        const { http, stored, ingest } = yield* open(options)
        const first = yield* http.handle(request({ body: sdkBody(event(), bad) }))
        yield* TestClock.adjust("59 seconds")
        expect(yield* http.handle(request({ body: sdkBody(event(), bad), url: "/v1/rgstr" }))).toEqual(first)
        expect(yield* stored).toHaveLength(1)
        expect(yield* ingest.ledger).toEqual({ received: 4, stored: 1, rejected: 2, duplicate: 1, failed: 0 })
        yield* TestClock.adjust("1 second")
        yield* http.handle(request({ body: sdkBody(event(), bad) }))
        expect(yield* stored).toHaveLength(2)
      }),
    ))

  it("tells bodies, keys and dialects apart", () =>
    run(
      Effect.gen(function* () {
        const { http, stored } = yield* open(options)
        yield* http.handle(request())
        yield* http.handle(request({ body: sdkBody(event("other")) }))
        yield* http.handle(request({ headers: { "statsig-api-key": clientKey } }))
        yield* http.handle(request({ url: "/v1/webhooks/event_webhook" }))
        expect(yield* stored).toHaveLength(4)
      }),
    ))

  it("lets concurrent ones wait for the first, and all succeed with it", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, StoreError>()
        const { http, stored, ingest } = yield* open(options, { log: waitingFor(gate) })
        const fibers = yield* Effect.forEach([1, 2, 3], () =>
          Effect.forkChild(http.handle(request()), { startImmediately: true }),
        )
        yield* Deferred.succeed(gate, undefined)
        expect((yield* Fiber.joinAll(fibers)).map(({ status }) => status)).toEqual([202, 202, 202])
        expect(yield* stored).toHaveLength(1)
        expect(yield* ingest.ledger).toMatchObject({ received: 3, stored: 1, duplicate: 2 })
      }),
    ))

  it("shares a store's failure with those that wait, and remembers it no longer", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, StoreError>()
        let waits = true
        const { http, stored, ingest } = yield* open(options, {
          log: (log) => ({
            ...log,
            append: (...call) =>
              waits ? Effect.andThen(Deferred.await(gate), log.append(...call)) : log.append(...call),
          }),
        })
        const fibers = yield* Effect.forEach([1, 2], () =>
          Effect.forkChild(http.handle(request()), { startImmediately: true }),
        )
        yield* Deferred.fail(gate, new StoreError({ reason: { _tag: "Unavailable" }, message: "down" }))
        expect((yield* Fiber.joinAll(fibers)).map(({ status }) => status)).toEqual([503, 503])
        waits = false
        expect((yield* http.handle(request())).status).toBe(202)
        expect(yield* stored).toHaveLength(1)
        expect(yield* ingest.ledger).toMatchObject({ received: 3, stored: 1, failed: 2 })
      }),
    ))

  it("does not lose the others when the client of the first goes away", () =>
    run(
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void, StoreError>()
        const { http, stored } = yield* open(options, { log: waitingFor(gate) })
        const first = yield* Effect.forkChild(http.handle(request()), { startImmediately: true })
        const second = yield* Effect.forkChild(http.handle(request()), { startImmediately: true })
        const leaving = yield* Effect.forkChild(Fiber.interrupt(first), { startImmediately: true })
        yield* Deferred.succeed(gate, undefined)
        expect((yield* Fiber.join(second)).status).toBe(202)
        yield* Fiber.join(leaving)
        expect(yield* stored).toHaveLength(1)
      }),
    ))
})

describe("event names", () => {
  const hour = Math.floor(now / 3_600_000) * 3_600_000

  it("are counted by hour, written 10 s after the first and then only while there are more", () =>
    run(
      Effect.gen(function* () {
        const writes: Array<ReadonlyArray<HourlyCount>> = []
        const { http, counters } = yield* open(
          { keys },
          {
            counters: (inner) => ({
              ...inner,
              add: (counts) =>
                Effect.andThen(
                  Effect.sync(() => writes.push(counts)),
                  inner.add(counts),
                ),
            }),
          },
        )
        yield* http.handle(request({ body: sdkBody(event("a"), event("b"), event("a"), bad) }))
        yield* TestClock.adjust("9 seconds")
        yield* http.handle(request({ body: sdkBody(event("a")) }))
        expect(writes).toHaveLength(0)
        yield* TestClock.adjust("1 second")
        expect(yield* counters.list(hour, hour + 1)).toEqual([
          { hour, eventName: "a", count: 3 },
          { hour, eventName: "b", count: 1 },
        ])
        yield* TestClock.adjust("7 days")
        expect(writes).toHaveLength(1)
        yield* http.handle(request({ body: sdkBody(event("a")) }))
        yield* TestClock.adjust("10 seconds")
        expect(writes).toHaveLength(2)
      }),
    ))

  it("let nothing tick while none is pending", () =>
    run(
      Effect.gen(function* () {
        const clock = yield* Clock.Clock
        let sleeps = 0
        const counting: Clock.Clock = Object.create(clock, {
          sleep: {
            value: (duration: Duration.Duration) =>
              Effect.suspend(() => {
                sleeps++
                return clock.sleep(duration)
              }),
          },
        })
        const { http } = yield* open({ keys })
        const handle = Effect.provideService(http.handle(request()), Clock.Clock, counting)
        yield* handle
        yield* handle
        yield* TestClock.adjust("7 days")
        expect(sleeps).toBe(1)
        yield* handle
        yield* TestClock.adjust("7 days")
        expect(sleeps).toBe(2)
      }),
    ))

  it("still pending are written when the scope closes", () =>
    run(
      Effect.gen(function* () {
        const writes: Array<HourlyCount> = []
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { http } = yield* open(
              { keys },
              {
                counters: (inner) => ({
                  ...inner,
                  add: (counts) => Effect.sync(() => void writes.push(...counts)),
                }),
              },
            )
            yield* http.handle(request())
          }),
        )
        expect(writes).toEqual([{ hour, eventName: "page_view", count: 1 }])
      }),
    ))

  it("are kept over a write that fails, and not counted for duplicates and failures", () =>
    run(
      Effect.gen(function* () {
        let isDown = true
        const { http, counters } = yield* open(
          { keys, dedupe: { window: "1 hour" } },
          { counters: (inner) => ({ ...inner, add: (counts) => (isDown ? down : inner.add(counts)) }) },
        )
        yield* http.handle(request())
        yield* http.handle(request())
        yield* TestClock.adjust("10 seconds")
        isDown = false
        yield* TestClock.adjust("10 seconds")
        expect(yield* counters.list(hour, hour + 1)).toEqual([{ hour, eventName: "page_view", count: 1 }])
      }),
    ))

  it("that are endless or too many are counted together", () =>
    run(
      Effect.gen(function* () {
        const { http, counters } = yield* open({ keys })
        yield* http.handle(request({ body: sdkBody(event("x".repeat(257)), event("x".repeat(256))) }))
        for (const part of [0, 1]) {
          const names = Array.from({ length: 6000 }, (_, index) => event(`n${part * 6000 + index}`))
          yield* http.handle(request({ body: sdkBody(...names) }))
        }
        yield* TestClock.adjust("10 seconds")
        const counts = yield* counters.list(hour, hour + 1)
        expect(counts.find(({ eventName }) => eventName === "(other)")?.count).toBe(2003)
        expect(counts).toHaveLength(10_000)
      }),
    ))
})

describe("keys", () => {
  it("of the store count beside those configured, and are read again on demand", () =>
    run(
      Effect.gen(function* () {
        const { http, ingest, keys: store } = yield* open({ keys: { server: [serverKey] } })
        const asked = () => http.handle(request({ headers: { "statsig-api-key": "added" } }))
        const hash = createHash("sha256").update("added").digest("hex")
        yield* store.put({ hash, kind: "client", createdAt: now })
        expect((yield* asked()).status).toBe(401)
        yield* ingest.reloadKeys
        expect((yield* asked()).status).toBe(202)
        yield* store.remove(hash)
        yield* ingest.reloadKeys
        expect((yield* asked()).status).toBe(401)
        expect((yield* http.handle(request())).status).toBe(202)
      }),
    ))
})
