/**
 * The flow of a request that is passed through:
 *
 *     head ── key, its rights, the query ──► a refusal, before anything is sent, or
 *     body ── a document ── kept and fresh, or asked for once ──► reply, with its age if old
 *          └─ of a user ── forward ──► reply as it came, or 503 at once while Statsig is away
 */
import { Codec, type ExtraRoutes, hex } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { documentName } from "./documentName.ts"
import * as Documents from "./documents.ts"
import { makeSend } from "./forward.ts"
import type { HostName, Settings } from "./Options.ts"
import { presentedKey } from "./presentedKey.ts"
import * as Reach from "./Reach.ts"
import { away, badRequest, serversOnly, unauthorized, unusable } from "./replies.ts"
import { replyHeaders } from "./replyHeaders.ts"
import { requestHeaders } from "./requestHeaders.ts"
import { type Route, routes, upstreamPath } from "./routes.ts"
import type { Upstream, UpstreamReply, UpstreamRequest } from "./Upstream.ts"

type Reply = ExtraRoutes.ExtraReply

/** Bytes. A user with all attributes is a hundredth of it. */
const maxBodyBytes = 1024 * 1024

/** ms. SDKs wait for three seconds for a user's values, and longer for documents. */
const timeouts = { user: 3_000, document: 10_000 }

/** What an SDK writes is a tenth of it. */
const query = /^[\x21-\x7e]{0,4096}$/

const hasNoBody = (status: number): boolean => status === 204 || status === 304

/** Passes a reply back as it came. */
const passedBack = ({ status, headers, body }: UpstreamReply): Reply =>
  // Where else to ask is not for the caller: it would take its key there.
  status < 200 || (status >= 300 && status < 400 && status !== 304)
    ? unusable
    : { status, headers: replyHeaders(headers), body: hasNoBody(status) ? "" : body }

/** Whether `if-none-match` names this etag. A weak one is as good here. */
const matches = (given: string | undefined, etag: string | undefined): boolean => {
  if (given === undefined || etag === undefined) return false
  const plain = (tag: string): string => tag.trim().replace(/^W\//, "")
  return given.trim() === "*" || given.split(",").some((tag) => plain(tag) === plain(etag))
}

/** Browsers ask again whether a document is still the newest. */
const revalidated = { "cache-control": "no-cache" }

const documentReply = (found: Documents.Found, ifNoneMatch: string | undefined): Reply => {
  switch (found._tag) {
    case "Away":
      return away
    case "Other":
      return passedBack(found.reply)
    case "Document": {
      const { held, age } = found
      const headers = {
        ...held.headers,
        ...revalidated,
        ...(age === null ? {} : { age: String(age), warning: '110 - "Response is Stale"' }),
      }
      return matches(ifNoneMatch, held.headers["etag"])
        ? { status: 304, headers, body: "" }
        : { status: 200, headers, body: held.body }
    }
  }
}

/** Makes the routes. They share what is kept, and what is known of Statsig's hosts. */
export const make = Effect.fnUntraced(function* ({
  hosts,
  freshFor,
}: Settings): Effect.fn.Return<
  ReadonlyArray<ExtraRoutes.ExtraRoute>,
  never,
  ExtraRoutes.RouteServices | Upstream
> {
  const codec = yield* Codec.Codec
  const send = yield* makeSend
  const documents = yield* Documents.make(freshFor)
  const reaches: Readonly<Record<HostName, Reach.Reach>> = {
    events: Reach.make("events"),
    api: Reach.make("api"),
    cdn: Reach.make("cdn"),
  }
  const hash = (text: string): string => hex(codec.sha256(text))

  const begin =
    (route: Route): ExtraRoutes.ExtraRoute["begin"] =>
    (request) => {
      const { path, query: given, headers } = request
      if (!query.test(given)) return badRequest("query: too long, or not of visible ASCII characters")
      const shown = presentedKey(route, path, given, headers)
      if (Result.isFailure(shown)) return badRequest(shown.failure)
      const key = shown.success
      const principal = key === null ? null : request.principalOf(key)
      if (key === null || principal === null) return unauthorized
      if (route.keys === "server" && principal.kind !== "server") return serversOnly

      const method: UpstreamRequest["method"] = request.method === "GET" ? "GET" : "POST"
      const host = route.host[method]
      const reach = reaches[host]
      const to = upstreamPath(route, path, key)
      // What depends on the user may depend on where they are.
      const address = route.isDocument ? null : request.address()
      return (body) => {
        const passed: Record<string, string> = {
          ...requestHeaders(headers, body.inflated),
          ...(address === null ? {} : { "x-forwarded-for": address }),
        }
        const upstream = {
          ...{ origin: hosts[host], path: `${to}${given}`, method, headers: passed },
          body: method === "GET" ? null : body.bytes,
        }
        const name = route.isDocument
          ? documentName(route, { path: to, key, method, query: given, headers, body: body.bytes }, hash)
          : null
        if (name === null) {
          const timeout = route.isDocument ? timeouts.document : timeouts.user
          return Effect.flatMap(reach.admit, (isAdmitted) =>
            isAdmitted
              ? Effect.match(send(upstream, reach, timeout), {
                  onFailure: ({ reason }) => (reason === "TooLarge" ? unusable : away),
                  onSuccess: passedBack,
                })
              : Effect.succeed(away),
          )
        }
        const { "if-none-match": ifNoneMatch, ...shared } = passed
        const ask: Documents.Ask = (etag) =>
          send(
            { ...upstream, headers: etag === null ? shared : { ...shared, "if-none-match": etag } },
            reach,
            timeouts.document,
          )
        return Effect.map(documents.find(name, reach, ask), (found) => documentReply(found, ifNoneMatch))
      }
    }

  return routes.map(
    (route): ExtraRoutes.ExtraRoute => ({
      ...{ name: route.name, paths: route.paths, methods: route.methods },
      // Servers ask for id lists, and browsers for everything else.
      ...{ browsers: route.keys === "any", maxBytes: maxBodyBytes, begin: begin(route) },
    }),
  )
})
