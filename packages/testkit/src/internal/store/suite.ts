import { Attempts, DeadLetters, EventLog, type StoreError } from "@millrace/core"
import { Counters, Cursors, Destinations, Documents, Keys, Members, StoreHealth } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { it, type TestContext } from "vitest"
import type {
  RewindablePlace,
  StoreBinding,
  StoreCapabilities,
  StoreFaults,
  StoreOpenOptions,
  StorePlace,
} from "../../storeBinding.ts"
import { onStoreClock } from "../storeClock.ts"

/** The storage ports of one opened store. */
export interface Ports {
  readonly log: EventLog.EventLog["Service"]
  readonly cursors: Cursors.Cursors["Service"]
  readonly deadLetters: DeadLetters.DeadLetters["Service"]
  readonly attempts: Attempts.Attempts["Service"]
  readonly destinations: Destinations.Destinations["Service"]
  readonly documents: Documents.Documents["Service"]
  readonly keys: Keys.Keys["Service"]
  readonly counters: Counters.Counters["Service"]
  readonly members: Members.Members["Service"]
  readonly health: StoreHealth.StoreHealth["Service"]
}

/** Opens the test's store until the surrounding scope closes. */
export type Open = (options?: StoreOpenOptions) => Effect.Effect<Ports, StoreError, Scope.Scope>

export type Body = (open: Open) => Effect.Effect<void, unknown, Scope.Scope>

/** What happens to a store whose server goes away. */
export type FaultyBody = (
  open: Open,
  faults: Readonly<Record<keyof StoreFaults, Effect.Effect<void>>>,
) => Effect.Effect<void, unknown, Scope.Scope>

/** What happens to a store that is put back to an earlier time. */
export type RewindBody = (
  open: Open,
  rewind: Readonly<Record<"keep" | "comeBack", Effect.Effect<void>>>,
) => Effect.Effect<void, unknown, Scope.Scope>

/** What happens to a store that is emptied. */
export type EmptyBody = (open: Open, empty: Effect.Effect<void>) => Effect.Effect<void, unknown, Scope.Scope>

type Capability = keyof StoreCapabilities

export interface Suite {
  /** Registers a case; without the capability it needs it is skipped, and its name says why. */
  readonly check: (name: string, body: Body, needs?: Capability, timeout?: number) => void
  /** Registers a case that runs at several places: a property, or a comparison. */
  readonly checkPlaces: (name: string, body: (runAtPlace: RunAtPlace) => Promise<void>) => void
  /** Registers a case in which the store's server goes away. */
  readonly checkFaults: (name: string, body: FaultyBody) => void
  /** Registers a case in which the store's place is full long before the log's cap. */
  readonly checkSmall: (name: string, body: Body) => void
  /** Registers a case in which the store comes back with less than it had given. */
  readonly checkRewind: (name: string, body: RewindBody, needs?: Capability) => void
  /** Registers a case in which a store is emptied that acknowledges at a level. */
  readonly checkEmpty: (name: string, level: "memory" | "disk", body: EmptyBody, needs?: Capability) => void
  readonly can: StoreCapabilities
}

/** Runs a body at a fresh place, on a fresh virtual clock. */
export type RunAtPlace = (body: Body) => Promise<void>

/** Where every test's clock begins: a time with which "a month ago" is still after the epoch. */
export const start = Date.UTC(2025, 0, 1)

const lacking: Record<Capability, string> = {
  reopens: "the store keeps nothing when it is closed",
  shared: "the store is one process's own",
  capped: "the store has no cap",
  partitioned: "the log has one partition",
  probesRoom: "the store's probe does not know whether the log has room",
  outside: "the log is in this process's memory",
}

/**
 * Real disks and servers under a hundred thousand letters, on a machine that has other things to
 * do.
 */
const usualTimeout = 120_000

/** A place, and several openings of it, for each of many runs. */
const manyTimeout = 300_000

/**
 * Several outages, each as long as a store takes to give up a request, and then to find its server
 * again.
 */
const faultTimeout = 180_000

