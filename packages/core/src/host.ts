/**
 * What authors of adapters and servers need: the platform's ports, a request's way in, and what a
 * process says of itself.
 */
export { expectedHttpUrl, HttpUrl, isHttpUrl } from "./base/httpUrl.ts"
export { quietSleep } from "./base/quietSleep.ts"
export * as SchemaProblems from "./base/SchemaProblems.ts"
export type { Slice, Slices } from "./base/slices.ts"
export type { ByteWriter } from "./bytes/ByteWriter.ts"
export * as Delivery from "./deliver/Delivery.ts"
export * as LaneState from "./deliver/LaneState.ts"
export * as Ledger from "./deliver/Ledger.ts"
export * as Batch from "./deliver/lane/Batch.ts"
export * as Entry from "./entry/Entry.ts"
export { promiseHandler } from "./intake/promiseHandler.ts"
export { type OwnPaths, ownPathProblem, paths } from "./intake/routes.ts"
export * as Wire from "./intake/Wire.ts"
export * as Action from "./operate/Action.ts"
export * as Actions from "./operate/actions.ts"
export * as Migration from "./operate/Migration.ts"
export * as OpenApi from "./operate/openApi.ts"
export type * as Readiness from "./operate/Readiness.ts"
export * as Codec from "./ports/Codec.ts"
export * as Export from "./select/Export.ts"
