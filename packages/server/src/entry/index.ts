/**
 * The library by one name: what `@millrace/core` gives its users, and Node's part of the rest.
 * `Catalog`, `Millrace` and `Transport` are those of `@millrace/node`, which do without ports.
 */
export * from "@millrace/core"
export {
  type BodyOptions,
  Catalog,
  Codec,
  createServer,
  Millrace,
  type MillraceServer,
  nodeHandler,
  SecretReader,
  type ServerOptions,
  type SignatureCheck,
  Transport,
  verifySignature,
} from "@millrace/node"
