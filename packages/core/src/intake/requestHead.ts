/**
 * What the head of a request says: whose it is, how its body is packed, and what its SDK tells of
 * itself.
 */
import * as RelayMark from "../base/relayMark.ts"
import * as Utf8 from "../base/utf8.ts"
import type { Compression } from "../ports/Codec.ts"
import type { Principal } from "./keyRing.ts"
import type { RequestHead } from "./request.ts"
import type * as Wire from "./Wire.ts"

export type Headers = RequestHead["headers"]

/** As one line, `null` when absent or empty. */
export const headerOf = (headers: Headers, name: string): string | null => {
  const value = headers[name]
  if (value === undefined) return null
  return (typeof value === "string" ? value : value.join(", ")) || null
}

/**
 * What an SDK says of itself in a header or the query: a version or a session's id has forty bytes.
 * It stands in each event of the request that is sent, and what is longer than this is cut.
 */
const maxFactBytes = 128

const factOf = (text: string | null): string | null => (text === null ? null : Utf8.cut(text, maxFactBytes))

const queryParameter = (query: URLSearchParams | null, name: string): string | null =>
  query?.get(name) || null

/** The key a request shows, in the header or in the query; `null` when it shows none. */
export const presentedKey = (headers: Headers, query: URLSearchParams | null): string | null => {
  const header = headerOf(headers, "statsig-api-key")
  // Several in one place, joined by us or by the host, hold a comma, and no key does.
  if (header !== null || query === null) return header
  const name = query.has("k") ? "k" : "statsig-api-key"
  return query.getAll(name).join(", ") || null
}

/**
 * Registered content codings that we do not read (IANA, HTTP Content Coding Registry), and others
 * in use.
 */
const foreignCodings: ReadonlySet<string> = new Set([
  ..."aes128gcm br brotli bzip2 compress dcb dcz deflate exi".split(" "),
  ..."lz4 lzma pack200-gzip snappy x-bzip2 x-compress xz".split(" "),
])

/**
 * What `content-encoding` says; `null` when nothing. A charset or a media type that has strayed
 * there (`utf-8`, `application/json`, `aws-chunked`) says nothing about compression.
 */
export const declaredCoding = (headers: Headers): Compression | "unsupported" | null => {
  const value = headerOf(headers, "content-encoding")
  if (value === null) return null
  const codings = value
    .toLowerCase()
    .split(",")
    .map((coding) => coding.trim().replace(/^x-gzip$/, "gzip"))
    .filter((coding) => coding === "gzip" || coding === "zstd" || foreignCodings.has(coding))
  const [coding] = codings
  if (coding === undefined) return null
  return codings.length === 1 && (coding === "gzip" || coding === "zstd") ? coding : "unsupported"
}

const digits = /^\d+$/

export const declaredLength = (headers: Headers): number => {
  const value = headers["content-length"]
  return typeof value === "string" && digits.test(value) ? Number(value) : 0
}

/** Name and version of the SDK, as a request says them; `null` when it says neither. */
export const sdkOf = (headers: Headers, query: URLSearchParams | null): string | null => {
  const type = factOf(headerOf(headers, "statsig-sdk-type") ?? queryParameter(query, "st"))
  const version = factOf(headerOf(headers, "statsig-sdk-version") ?? queryParameter(query, "sv"))
  return [type, version].filter((fact) => fact !== null).join(" ") || null
}

/**
 * What a request says of itself before its body, in one record: it goes unchanged from here to the
 * decoder, and what readers need of it into the entry's envelope.
 */
export const requestFacts = (
  dialect: Wire.Dialect,
  validation: Wire.Validation,
  receivedAt: number,
  principal: Principal,
  headers: Headers,
  query: URLSearchParams | null,
  client: Wire.WireHead["client"] = null,
): Wire.WireHead => ({
  dialect,
  validation,
  receivedAt,
  keyId: principal.id,
  clientTimeHeader: headerOf(headers, "statsig-client-time"),
  clientTimeQuery: queryParameter(query, "t"),
  sdkType: factOf(headerOf(headers, "statsig-sdk-type") ?? queryParameter(query, "st")),
  sdkVersion: factOf(headerOf(headers, "statsig-sdk-version") ?? queryParameter(query, "sv")),
  sessionID: factOf(
    headerOf(headers, "statsig-session-id") ??
      headerOf(headers, "statsig-server-session-id") ??
      queryParameter(query, "sid"),
  ),
  client,
  relayedBy: factOf(headerOf(headers, RelayMark.header)),
})
