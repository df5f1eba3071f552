import { describe } from "vitest"
import { makeSuite } from "./internal/store/suite.ts"
import { volume } from "./internal/store/volume.ts"
import type { StoreBinding } from "./storeBinding.ts"

/**
 * Registers the case of the stores' contract that takes minutes, as a vitest test: a log is filled,
 * read and trimmed while the process keeps nothing for each entry.
 *
 * @param entries 1,000,000 by default
 */
export const volumeContract = (name: string, binding: StoreBinding, entries = 1_000_000): void => {
  describe(`${name} keeps the contract of a store: volume`, () => volume(makeSuite(binding), entries))
}
