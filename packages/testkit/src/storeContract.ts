import { describe } from "vitest"
import { attempts } from "./internal/store/attempts.ts"
import { counters } from "./internal/store/counters.ts"
import { cursors } from "./internal/store/cursors.ts"
import { deadLetters } from "./internal/store/deadLetters.ts"
import { destinations } from "./internal/store/destinations.ts"
import { documents } from "./internal/store/documents.ts"
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
import type { StoreBinding } from "./storeBinding.ts"

/**
 * Registers the contract of all storage ports as vitest tests of a store: what every program that
 * uses a store relies on while all is well. See {@link storeFaultsContract} and
 * {@link volumeContract} for the rest, which takes minutes.
 *
 * The store is called under Effect's `TestClock`, so it takes the time from Effect's `Clock`. What
 * it waits for itself, such as a disk, a server's answer or the next try to reach it, takes real
 * time: it is opened with a clock that tells the virtual time, and by which sleeping is real.
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
    describe("Documents", () => documents(suite))
    describe("Keys", () => keys(suite))
    describe("Counters", () => counters(suite))
    describe("Members", () => members(suite))
    describe("StoreHealth", () => health(suite))
    describe("a store: reopening", () => reopening(suite))
    describe("a store: sharing", () => sharing(suite))
    describe("EventLog and Cursors: any sequence of operations", () => model(suite))
  })
}
