import { describe } from "vitest"
import { comingBack } from "./internal/store/coming-back.ts"
import { emptied } from "./internal/store/emptied.ts"
import { faults } from "./internal/store/faults.ts"
import { filling } from "./internal/store/filling.ts"
import { makeSuite } from "./internal/store/suite.ts"
import type { StoreBinding } from "./storeBinding.ts"

/**
 * Registers what the stores' contract says of bad times, as vitest tests: its server goes away or
 * hangs, its place is full, it comes back with less than it had given, or emptied. What the binding
 * has no place for is skipped.
 */
export const storeFaultsContract = (name: string, binding: StoreBinding): void => {
  const suite = makeSuite(binding)
  describe(`${name} keeps the contract of a store in bad times`, () => {
    describe("faults", () => faults(suite))
    describe("its place is full", () => filling(suite))
    describe("coming back with less", () => comingBack(suite))
    describe("coming back emptied", () => emptied(suite))
  })
}
