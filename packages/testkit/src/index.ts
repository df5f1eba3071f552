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
export * from "./storeBinding.ts"
export * from "./testPipeline.ts"
