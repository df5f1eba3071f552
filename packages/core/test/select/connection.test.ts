import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { problemsOf } from "../../src/base/SchemaProblems.ts"
import type { SecretReader } from "../../src/ports/SecretReader.ts"
import { type ConnectionConfig, HttpProxy, resolve, Tls } from "../../src/select/connection.ts"

const certificate = "-----BEGIN CERTIFICATE-----\nczNjcmV0\n-----END CERTIFICATE-----\n"
const key = "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----\n"

const Config = Schema.Struct({ tls: Schema.optionalKey(Tls), proxy: Schema.optionalKey(HttpProxy) })
const decode = Schema.decodeUnknownResult(Config, { errors: "all", onExcessProperty: "error" })

const mistakes = (config: unknown): ReadonlyArray<string> => {
  const decoded = decode(config)
  return Result.isSuccess(decoded)
    ? []
    : problemsOf(decoded.failure).map(({ path, message }) => `${path}: ${message}`)
}

const kept: Readonly<Record<string, string>> = {
  CA: certificate,
  KEY: key,
  PROXY: "http://user:s3cret@proxy.example:3128",
  NONSENSE: "s3cret",
}

const reader: SecretReader = {
  env: (name) =>
    kept[name] === undefined
      ? Result.fail("the environment variable is not set")
      : Result.succeed(kept[name]),
  file: () => Result.fail("the file is not there"),
}

const resolved = (config: ConnectionConfig) => resolve(config, reader, ["destinations", 0])

describe("how a destination is reached", () => {
  it.each([
    {},
    { tls: {} },
    { tls: { ca: certificate } },
    { tls: { ca: `${certificate}\n${certificate}`, cert: certificate, key, servername: "hook.internal" } },
    { tls: { cert: { file: "/run/secrets/cert.pem" }, key: { env: "KEY" } } },
    { tls: { cert: certificate, key: key.replaceAll("PRIVATE", "EC PRIVATE") } },
    { proxy: "env" },
    { proxy: "http://proxy.example:3128" },
    { proxy: "https://user:pass@proxy.example/" },
    { proxy: { env: "PROXY" } },
  ])("may be %j", (config) => {
    expect(mistakes(config)).toEqual([])
  })

  it.each<readonly [unknown, ReadonlyArray<string>]>([
    [{ tls: { ca: "s3cret" } }, ["tls.ca: expected certificates in PEM"]],
    [{ tls: { ca: key } }, ["tls.ca: expected certificates in PEM"]],
    [
      { tls: { cert: "s3cret", key: certificate } },
      ["tls.cert: expected a certificate in PEM", "tls.key: expected a private key in PEM"],
    ],
    [
      { tls: { cert: certificate, key: key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE") } },
      ["tls.key: expected a key without a passphrase"],
    ],
    [{ tls: { cert: certificate } }, ["tls.cert: needs its private key, as key"]],
    [{ tls: { key } }, ["tls.key: needs the certificate that it is for, as cert"]],
    [{ tls: { servername: "s3cret host" } }, ["tls.servername: expected a host name"]],
    [{ tls: { ca: { env: "A", file: "b" } } }, ["tls.ca: expected either env or file, and not both"]],
    [{ tls: { authority: certificate } }, ["tls.authority: unknown key"]],
    [{ tls: { ca: `${certificate}${" ".repeat(65_536)}` } }, ["tls.ca: longer than 64 KiB"]],
    ...["s3cret", "socks5://proxy.example", "http://proxy.example/path", "proxy.example:3128", "http://"].map(
      (proxy) =>
        [{ proxy }, ['proxy: expected "env", or the URL of a proxy like http://proxy.example:3128']] as const,
    ),
  ])("%j is a mistake, which is told without what stands there", (config, expected) => {
    expect(mistakes(config)).toEqual(expected)
    expect(mistakes(config).join()).not.toContain("s3cret")
  })

  it("has what its secrets stand for", () => {
    const tls = { ca: { env: "CA" }, cert: certificate, key: { env: "KEY" }, servername: "hook.internal" }
    expect(resolved({ tls, proxy: { env: "PROXY" } })).toEqual(
      Result.succeed({
        tls: { ca: certificate, cert: certificate, key, servername: "hook.internal" },
        proxy: kept["PROXY"],
      }),
    )
    expect(resolved({ proxy: "env" })).toEqual(Result.succeed({ proxy: "env" }))
  })

  it.each([{}, { tls: {} }, { tls: null, proxy: null }])("is the usual way with %j", (config) => {
    expect(resolved(config)).toEqual(Result.succeed(null))
  })

  it("has all mistakes of what its secrets stand for", () => {
    const tls = { ca: { env: "NONE" }, cert: { file: "/none" }, key: { env: "NONSENSE" } }
    const result = resolved({ tls, proxy: { env: "NONSENSE" } })
    expect(result).toEqual(
      Result.fail([
        { path: "destinations[0].tls.ca", message: "the environment variable is not set" },
        { path: "destinations[0].tls.cert", message: "the file is not there" },
        { path: "destinations[0].tls.key", message: "expected a private key in PEM" },
        {
          path: "destinations[0].proxy",
          message: 'expected "env", or the URL of a proxy like http://proxy.example:3128',
        },
      ]),
    )
  })
})
