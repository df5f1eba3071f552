import type { Store, StoreError } from "@millrace/core"
import type * as Layer from "effect/Layer"
import { describe } from "vitest"
import { attempts } from "./internal/store/attempts.ts"
import { comingBack } from "./internal/store/coming-back.ts"
import { counters } from "./internal/store/counters.ts"
import { cursors } from "./internal/store/cursors.ts"
import { deadLetters } from "./internal/store/deadLetters.ts"
import { destinations } from "./internal/store/destinations.ts"
import { faults } from "./internal/store/faults.ts"
import { health } from "./internal/store/health.ts"
import { keys } from "./internal/store/keys.ts"
import { appending } from "./internal/store/log-append.ts"
import { partitions } from "./internal/store/log-partitions.ts"
import { reading } from "./internal/store/log-read.ts"
import { trimming } from "./internal/store/log-trim.ts"
import { waiting } from "./internal/store/log-wait.ts"
import { members } from "./internal/store/members.ts"
import { model } from "./internal/store/model.ts"
import { reopening } from "./internal/store/reopening.ts"
import { sharing } from "./internal/store/sharing.ts"
import { makeSuite } from "./internal/store/suite.ts"
import { volume } from "./internal/store/volume.ts"

export interface StoreOpenOptions {
  /** The log's cap in bytes. Without it, the store's default. */
  readonly maxBytes?: number
}

/** Where one test's store is: a directory, a schema, a prefix. */
export interface StorePlace {
  /**
   * A layer that opens the store at this place. It is opened again after it was closed when the store `reopens`, and several
   * times at once when it is `shared`.
   */
  readonly open: (options: StoreOpenOptions) => Layer.Layer<Store.Store, StoreError>
  /** Called after the test, when everything has been closed. */
  readonly remove?: () => void | Promise<void>
}

/** Takes a store's server away and gives it back, as a TCP proxy in front of it does. */
export interface StoreFaults {
  /** Drops the connections there are, and refuses new ones. */
  readonly cut: () => void | Promise<void>
  /** Keeps connections, accepts new ones, and passes nothing on: the server seems to hang. */
  readonly stall: () => void | Promise<void>
  /** Ends either. */
  readonly restore: () => void | Promise<void>
}

/** A place whose server can be taken away. Its store may be opened with a short timeout, so that tests do not wait for it. */
export interface FaultyPlace extends StorePlace {
  readonly faults: StoreFaults
}

/** A place whose store can be made to come back with less than it had given, while it is open. */
export interface RewindablePlace extends StorePlace {
  /** Remembers what the store holds: all of it, cursors included. */
  readonly keep: () => void | Promise<void>
  /**
   * Puts the store back to what it held then, as a restored file or a replica that was behind does. A store that is open may have to be asked
   * again until it answers; from its next answer on it knows.
   */
  readonly comeBack: () => void | Promise<void>
}

/** What a store can do: a case that needs more is reported as skipped, with the reason in its name. */
export interface StoreCapabilities {
  /** It holds after opening what it held at closing. */
  readonly reopens: boolean
  /** Several processes may have one place open at once. */
  readonly shared: boolean
  /** `maxBytes` caps the log. */
  readonly capped: boolean
  /** Its log has several partitions as the place opens it. */
  readonly partitioned?: boolean
  /** Its log is outside of this process's memory: so it is, if not said otherwise, for one that `reopens`. */
  readonly outside?: boolean
  /** Its probe knows whether the log has room. */
  readonly probesRoom?: boolean
}

export interface StoreBinding extends StoreCapabilities {
  /** Makes a fresh, empty place: called once a test, or once a run of a property. */
  readonly place: () => StorePlace | Promise<StorePlace>
  /** For a store with a server: makes a fresh, empty place whose server can be taken away. */
  readonly faultyPlace?: () => FaultyPlace | Promise<FaultyPlace>
  /** Makes a fresh, empty place whose store can come back with less. */
  readonly rewindablePlace?: () => RewindablePlace | Promise<RewindablePlace>
}

/**
 * Registers the contract of all storage ports as vitest tests of a store: what every program that uses a store relies on.
 *
 * The store runs under Effect's `TestClock`, so it takes the time from Effect's `Clock`; what it waits for itself, such as
 * a disk, a server's answer or the next try to reach it, takes real time.
 *
 * @example
 * ```ts
 * storeContract("memory", {
 *   place: () => ({ open: Store.layerMemory }),
 *   reopens: false,
 *   shared: false,
 *   capped: true,
 *   probesRoom: true,
 * })
 * ```
 */
export const storeContract = (name: string, binding: StoreBinding): void => {
  const suite = makeSuite(binding)
  describe(`${name} keeps the contract of`, () => {
    describe("EventLog: appending", () => appending(suite))
    describe("EventLog: reading", () => reading(suite))
    describe("EventLog: waiting", () => waiting(suite))
    describe("EventLog: trimming", () => trimming(suite))
    describe("EventLog: partitions", () => partitions(suite))
    describe("Cursors", () => cursors(suite))
    describe("DeadLetters", () => deadLetters(suite))
    describe("Attempts", () => attempts(suite))
    describe("Destinations", () => destinations(suite))
    describe("Keys", () => keys(suite))
    describe("Counters", () => counters(suite))
    describe("Members", () => members(suite))
    describe("StoreHealth", () => health(suite))
    describe("a store: reopening", () => reopening(suite))
    describe("a store: sharing", () => sharing(suite))
    describe("a store: faults", () => faults(suite))
    describe("a store: coming back with less", () => comingBack(suite))
    describe("a store: volume", () => volume(suite))
    describe("EventLog and Cursors: any sequence of operations", () => model(suite))
  })
}
