import { Attempts, DeadLetters, EventLog, type StoreError } from "@millrace/core"
import { Counters, Cursors, Destinations, Documents, Keys, Members, StoreHealth } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { type TestContext, it as vitestIt } from "vitest"
import type {
  RewindablePlace,
  StoreBinding,
  StoreCapabilities,
  StoreFaults,
  StoreOpenOptions,
  StorePlace,
} from "../../storeBinding.ts"
import { onStoreClock } from "../storeClock.ts"
import { patientOnce, usualPatience, Waits, within } from "../waiting.ts"

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

/** ms. Longer than any store waits for its server before it gives up. */
const faultPatience = 50_000

/** ms. A binding's place may be a server that is begun or ended for it. */
const placePatience = 60_000

const opener =
  (place: StorePlace, waits: Waits): Open =>
  (options = {}) =>
    Effect.map(
      waits.of("the store to open", Layer.build(Layer.fresh(onStoreClock(place.open(options))))),
      (context) => ({
        log: waits.on("EventLog", Context.get(context, EventLog.EventLog)),
        cursors: waits.on("Cursors", Context.get(context, Cursors.Cursors)),
        deadLetters: waits.on("DeadLetters", Context.get(context, DeadLetters.DeadLetters)),
        attempts: waits.on("Attempts", Context.get(context, Attempts.Attempts)),
        destinations: waits.on("Destinations", Context.get(context, Destinations.Destinations)),
        documents: waits.on("Documents", Context.get(context, Documents.Documents)),
        keys: waits.on("Keys", Context.get(context, Keys.Keys)),
        counters: waits.on("Counters", Context.get(context, Counters.Counters)),
        members: waits.on("Members", Context.get(context, Members.Members)),
        health: waits.on("StoreHealth", Context.get(context, StoreHealth.StoreHealth)),
      }),
    )

/** What the test does to its place, which takes as long as it takes. */
const acting = (waits: Waits, what: string, act: () => void | Promise<void>): Effect.Effect<void> =>
  waits.of(
    `the place to ${what}`,
    Effect.promise(async () => {
      waits.allow(faultPatience)
      await act()
    }),
  )

const runAt = async <Place extends StorePlace>(
  making: Place | Promise<Place>,
  patience: number,
  body: (open: Open, place: Place, waits: Waits) => ReturnType<Body>,
): Promise<void> => {
  const place = await within("the place of the test", making, placePatience)
  const waits = new Waits(patience)
  const giveUp = new AbortController()
  try {
    const running = Effect.runPromise(
      TestClock.setTime(start).pipe(
        Effect.andThen(Effect.scoped(body(opener(place, waits), place, waits))),
        Effect.provide(TestClock.layer()),
      ),
      { signal: giveUp.signal },
    )
    await waits.watch(running, "the case")
  } finally {
    // What never answers may not let go of what it was asked for either.
    giveUp.abort()
    await within("the place to be removed", place.remove?.(), placePatience)
  }
}

/** @param it registers the cases: in Vitest, but for tests of the suite itself */
export const makeSuite = (binding: StoreBinding, it: typeof vitestIt = vitestIt): Suite => {
  const patience = Duration.toMillis(Duration.fromInputUnsafe(binding.patience ?? usualPatience))
  const runAtPlace: RunAtPlace = (body) => runAt(binding.place(), patience, body)
  const { faultyPlace, rewindablePlace, emptiablePlace, smallPlace } = binding
  const can: StoreCapabilities = { ...binding, outside: binding.outside ?? binding.reopens }
  return {
    check: (name, body, needs, timeout = usualTimeout) => {
      if (needs !== undefined && can[needs] !== true) it.skip(`${name} (skipped: ${lacking[needs]})`)
      else it(name, () => runAtPlace(body), timeout)
    },
    checkPlaces: (name, body) => {
      const run = async (): Promise<void> => {
        const patiently = patientOnce()
        await body((atPlace) => patiently(() => runAtPlace(atPlace)))
      }
      it(name, run, manyTimeout)
    },
    checkFaults: (name, body) => {
      if (faultyPlace === undefined) {
        it.skip(`${name} (skipped: the binding has no faulty place)`)
        return
      }
      const run = (): Promise<void> =>
        runAt(faultyPlace(), patience, (open, place, waits) => {
          const perform = (fault: keyof StoreFaults) => acting(waits, fault, () => place.faults[fault]())
          const faults = { cut: perform("cut"), stall: perform("stall"), restore: perform("restore") }
          // Before the store is closed, which may have something to say to its server.
          return body(
            (options) =>
              Effect.tap(
                open(options),
                Effect.addFinalizer(() => faults.restore),
              ),
            faults,
          )
        })
      it(name, run, faultTimeout)
    },
    checkSmall: (name, body) => {
      if (smallPlace === undefined) it.skip(`${name} (skipped: the binding has no place with little room)`)
      else it(name, () => runAt(smallPlace(), patience, body), usualTimeout)
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
      const run = (make: () => RewindablePlace | Promise<RewindablePlace>): Promise<void> =>
        runAt(make(), patience, (open, place, waits) => {
          const perform = (act: "keep" | "comeBack") => acting(waits, act, () => place[act]())
          return body(open, { keep: perform("keep"), comeBack: perform("comeBack") })
        })
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
        const place = await within("the place of the test", emptiablePlace(level), placePatience)
        if (place === null) return context.skip(`there is no place of level "${level}" that can be emptied`)
        await runAt(place, patience, (open, _, waits) =>
          body(
            open,
            acting(waits, "be emptied", () => place.empty()),
          ),
        )
      }
      it(name, run, faultTimeout)
    },
    can,
  }
}
