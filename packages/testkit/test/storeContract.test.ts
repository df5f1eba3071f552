import { EventLog, Store, StoreError } from "@millrace/core"
import {
  accountingContract,
  type StoreBinding,
  type StoreOpenOptions,
  type StorePlace,
  storeContract,
} from "@millrace/testkit"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

// The suites themselves under test: a store as far away as a server, whose every answer takes real time while Effect's clock
// is virtual, that outlives its openings, may be open several times at once, and has partitions.

const closed = new StoreError({ reason: { _tag: "Closed" }, message: "closed" })

/** A turn of the event loop, sometimes a timer: answers overtake each other. */
const distance = Effect.callback<void>((resume) => {
  if (Math.random() < 0.8) {
    const immediate = setImmediate(() => resume(Effect.void))
    return Effect.sync(() => clearImmediate(immediate))
  }
  const timer = setTimeout(() => resume(Effect.void), 1)
  return Effect.sync(() => clearTimeout(timer))
})

const remote = (effect: Effect.Effect<unknown, StoreError>, end: Deferred.Deferred<never, StoreError>) =>
  distance.pipe(
    Effect.andThen(Effect.suspend(() => (Deferred.isDoneUnsafe(end) ? Effect.fail(closed) : effect))),
    Effect.tap(distance),
    Effect.raceFirst(Deferred.await(end)),
  )

const remoteService = (service: object, end: Deferred.Deferred<never, StoreError>): object =>
  Object.fromEntries(
    Object.entries(service).map(([name, member]) => {
      if (Effect.isEffect(member)) return [name, remote(member as Effect.Effect<unknown, StoreError>, end)]
      if (typeof member !== "function") return [name, member]
      return [name, (...args: ReadonlyArray<unknown>) => remote(member(...args), end)]
    }),
  )

/** Two memory logs as the partitions of one. */
const twoPartitions = (options: StoreOpenOptions): Layer.Layer<EventLog.EventLog> =>
  Layer.effect(
    EventLog.EventLog,
    Effect.gen(function* () {
      const build = Effect.map(Layer.build(EventLog.layerMemory(options)), (context) =>
        Context.get(context, EventLog.EventLog),
      )
      const logs = [yield* build, yield* build]
      const at = (partition: number) => logs[partition] ?? logs[0]!
      return EventLog.EventLog.of({
        durability: "memory",
        partitions: logs.length,
        append: (entries, partition = 0) => at(partition).append(entries),
        read: (partition, after, limits) => at(partition).read(0, after, limits),
        wait: (partition, after) => at(partition).wait(0, after),
        locate: (partition, time) => at(partition).locate(0, time),
        bounds: (partition) => at(partition).bounds(0),
        stats: (partition, upTo) => at(partition).stats(0, upTo),
        trim: (partition, released, olderThan) => at(partition).trim(0, released, olderThan),
      })
    }),
  )

const remotePlace = (): StorePlace => {
  let runtime: ManagedRuntime.ManagedRuntime<Store.Store, never> | undefined
  const server = (options: StoreOpenOptions) => {
    runtime ??= ManagedRuntime.make(Layer.merge(Store.layerMemory(options), twoPartitions(options)))
    return runtime.contextEffect
  }
  return {
    open: (options) =>
      Layer.effectContext(
        Effect.gen(function* () {
          const context = yield* server(options)
          const end = yield* Deferred.make<never, StoreError>()
          yield* Effect.addFinalizer(() => Deferred.fail(end, closed))
          const services = [...context.mapUnsafe].map(
            ([key, service]) => [key, remoteService(service as object, end)] as const,
          )
          return Context.makeUnsafe<Store.Store>(new Map(services))
        }),
      ),
    remove: () => runtime?.dispose(),
  }
}

const binding: StoreBinding = {
  place: remotePlace,
  reopens: true,
  shared: true,
  capped: true,
  partitioned: true,
}

storeContract("a far away store", binding)
accountingContract("a far away store", binding, { runs: 3 })
