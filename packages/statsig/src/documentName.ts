import { type Headers, lineOf } from "./requestHeaders.ts"
import type { Route } from "./routes.ts"

/** What a document is known by: its content follows from this alone. */
export interface DocumentName {
  /** Names this reply, which may be "nothing new since then". */
  readonly reply: string
  /** Names the whole document; the same where that is what is asked for. */
  readonly whole: string
  /** Names the key by a hash: what one key may make us keep is bounded. */
  readonly key: string
  /** Whether a reply with news may be a part only, to be put together with an older document. */
  readonly mayBePart: boolean
}

export interface DocumentRequest {
  /** Statsig's path. */
  readonly path: string
  readonly key: string
  readonly method: string
  readonly query: string
  readonly headers: Headers
  readonly body: Uint8Array
}

/** What says something of the request or of who asks, and nothing of the document. */
const ofRequest: ReadonlySet<string> = new Set(["k", "statsig-api-key", "st", "sv", "t", "sid", "ec"])

/** What the asker has already. */
const ofAsker: ReadonlySet<string> = new Set(["sinceTime", "checksum"])

/** What form is wanted. */
const ofForm: ReadonlySet<string> = new Set(["supports_proto", "accept_deltas"])

const codings: ReadonlySet<string> = new Set(["br", "deflate", "gzip", "statsig-br", "zstd"])

/** The encodings that a request takes, of those there are, in one order. */
const encodings = (headers: Headers): string =>
  (lineOf(headers, "accept-encoding") ?? "")
    .toLowerCase()
    .split(",")
    .filter((coding) => !/;\s*q=0(\.0*)?\s*$/.test(coding))
    .map((coding) => coding.split(";", 1)[0]!.trim())
    .filter((coding) => codings.has(coding))
    .sort()
    .join(",")

/** A posted body's `sinceTime`, "0" for none; `null` when the body is not understood. */
const postedSince = (body: Uint8Array): string | null => {
  if (body.length === 0) return "0"
  try {
    const { sinceTime = 0 } = JSON.parse(new TextDecoder().decode(body)) as { readonly sinceTime?: unknown }
    return typeof sinceTime === "number" || typeof sinceTime === "string" ? String(sinceTime) : null
  } catch {
    return null
  }
}

/**
 * Names the document that a request asks for; `null` when that cannot be told, and the reply is for
 * this request alone.
 *
 * @param hash of a text: no name gives a key away
 */
export const documentName = (
  { name }: Route,
  { path, key, method, query, headers, body }: DocumentRequest,
  hash: (text: string) => string,
): DocumentName | null => {
  const posted = method === "POST" && name === "download_config_specs" ? postedSince(body) : "0"
  const parameters = [...new URLSearchParams(query)].filter(([name]) => !ofRequest.has(name))
  const isKnown = parameters.every(([name]) => ofAsker.has(name) || ofForm.has(name))
  if (posted === null || !isKnown) return null
  const since = parameters
    .filter(([name, value]) => ofAsker.has(name) && !(name === "sinceTime" && value === "0"))
    .concat(posted === "0" ? [] : [["posted", posted]])
    .map((pair) => pair.join("="))
    .sort()
  const form = parameters
    .filter(([name, value]) => ofForm.has(name) && value === "true")
    .map(([name]) => name)
    .sort()
  const what = [
    ...[key, method, path, encodings(headers), form],
    lineOf(headers, "statsig-supports-proto") === "true",
  ]
  const whole = hash(JSON.stringify(what))
  return {
    reply: since.length === 0 ? whole : hash(JSON.stringify([what, since])),
    whole,
    key: hash(key),
    mayBePart: form.includes("accept_deltas"),
  }
}
