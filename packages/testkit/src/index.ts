export { type AccountingBinding, type AccountingOptions, accountingContract } from "./accountingContract.ts"
export {
  type AdapterHost,
  type AdapterOptions,
  adapterContract,
  hostNotFound,
  type StartAdapter,
} from "./adapterContract.ts"
export { type ClientCase, clientCases, clientOptions, untrustedPeer } from "./clientCases.ts"
export { type GoldenReply, type GoldenRequest, goldenOptions, goldenReplies } from "./goldenReplies.ts"
export { RawConnection, type RawReply, type RawRequest } from "./internal/rawHttp.ts"
export { type ScriptedProxy, type ScriptedProxyOptions, scriptedProxy } from "./internal/scriptedProxy.ts"
export {
  type RawReceived,
  rawReply,
  type ScriptedReceiver,
  type ScriptedReceiverOptions,
  scriptedReceiver,
} from "./internal/scriptedReceiver.ts"
export { selfSigned } from "./internal/selfSigned.ts"
export { type FarEndMood, type SinkBinding, type SinkFarEnd, sinkContract } from "./sinkContract.ts"
export * from "./storeBinding.ts"
export { storeContract } from "./storeContract.ts"
export { storeFaultsContract } from "./storeFaultsContract.ts"
export * from "./testPipeline.ts"
export { type MakeTransport, transportContract } from "./transportContract.ts"
export { volumeContract } from "./volumeContract.ts"
