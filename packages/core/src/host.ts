/**
 * What authors of adapters and servers need: the platform's ports, a request's way in, and what a
 * process says of itself.
 */
export { hex } from "./base/hex.ts"
export { expectedHttpUrl, HttpUrl, isHttpUrl } from "./base/httpUrl.ts"
export * as IpAddress from "./base/ipAddress.ts"
export { makeSparingly } from "./base/logOncePerMinute.ts"
export * as MetricInfo from "./base/metrics/MetricInfo.ts"
export * as PrometheusText from "./base/metrics/PrometheusText.ts"
export { didYouMean, nearest } from "./base/nearest.ts"
export { once } from "./base/once.ts"
export { quietSleep } from "./base/quietSleep.ts"
export * as RelayMark from "./base/relayMark.ts"
export * as SchemaProblems from "./base/SchemaProblems.ts"
export type { Slice, Slices } from "./base/slices.ts"
export type { ByteWriter } from "./bytes/ByteWriter.ts"
export * as Delivery from "./deliver/Delivery.ts"
export * as LaneState from "./deliver/LaneState.ts"
export * as Ledger from "./deliver/Ledger.ts"
export * as Batch from "./deliver/lane/Batch.ts"
export * as Layout from "./deliver/lane/layout.ts"
export * as OverHttp from "./deliver/send/overHttp.ts"
export { webhook } from "./deliver/send/webhook.ts"
export * as Entry from "./entry/Entry.ts"
export { BodyBudget, type Held } from "./intake/BodyBudget.ts"
export {
  type BodyLimits,
  type BodyOptions,
  BodyPace,
  bodyLimits,
  discardLimits,
} from "./intake/bodyLimits.ts"
export { makeClientAddress } from "./intake/clientAddress.ts"
export { isOrigin } from "./intake/cors.ts"
export type * as ExtraRoutes from "./intake/ExtraRoutes.ts"
export { keyIdOf } from "./intake/keyRing.ts"
export { hashOfKey, newKey } from "./intake/newKey.ts"
export { type Ingest, promiseHandler } from "./intake/promiseHandler.ts"
export { type OwnPaths, ownPathProblem, paths } from "./intake/routes.ts"
export * as Wire from "./intake/Wire.ts"
export * as Action from "./operate/Action.ts"
export * as Actions from "./operate/actions.ts"
export { mask, maskConfig } from "./operate/destinations/masking.ts"
export * as Migration from "./operate/Migration.ts"
export * as OpenApi from "./operate/openApi.ts"
export type * as Readiness from "./operate/Readiness.ts"
export * as Rows from "./operate/rows/index.ts"
export * as Codec from "./ports/Codec.ts"
export { SecretReader } from "./ports/SecretReader.ts"
export * as DestinationConnection from "./select/connection.ts"
export * as Export from "./select/Export.ts"
export * as Secret from "./select/Secret.ts"
