export { expectExactly } from "./arrival.ts"
export { type Host, type HostOptions, hostContract } from "./hostContract.ts"
export { type Logged, privateMarker, type Sdk } from "./Sdk.ts"
export { keys, sdks } from "./sdks.ts"