const opener =
  (place: StorePlace): Open =>
  (options = {}) =>
    Effect.map(Layer.build(Layer.fresh(onStoreClock(place.open(options)))), (context) => ({
      log: Context.get(context, EventLog.EventLog),
      cursors: Context.get(context, Cursors.Cursors),
      deadLetters: Context.get(context, DeadLetters.DeadLetters),
      attempts: Context.get(context, Attempts.Attempts),
      destinations: Context.get(context, Destinations.Destinations),
      documents: Context.get(context, Documents.Documents),
      keys: Context.get(context, Keys.Keys),
      counters: Context.get(context, Counters.Counters),
      members: Context.get(context, Members.Members),
      health: Context.get(context, StoreHealth.StoreHealth),
    }))

const runAt = async (place: StorePlace, body: Body): Promise<void> => {
  try {
    await Effect.runPromise(
      TestClock.setTime(start).pipe(
        Effect.andThen(Effect.scoped(body(opener(place)))),
        Effect.provide(TestClock.layer()),
      ),
    )
  } finally {
    await place.remove?.()
  }
}

export const makeSuite = (binding: StoreBinding): Suite => {
  const runAtPlace: RunAtPlace = async (body) => runAt(await binding.place(), body)
  const { faultyPlace, rewindablePlace, emptiablePlace, smallPlace } = binding
  const can: StoreCapabilities = { ...binding, outside: binding.outside ?? binding.reopens }
  return {
    check: (name, body, needs, timeout = usualTimeout) => {
      if (needs !== undefined && can[needs] !== true) it.skip(`${name} (skipped: ${lacking[needs]})`)
      else it(name, () => runAtPlace(body), timeout)
    },
    checkPlaces: (name, body) => it(name, () => body(runAtPlace), manyTimeout),
    checkFaults: (name, body) => {
      if (faultyPlace === undefined) {
        it.skip(`${name} (skipped: the binding has no faulty place)`)
        return
      }
      const run = async (): Promise<void> => {
        const place = await faultyPlace()
        const perform = (fault: keyof StoreFaults) => Effect.promise(async () => place.faults[fault]())
        const faults = { cut: perform("cut"), stall: perform("stall"), restore: perform("restore") }
        await runAt(place, (open) =>
          // Before the store is closed, which may have something to say to its server.
          body(
            (options) =>
              Effect.tap(
                open(options),
                Effect.addFinalizer(() => faults.restore),
              ),
            faults,
          ),
        )
      }
      it(name, run, faultTimeout)
    },
    checkSmall: (name, body) => {
      if (smallPlace === undefined) it.skip(`${name} (skipped: the binding has no place with little room)`)
      else it(name, async () => runAt(await smallPlace(), body), usualTimeout)
    },
    checkRewind: (name, body, needs) => {
      if (rewindablePlace === undefined) {
        it.skip(`${name} (skipped: the binding has no place that can be put back)`)
        return
      }
      if (needs !== undefined && can[needs] !== true) {
        it.skip(`${name} (skipped: ${lacking[needs]})`)
        return
      }
      const run = async (make: () => RewindablePlace | Promise<RewindablePlace>): Promise<void> => {
        const place = await make()
        const perform = (act: "keep" | "comeBack") => Effect.promise(async () => place[act]())
        const rewind = { keep: perform("keep"), comeBack: perform("comeBack") }
        await runAt(place, (open) => body(open, rewind))
      }
      if (typeof rewindablePlace === "function") it(name, () => run(rewindablePlace), faultTimeout)
      else it.each(Object.entries(rewindablePlace))(`${name} (%s)`, (_, make) => run(make), faultTimeout)
    },
    checkEmpty: (name, level, body, needs) => {
      if (emptiablePlace === undefined) {
        it.skip(`${name} (skipped: the binding has no place that can be emptied)`)
        return
      }
      if (needs !== undefined && can[needs] !== true) {
        it.skip(`${name} (skipped: ${lacking[needs]})`)
        return
      }
      const run = async (context: TestContext): Promise<void> => {
        const place = await emptiablePlace(level)
        if (place === null) return context.skip(`there is no place of level "${level}" that can be emptied`)
        await runAt(place, (open) =>
          body(
            open,
            Effect.promise(async () => place.empty()),
          ),
        )
      }
      it(name, run, faultTimeout)
    },
    can,
  }
}
