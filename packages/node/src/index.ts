export * as Catalog from "./catalog.ts"
export * as Codec from "./codec.ts"
export { nodeHandler, type ServeOptions, serve } from "./handler.ts"
export * as Millrace from "./Millrace.ts"
export { discardUpload, isWhole, lengthOf, replyHeaders } from "./reply.ts"
export {
  type BodyLimits,
  type BodyOptions,
  bodyLimits,
  type Exchange,
  type ExchangeOptions,
  type Ingest,
  openExchange,
} from "./request.ts"
export * as SecretReader from "./secretReader.ts"
export { createServer, type MillraceServer, type ServerOptions } from "./server.ts"
export { type SignatureCheck, verifySignature } from "./signature.ts"
export * as Transport from "./transport.ts"
export * as YoungMemory from "./youngMemory.ts"
