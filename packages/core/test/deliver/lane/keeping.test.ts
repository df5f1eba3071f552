import { EventLog, Store, type StoreError } from "@millrace/core"
import { testPipeline } from "@millrace/testkit"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"

/** A store in memory that counts how often entries are read from its log. */
const counted = () => {
  let reads = 0
  const store = (options = {}): Layer.Layer<Store.Store, StoreError> =>
    Layer.effectContext(
      Effect.map(Layer.build(Store.layerMemory(options)), (context) => {
        const log = Context.get(context, EventLog.EventLog)
        const read: typeof log.read = (partition, after, limits, wants) => {
          // The ledger looks at single ones, without their bodies.
          if (limits.maxEntries > 1) reads += 1
          return log.read(partition, after, limits, wants)
        }
        return Context.add(context, EventLog.EventLog, { ...log, read })
      }),
    )
  return { store, reads: () => reads }
}

const pad = "x".repeat(2_000)

test("while a destination is away its batch is kept, and not read again for every attempt", async () => {
  const { store, reads } = counted()
  const pipeline = await testPipeline({ store, destinations: [{ id: "away", url: "https://away.test/" }] })
  pipeline.receiver("away").answer(503)
  await pipeline.log({ eventName: "first" }, { eventName: "second" })
  await pipeline.advance("1 minute")
  const before = reads()
  await pipeline.advance("1 day")
  expect(pipeline.receiver("away").requests.length).toBeGreaterThan(30)
  expect(reads()).toBe(before)

  // It takes nothing else from the log meanwhile.
  await pipeline.log({ eventName: "third" })
  pipeline.receiver("away").answer(200)
  await pipeline.advance("2 hours")
  expect(pipeline.receiver("away").events.map(({ eventName }) => eventName)).toEqual([
    "first",
    "second",
    "third",
  ])
  await pipeline.dispose()
})

test("where many are away there is room for some of their batches, and the others are read again", async () => {
  const { store, reads } = counted()
  const destinations = Array.from({ length: 36 }, (_, at) => ({
    id: `d${at}`,
    url: `https://d${at}.test/`,
    retry: { first: "10 minutes" as const, max: "10 minutes" as const },
  }))
  const pipeline = await testPipeline({ store, destinations })
  const attempts = () => destinations.reduce((sum, { id }) => sum + pipeline.receiver(id).requests.length, 0)
  for (const { id } of destinations) pipeline.receiver(id).answer(503)
  const events = Array.from({ length: 300 }, (_, at) => ({ eventName: `e${at}`, metadata: { pad } }))
  await pipeline.log(...events)
  await pipeline.advance("20 minutes")
  const before = reads()
  const attemptsBefore = attempts()
  await pipeline.advance("20 minutes")
  expect(reads() - before).toBeGreaterThan(10)
  expect(reads() - before).toBeLessThan((attempts() - attemptsBefore) * 0.8)

  for (const { id } of destinations) pipeline.receiver(id).answer(200)
  await pipeline.advance("30 minutes")
  for (const { id } of destinations) {
    // What has failed alone in the outage may come behind others.
    expect(
      pipeline
        .receiver(id)
        .events.map(({ eventName }) => eventName)
        .sort(),
    ).toEqual(events.map(({ eventName }) => eventName).sort())
  }
  await pipeline.dispose()
})

test("what the log has dropped meanwhile is not sent as if it were there, and counts as trimmed", async () => {
  const pipeline = await testPipeline({
    maxBytes: 30_000,
    destinations: [{ id: "away", url: "https://away.test/", retry: { giveUpAfter: "1 hour" } }],
    keepFor: 0,
  })
  const away = pipeline.receiver("away")
  away.answer(404)
  for (let at = 0; at < 10; at++) await pipeline.log({ eventName: `e${at}`, metadata: { pad } })
  // Longer than it is waited for: the log takes the room for what comes.
  await pipeline.advance("3 days")
  for (let at = 10; at < 20; at++) await pipeline.log({ eventName: `e${at}`, metadata: { pad } })
  away.answer(200)
  await pipeline.advance("2 hours")
  const [row] = await pipeline.destinations()
  expect(row).toMatchObject({ due: 20, pending: 0, delivered: away.events.length })
  expect(row!.trimmed).toBe(20 - away.events.length)
  expect(row!.trimmed).toBeGreaterThan(0)
  await pipeline.close()
})
