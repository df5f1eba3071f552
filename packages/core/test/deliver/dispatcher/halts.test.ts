import { Store } from "@millrace/core"
import { Cursors, EventLog, StoreError } from "@millrace/core/store"
import { testPipeline } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import * as Halts from "../../../src/deliver/dispatcher/halts.ts"

const damaged = new StoreError({ reason: { _tag: "Corrupt" }, message: "page 7 is damaged" })

/** A store that is damaged for a while: what reads the log fails, or what takes cursors over. */
const damageable = () => {
  const state = { reading: false, acquiring: false }
  const unless = (is: () => boolean) => {
    return <A>(call: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
      Effect.suspend(() => (is() ? Effect.fail(damaged) : call))
  }
  const reading = unless(() => state.reading)
  const acquiring = unless(() => state.acquiring)
  const ports = Layer.mergeAll(
    Layer.effect(
      EventLog.EventLog,
      EventLog.EventLog.useSync((log) => ({ ...log, read: (...of) => reading(log.read(...of)) })),
    ),
    Layer.effect(
      Cursors.Cursors,
      Cursors.Cursors.useSync((cursors) => ({
        ...cursors,
        acquire: (name) => acquiring(cursors.acquire(name)),
      })),
    ),
  )
  return { state, layer: ports.pipe(Layer.provideMerge(Store.layerMemory())) }
}

const destinations = [{ id: "d", url: "https://d.test/", batch: { maxDelay: 0 } }]

const open = async () => {
  const { state, layer } = damageable()
  const pipeline = await testPipeline({ store: () => layer, destinations })
  const names = () => pipeline.receiver("d").events.map(({ eventName }) => eventName)
  return { state, pipeline, names }
}

test("what cannot be read is read as soon as it can be again, and nothing is skipped", async () => {
  const { state, pipeline, names } = await open()
  state.reading = true
  await pipeline.log({ eventName: "one" })
  await pipeline.advance("10 minutes")
  await pipeline.log({ eventName: "two" })
  expect(names()).toEqual([])
  state.reading = false
  await pipeline.advance("1 minute")
  expect(names()).toEqual(["one", "two"])
  await pipeline.dispose()
})

test("a lane that could not even be begun anew for a while goes on by itself", async () => {
  const { state, pipeline, names } = await open()
  pipeline.receiver("d").answer(503)
  await pipeline.log({ eventName: "one" })
  await pipeline.advance("1 second")
  await pipeline.crash()
  // Behind the head it reads for itself, which is what fails first.
  state.reading = true
  await pipeline.restart()
  state.acquiring = true
  await pipeline.advance("10 minutes")
  pipeline.receiver("d").answer(200)
  state.reading = false
  state.acquiring = false
  await pipeline.advance("1 minute")
  expect(names()).toEqual(["one"])
  await pipeline.dispose()
})

test("a halt is told until it has not come again for longer than it takes to try again", async () => {
  const told = await Effect.runPromise(
    Effect.gen(function* () {
      const halts = Halts.make()
      const halt = { error: damaged, detail: damaged.message }
      const found = [yield* halts.current]
      yield* halts.note(halt)
      for (const pause of ["0 seconds", "30 seconds", "4 seconds"] as const) {
        yield* TestClock.adjust(pause)
        found.push(yield* halts.current)
      }
      yield* halts.note(halt)
      yield* TestClock.adjust("34 seconds")
      found.push(yield* halts.current)
      yield* TestClock.adjust("2 seconds")
      found.push(yield* halts.current)
      return found.map((one) => one?.detail ?? null)
    }).pipe(Effect.provide(TestClock.layer())),
  )
  const { message } = damaged
  expect(told).toEqual([null, message, message, message, message, null])
})
