import type { OptionProblem } from "../base/InvalidOptions.ts"
import type { Dialect } from "./Wire.ts"

/**
 * One row of the table of routes. `exception` is where SDKs report their own failures: read,
 * counted, not kept.
 */
export interface Route {
  readonly name: Dialect | "exception"
  /**
   * Whether browsers call it from pages of other origins. Third-party webhooks come from servers.
   */
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

/**
 * Where the path begins: behind the authority when the request line has an absolute URL, as one
 * sent through a proxy has.
 */
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
 * Names of the user's own for routes: ad blockers know `log_event` and `rgstr`. Each is a path,
 * `"/v1/my-product-data"`, and known below any prefix as ours are.
 */
export interface OwnPaths {
  readonly log_event?: ReadonlyArray<string>
  readonly event_webhook?: ReadonlyArray<string>
  readonly sdk_exception?: ReadonlyArray<string>
}

const named = {
  log_event: logEvent,
  event_webhook: eventWebhook,
  sdk_exception: exception,
} satisfies Readonly<Record<keyof OwnPaths, Route>>

const names = Object.keys(named) as ReadonlyArray<keyof typeof named>

interface OwnPath {
  readonly route: Route
  readonly given: string
  /** Without the slash it begins with. */
  readonly path: string
  /** Where it stands in the options. */
  readonly place: string
}

const ownPathsOf = (own: OwnPaths): ReadonlyArray<OwnPath> =>
  names.flatMap((name) =>
    (own[name] ?? []).map((given, index) => ({
      route: named[name],
      given,
      path: given.slice(1),
      place: `paths.${name}[${index}]`,
    })),
  )

/** Returns every path there is, without a slash before it: ours and the user's own. */
export const pathsWith = (own: OwnPaths): ReadonlyArray<string> => [
  ...new Set([...paths, ...ownPathsOf(own).map(({ path }) => path)]),
]

/** Nobody types longer or more of them, and each request may be compared with all. */
const maxOwnPath = 256
const maxOwnPaths = 64

/** What needs no encoding in any URL, and means nothing to any router. */
const ownPath = /^(?:\/[A-Za-z0-9._~-]+)+$/

/** What a path has to be; `null` when it is that. */
export const ownPathProblem = (path: string): string | null =>
  ownPath.test(path) && path.length <= maxOwnPath
    ? null
    : `expected a path of letters, digits and ".", "_", "~", "-": /v1/my-product-data`

export const ownPathProblems = (own: OwnPaths): ReadonlyArray<OptionProblem> => {
  const unknown = Object.keys(own).filter((name) => !(name in named))
  const known = new Map<string, OwnPath>()
  return [
    ...unknown.map((name) => ({ path: `paths.${name}`, message: `expected one of ${names.join(", ")}` })),
    ...ownPathsOf(own).flatMap((each, index) => {
      const { route, given, place } = each
      if (index === maxOwnPaths) return [{ path: "paths", message: `more than ${maxOwnPaths} paths` }]
      const message = ownPathProblem(given)
      if (message !== null) return [{ path: place, message }]
      const before = known.get(given)
      known.set(given, each)
      const taken = matchRoute(given)
      if (taken !== null && taken !== route) {
        const owner = names.find((name) => named[name] === taken)
        return [{ path: place, message: `is a path of ${owner}` }]
      }
      return before === undefined ? [] : [{ path: place, message: `is ${before.place}, too` }]
    }),
  ]
}

/** Returns what finds the user's own paths below any prefix, in a URL whose path is there. */
const makeMatchOwn = (own: OwnPaths): ((url: string, start: number, end: number) => Route | null) => {
  const known = ownPathsOf(own)
  return (url, start, end) => {
    for (const { path, route } of known) {
      const from = end - path.length
      if (from > start && url.charCodeAt(from - 1) === slash && url.startsWith(path, from)) return route
    }
    return null
  }
}

/**
 * Returns what finds the route of a request line's URL by the last segments of its path: users
 * choose the prefix, and may choose a path. Case-sensitive; percent-encodings are not decoded.
 */
export const makeMatchRoute = (own: OwnPaths): ((url: string) => Route | null) => {
  const matchOwn = makeMatchOwn(own)
  return (url) => {
    const query = url.indexOf("?")
    const pathEnd = query === -1 ? url.length : query
    const start = pathStart(url, pathEnd)
    const end = skipSlashes(url, start, pathEnd)
    if (end === start) return null
    const segment = url.lastIndexOf("/", end - 1) + 1
    const match = byLastSegment.get(url.slice(segment, end))
    if (match === undefined) return matchOwn(url, start, end)
    if (match.parent === null) return match.route
    const parentEnd = skipSlashes(url, start, segment)
    const parent = Math.max(parentEnd === 0 ? 0 : url.lastIndexOf("/", parentEnd - 1) + 1, start)
    return url.slice(parent, parentEnd) === match.parent ? match.route : matchOwn(url, start, end)
  }
}

/** The same where the user has no paths of their own. */
export const matchRoute = makeMatchRoute({})

/** The query of a request line's URL, `null` when it has none. */
export const queryOf = (url: string): URLSearchParams | null => {
  const at = url.indexOf("?")
  return at === -1 || at === url.length - 1 ? null : new URLSearchParams(url.slice(at + 1))
}
