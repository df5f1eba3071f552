/** The contracts: they register tests with Vitest. All else runs in any test runner. */
export { type AccountingBinding, type AccountingOptions, accountingContract } from "./accountingContract.ts"
export {
  type AdapterHost,
  type AdapterOptions,
  adapterContract,
  hostNotFound,
  type StartAdapter,
} from "./adapterContract.ts"
export { type FarEndMood, type SinkBinding, type SinkFarEnd, sinkContract } from "./sinkContract.ts"
export * from "./storeBinding.ts"
export { storeContract } from "./storeContract.ts"
export { storeFaultsContract } from "./storeFaultsContract.ts"
export { type MakeTransport, transportContract } from "./transportContract.ts"
export { volumeContract } from "./volumeContract.ts"
