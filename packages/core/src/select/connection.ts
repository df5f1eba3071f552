import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { OptionProblem } from "../base/InvalidOptions.ts"
import { type Path, pathText } from "../base/SchemaProblems.ts"
import type { SecretReader } from "../ports/SecretReader.ts"
import type { Connection } from "../ports/Transport.ts"
import { resolve as resolveSecret, type Secret, SecretText } from "./Secret.ts"

/** Bytes of PEM. A certificate with its chain has a tenth of it, and so has the longest key. */
const maxPem = 64 * 1024

const certificate = /-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----/

const privateKey = /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]*-----END (?:[A-Z]+ )?PRIVATE KEY-----/

const problemsOfText = {
  ca: (text: string) => (certificate.test(text) ? null : "expected certificates in PEM"),
  cert: (text: string) => (certificate.test(text) ? null : "expected a certificate in PEM"),
  key: (text: string) => {
    if (/-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED/.test(text))
      return "expected a key without a passphrase"
    return privateKey.test(text) ? null : "expected a private key in PEM"
  },
  proxy: (text: string) => {
    if (text === "env") return null
    const url = URL.canParse(text) ? new URL(text) : null
    const isProxy =
      url !== null &&
      (url.protocol === "http:" || url.protocol === "https:") &&
      url.pathname === "/" &&
      url.search === "" &&
      url.hash === ""
    return isProxy ? null : 'expected "env", or the URL of a proxy like http://proxy.example:3128'
  },
} as const

type Name = keyof typeof problemsOfText

/** What is wrong with a text, without the text. */
const textProblem = (name: Name, text: string): string | null =>
  text.length > maxPem ? "longer than 64 KiB" : problemsOfText[name](text)

const secretOf = (name: Name): Schema.Codec<Secret> =>
  SecretText.check(
    Schema.makeFilter((secret) => typeof secret !== "string" || (textProblem(name, secret) ?? true)),
  )

const ServerName = Schema.String.check(
  Schema.isPattern(/^(?=.{1,253}$)[A-Za-z\d_](?:[A-Za-z\d_.-]*[A-Za-z\d_])?$/, { expected: "a host name" }),
)

/**
 * Private authorities and mutual TLS, for receivers that the usual authorities do not vouch for.
 * PEM texts, or where they stand.
 *
 * - `ca`: the authorities that are believed, in place of the usual ones.
 * - `cert`, `key`: what the receiver knows us by, the certificate with those between it and its
 *   authority. Both or neither; the key without a passphrase.
 * - `servername`: the name that the receiver's certificate is for, where it is not the URL's.
 */
export const Tls = Schema.Struct({
  ca: Schema.optionalKey(secretOf("ca")),
  cert: Schema.optionalKey(secretOf("cert")),
  key: Schema.optionalKey(secretOf("key")),
  servername: Schema.optionalKey(ServerName),
}).check(
  Schema.makeFilter(({ cert, key }) => {
    if ((cert === undefined) === (key === undefined)) return true
    return cert === undefined
      ? { path: ["key"], issue: "needs the certificate that it is for, as cert" }
      : { path: ["cert"], issue: "needs its private key, as key" }
  }),
)

export type Tls = typeof Tls.Type

/**
 * The HTTP proxy that requests leave by: its URL, with credentials where it asks for them, or where
 * that stands; or `"env"`, for what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say. The proxy
 * resolves the receiver's name: whether that leads to a private address is the proxy's to judge.
 * The proxy's own address has to be public, or allowed as a private destination.
 */
export const HttpProxy: Schema.Codec<Secret> = secretOf("proxy")

export type HttpProxy = typeof HttpProxy.Type

/** What a destination says of how it is reached. */
export interface ConnectionConfig {
  readonly tls?: Tls | null
  readonly proxy?: HttpProxy | null
}

type Problems = ReadonlyArray<OptionProblem>

/**
 * How a destination is reached, with all texts; `null` when it is reached in the usual way. Or
 * everything that is wrong with what its secrets stand for.
 *
 * @param root where the destination stands: `["destinations", 0]`
 */
export const resolve = (
  { tls, proxy }: ConnectionConfig,
  reader: SecretReader,
  root: Path,
): Result.Result<Connection | null, Problems> => {
  const problems: Array<OptionProblem> = []
  const read = <N extends Name>(
    name: N,
    secret: Secret | null | undefined,
    path: Path,
  ): { readonly [K in N]?: string } => {
    if (secret === undefined || secret === null) return {}
    const found = resolveSecret(secret, reader)
    const problem = Result.isFailure(found) ? found.failure : textProblem(name, found.success)
    if (problem !== null) problems.push({ path: pathText([...root, ...path]), message: problem })
    return Result.isSuccess(found) ? ({ [name]: found.success } as { readonly [K in N]?: string }) : {}
  }
  const texts = {
    ...read("ca", tls?.ca, ["tls", "ca"]),
    ...read("cert", tls?.cert, ["tls", "cert"]),
    ...read("key", tls?.key, ["tls", "key"]),
    ...(tls?.servername === undefined ? {} : { servername: tls.servername }),
  }
  const door = read("proxy", proxy, ["proxy"])
  if (problems.length > 0) return Result.fail(problems)
  const connection: Connection = { ...(Object.keys(texts).length === 0 ? {} : { tls: texts }), ...door }
  return Result.succeed(Object.keys(connection).length === 0 ? null : connection)
}
