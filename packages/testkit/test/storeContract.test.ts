import { EventLog, Store, StoreError } from "@millrace/core"
import { StoreHealth } from "@millrace/core/store"
import {
  accountingContract,
  type FaultyPlace,
  type StoreBinding,
  type StoreFaults,
  type StoreOpenOptions,
  storeContract,
  storeFaultsContract,
} from "@millrace/testkit/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"

// The suites themselves under test: a store as far away as a server, whose every answer takes real
// time while Effect's clock is virtual, that outlives its openings, may be open several times at
// once, and has partitions.

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

const unreachable = new StoreError({ reason: { _tag: "Unavailable" }, message: "no answer" })

/** The way to the store, and what may happen on it. */
class Network {
  #state: keyof StoreFaults = "restore"
  readonly #calls = new Set<() => void>()

  readonly faults: StoreFaults = {
    cut: () => this.#change("cut"),
    stall: () => this.#change("stall"),
    restore: () => this.#change("restore"),
  }

  #change(state: keyof StoreFaults): void {
    this.#state = state
    for (const notice of this.#calls) notice()
  }

  /**
   * Fails when there is no answer: at once without a connection, after a while from one that hangs.
   */
  readonly loss = Effect.callback<never, StoreError>((resume) => {
    let patience: NodeJS.Timeout | undefined
    const giveUp = () => resume(Effect.fail(unreachable))
    const notice = () => {
      clearTimeout(patience)
      if (this.#state === "cut") giveUp()
      if (this.#state === "stall") patience = setTimeout(giveUp, 50)
    }
    if (this.#state === "stall" && this.#calls.size >= 100) return giveUp()
    this.#calls.add(notice)
    notice()
    return Effect.sync(() => {
      clearTimeout(patience)
      this.#calls.delete(notice)
    })
  })

  /** The way there, or back. */
  readonly trip = Effect.andThen(
    distance,
    Effect.callback<void>((resume) => {
      const notice = () => {
        if (this.#state === "restore") resume(Effect.void)
      }
      this.#calls.add(notice)
      notice()
      return Effect.sync(() => {
        this.#calls.delete(notice)
      })
    }),
  )
}

interface Connection {
  readonly network: Network
  readonly end: Deferred.Deferred<never, StoreError>
}

const remote = (effect: Effect.Effect<unknown, StoreError>, { network, end }: Connection) =>
  network.trip.pipe(
    Effect.andThen(Effect.suspend(() => (Deferred.isDoneUnsafe(end) ? Effect.fail(closed) : effect))),
    Effect.tap(network.trip),
    Effect.raceFirst(network.loss),
    Effect.raceFirst(Deferred.await(end)),
  )

const remoteService = (service: object, connection: Connection): object =>
  Object.fromEntries(
    Object.entries(service).map(([name, member]) => {
      if (Effect.isEffect(member))
        return [name, remote(member as Effect.Effect<unknown, StoreError>, connection)]
      if (typeof member !== "function") return [name, member]
      return [name, (...args: ReadonlyArray<unknown>) => remote(member(...args), connection)]
    }),
  )

/** Two memory logs as the partitions of one. */
const twoPartitions = (options: StoreOpenOptions): Layer.Layer<EventLog.EventLog | StoreHealth.StoreHealth> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const build = Layer.build(EventLog.layerMemory(options))
      const built = [yield* build, yield* build]
      const logs = built.map((context) => Context.get(context, EventLog.EventLog))
      const probes = built.map((context) => Context.get(context, StoreHealth.StoreHealth).probe)
      const at = (partition: number) => logs[partition] ?? logs[0]!
      const log = EventLog.EventLog.of({
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
      return Context.make(EventLog.EventLog, log).pipe(
        Context.add(StoreHealth.StoreHealth, {
          probe: Effect.all(probes, { discard: true }),
          examine: Effect.succeed([]),
          cap: options.maxBytes ?? null,
        }),
      )
    }),
  )

const remotePlace = (): FaultyPlace => {
  const network = new Network()
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
            ([key, service]) => [key, remoteService(service as object, { network, end })] as const,
          )
          return Context.makeUnsafe<Store.Store>(new Map(services))
        }),
      ),
    remove: () => runtime?.dispose(),
    faults: network.faults,
  }
}

const binding: StoreBinding = {
  place: remotePlace,
  faultyPlace: remotePlace,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
  partitioned: true,
  outside: false,
}

storeContract("a far away store", binding)
storeFaultsContract("a far away store", binding)
accountingContract("a far away store", binding, { runs: 3 })
