import { DeadLetters, EventLog } from "@millrace/core"
import { Counters, Documents, Keys } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import * as Channel from "../../src/workers/Channel.ts"
import * as WorkerDocuments from "../../src/workers/documents.ts"
import type { PrimaryCalls } from "../../src/workers/Protocol.ts"
import * as RemoteStore from "../../src/workers/RemoteStore.ts"
import { socketPair } from "../support/socketPair.ts"

type None = Record<never, never>

const letterOf = (n: number): DeadLetters.DeadLetter => ({
  destination: "intake",
  eventId: `id-${n}`,
  reason: "invalid",
  message: "events[0].time: expected a number",
  status: null,
  deadAt: n,
  receivedAt: n,
  eventName: "page_view \u2028 \ud83d\ude00",
  event: '{"value":"\\u0000"}',
  replayedAt: null,
})

const countOf = (n: number): Counters.HourlyCount => ({ hour: 3_600_000 * n, eventName: `e${n}`, count: n })

/** Documents in this process's memory, for as long as it runs. */
const kept = () => Effect.runPromise(Layer.buildWithScope(Documents.layerMemory(), Scope.makeUnsafe()))

test("what intake keeps beside entries comes to the primary's store whole, in order, and a little at a time", async () => {
  const [near, far] = await socketPair()
  const context = Context.empty()
  const letters: Array<ReadonlyArray<DeadLetters.DeadLetter>> = []
  const counts: Array<ReadonlyArray<Counters.HourlyCount>> = []
  const key: Keys.KeyRecord = { hash: "0".repeat(64), kind: "client", createdAt: 1 }
  const add = <A>(all: Array<A>, some: A) =>
    Effect.sync(() => {
      all.push(some)
      return null
    })
  const documents = Context.get(await kept(), Documents.Documents)
  Channel.make<PrimaryCalls, None>(far, {
    context,
    handlers: {
      keys: () => Effect.succeed([key]),
      letters: (some) => add(letters, some),
      counts: (some) => add(counts, some),
      ...WorkerDocuments.handlers(documents),
      problem: () => Effect.succeed(null),
      metrics: () => Effect.succeed(""),
      report: () => Effect.succeed(0),
    },
    onClose: () => {},
  })
  const primary = Channel.make<None, PrimaryCalls>(near, { context, handlers: {}, onClose: () => {} })
  const store = RemoteStore.make(primary, { durability: "disk", partitions: 3 })
  expect(Context.get(store, EventLog.EventLog)).toMatchObject({ durability: "disk", partitions: 3 })
  expect(await Effect.runPromise(Context.get(store, Keys.Keys).list)).toEqual([key])

  const remote = Context.get(store, Documents.Documents)
  const document = { name: "statsig/a", savedAt: 1, meta: "{}", body: Uint8Array.of(0, 10, 255) }
  await Effect.runPromise(remote.put(document))
  expect(await Effect.runPromise(documents.get("statsig/a"))).toEqual(document)
  expect(await Effect.runPromise(remote.get("statsig/a"))).toEqual(document)
  await Effect.runPromise(remote.remove("statsig/a"))
  expect(await Effect.runPromise(remote.get("statsig/a"))).toBeNull()

  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 350 }), async (length) => {
      letters.length = 0
      counts.length = 0
      const numbers = Array.from({ length }, (_, n) => n)
      await Effect.runPromise(Context.get(store, DeadLetters.DeadLetters).put(numbers.map(letterOf)))
      await Effect.runPromise(Context.get(store, Counters.Counters).add(numbers.map(countOf)))
      expect(letters.flat()).toEqual(numbers.map(letterOf))
      expect(counts.flat()).toEqual(numbers.map(countOf))
      for (const some of [...letters, ...counts]) expect(some.length).toBeLessThanOrEqual(100)
    }),
    { numRuns: 20 },
  )
})
