import type { Dialect } from "./Wire.ts"

/** One row of the table of routes. `exception` is where SDKs report their own failures: read, counted, not kept. */
export interface Route {
  readonly name: Dialect | "exception"
  /** Whether browsers call it from pages of other origins. Third-party webhooks come from servers. */
  readonly browsers: boolean
}

const logEvent: Route = { name: "log_event", browsers: true }
const eventWebhook: Route = { name: "event_webhook", browsers: false }
const exception: Route = { name: "exception", browsers: true }

/** Every route there is. */
export const routes: ReadonlyArray<Route> = [logEvent, eventWebhook, exception]

/** The routes by the end of their path. */
const byPath: ReadonlyMap<string, Route> = new Map([
  ["log_event", logEvent],
  ["rgstr", logEvent],
  ["rgstr_b", logEvent],
  ["log_event_beacon", logEvent],
  ["webhooks/event_webhook", eventWebhook],
  ["sdk_exception", exception],
  ["rgstr_e", exception],
])

/**
 * Every path there is, without the `/v1` that stands before it unless a host has taken it away. For
 * hosts that route by tables of their own; {@link matchRoute} also knows them below other prefixes.
 */
export const paths: ReadonlyArray<string> = [...byPath.keys()]

interface Match {
  readonly route: Route
  /** The segment that has to stand before the last one; `null` where any may. */
  readonly parent: string | null
}

const byLastSegment: ReadonlyMap<string, Match> = new Map(
  Array.from(byPath, ([path, route]) => {
    const [segment = path, parent = null] = path.split("/").reverse()
    return [segment, { route, parent }]
  }),
)

const slash = 47

/** Where the path begins: behind the authority when the request line has an absolute URL, as one sent through a proxy has. */
const pathStart = (url: string, end: number): number => {
  if (url.charCodeAt(0) === slash) return 0
  const scheme = url.indexOf("://")
  if (scheme === -1 || scheme >= end) return 0
  const path = url.indexOf("/", scheme + 3)
  return path === -1 ? end : Math.min(path, end)
}

const skipSlashes = (url: string, start: number, end: number): number => {
  let at = end
  while (at > start && url.charCodeAt(at - 1) === slash) at--
  return at
}

/**
 * The route of a request line's URL by the last segments of its path: users choose the prefix, and a path of one's own
 * is common because ad blockers know `log_event`. Case-sensitive; percent-encodings are not decoded.
 */
export const matchRoute = (url: string): Route | null => {
  const query = url.indexOf("?")
  const pathEnd = query === -1 ? url.length : query
  const start = pathStart(url, pathEnd)
  const end = skipSlashes(url, start, pathEnd)
  if (end === start) return null
  const segment = url.lastIndexOf("/", end - 1) + 1
  const match = byLastSegment.get(url.slice(segment, end))
  if (match === undefined) return null
  if (match.parent === null) return match.route
  const parentEnd = skipSlashes(url, start, segment)
  const parent = Math.max(parentEnd === 0 ? 0 : url.lastIndexOf("/", parentEnd - 1) + 1, start)
  return url.slice(parent, parentEnd) === match.parent ? match.route : null
}

/** The query of a request line's URL, `null` when it has none. */
export const queryOf = (url: string): URLSearchParams | null => {
  const at = url.indexOf("?")
  return at === -1 || at === url.length - 1 ? null : new URLSearchParams(url.slice(at + 1))
}
