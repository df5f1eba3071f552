import type { OptionProblem } from "../base/InvalidOptions.ts"
import type { Counter } from "../base/metrics/cells.ts"
import { coreMetrics } from "../base/metrics/coreMetrics.ts"
import { type Registry, Series } from "../base/metrics/Series.ts"
import { type Cors, type CorsHeaders, isOrigin, makeCors, preflightHeaders } from "./cors.ts"
import { type Answer, allowed, notFound } from "./replies.ts"
import type { IngestReply, RequestHead } from "./request.ts"
import { type Headers, headerOf } from "./requestHead.ts"
import type { Route } from "./routes.ts"

export const everybody: Cors = { origins: "*" }

export const corsProblems = (cors: Cors): ReadonlyArray<OptionProblem> =>
  cors === false || cors.origins === "*"
    ? []
    : cors.origins.flatMap((origin, index) =>
        isOrigin(origin)
          ? []
          : [{ path: `cors.origins[${index}]`, message: "expected an origin: https://example.com" }],
      )

/**
 * Makes replies of answers: with the headers of their route and of the page that asks, and counted.
 */
export interface Replies {
  readonly finish: (route: Route, request: RequestHead, answer: Answer) => IngestReply
  /** To a page that asks whether it may send. */
  readonly preflight: (route: Route, request: RequestHead) => IngestReply
  /** To a path that is none of ours, where the host has nobody else to ask. */
  readonly unknown: IngestReply
}

export const makeReplies = (cors: Cors, registry: Registry): Replies => {
  const corsOf = makeCors(cors)
  const noCors: CorsHeaders = {}
  const jsonHeaders = new WeakMap<CorsHeaders, Readonly<Record<string, string>>>()
  /** The same object for all replies of a kind: nearly every reply needs no other headers. */
  const baseHeaders = (corsHeaders: CorsHeaders): Readonly<Record<string, string>> => {
    const known = jsonHeaders.get(corsHeaders)
    if (known !== undefined) return known
    const headers = { "content-type": "application/json", ...corsHeaders }
    jsonHeaders.set(corsHeaders, headers)
    return headers
  }

  const corsFor = (route: Route, headers: Headers): CorsHeaders =>
    route.browsers ? corsOf(headerOf(headers, "origin")) : noCors

  const requests = Series.counters(registry, coreMetrics.intakeRequests)
  const requestCounts = new Map<Route, Map<number, Counter>>()
  const countReply = (route: Route, status: number): void => {
    let counts = requestCounts.get(route)
    if (counts === undefined) {
      counts = new Map()
      requestCounts.set(route, counts)
    }
    let counter = counts.get(status)
    if (counter === undefined) {
      counter = requests.at(route.name, String(status))
      counts.set(status, counter)
    }
    counter.add(1)
  }

  const finish = (route: Route, request: RequestHead, answer: Answer): IngestReply => {
    countReply(route, answer.status)
    const base = baseHeaders(corsFor(route, request.headers))
    return {
      status: answer.status,
      headers: answer.headers === undefined ? base : { ...base, ...answer.headers },
      body: answer.body,
    }
  }

  const preflight = (route: Route, request: RequestHead): IngestReply => {
    countReply(route, 204)
    const corsHeaders = corsFor(route, request.headers)
    const requested = headerOf(request.headers, "access-control-request-headers")
    const allow = allowed(route.methods)
    return {
      status: 204,
      headers: {
        allow,
        ...corsHeaders,
        ...preflightHeaders(corsHeaders, requested, allow),
      },
      body: "",
    }
  }

  return { finish, preflight, unknown: { ...notFound, headers: baseHeaders(noCors) } }
}
