import type { OptionProblem } from "../base/InvalidOptions.ts"
import type { ExtraRoute } from "./ExtraRoutes.ts"
import type { Dialect } from "./Wire.ts"

/** One row of the table of routes: ours, or one of an extension's. */
export interface Route {
  readonly name: string
  /**
   * Whether browsers call it from pages of other origins. Third-party webhooks come from servers.
   */
  readonly browsers: boolean
  readonly methods: ReadonlyArray<string>
}

/**
 * A route of our own. `exception` is where SDKs report their own failures: read, counted, not kept.
 */
export interface OurRoute extends Route {
  readonly name: Dialect | "exception"
}

const methods = ["POST"]

const logEvent: OurRoute = { name: "log_event", browsers: true, methods }
const eventWebhook: OurRoute = { name: "event_webhook", browsers: false, methods }
const exception: OurRoute = { name: "exception", browsers: true, methods }

/** Our routes by the end of their path. */
const byPath: ReadonlyMap<string, OurRoute> = new Map([
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

/** Whichever they are of. */
export type AnyRoute = OurRoute | ExtraRoute

interface Match {
  readonly route: AnyRoute
  /** The segment that has to stand before the last one; `null` where any may. */
  readonly parent: string | null
}

/** Ours by their last segment, and those of extensions where we have none there. */
const byLastSegmentOf = (extras: ReadonlyArray<ExtraRoute>): ReadonlyMap<string, Match> => {
  const known = new Map<string, Match>()
  const ofExtras = extras.flatMap((route) => route.paths.map((path) => [path, route] as const))
  for (const [path, route] of [...byPath, ...ofExtras]) {
    const [segment = path, parent = null] = path.split("/").reverse()
    if (!known.has(segment)) known.set(segment, { route, parent })
  }
  return known
}

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
  /** This and those below are routes of `@millrace/statsig`, and there is none without it. */
  readonly initialize?: ReadonlyArray<string>
  readonly download_config_specs?: ReadonlyArray<string>
  readonly get_id_lists?: ReadonlyArray<string>
}

/** The routes by the names they have in {@link OwnPaths}. */
const namedWith = (extras: ReadonlyArray<ExtraRoute>): ReadonlyMap<string, AnyRoute> =>
  new Map<string, AnyRoute>([
    ...extras.map((route) => [route.name, route] as const),
    ["log_event", logEvent],
    ["event_webhook", eventWebhook],
    ["sdk_exception", exception],
  ])

interface OwnPath {
  readonly route: AnyRoute
  readonly given: string
  /** Without the slash it begins with. */
  readonly path: string
  /** Where it stands in the options. */
  readonly place: string
}

const ownPathsOf = (own: OwnPaths, extras: ReadonlyArray<ExtraRoute>): ReadonlyArray<OwnPath> => {
  const named = namedWith(extras)
  return Object.entries<ReadonlyArray<string> | undefined>({ ...own }).flatMap(([name, paths = []]) => {
    const route = named.get(name)
    return route === undefined
      ? []
      : paths.map((given, index) => ({
          route,
          given,
          path: given.slice(1),
          place: `paths.${name}[${index}]`,
        }))
  })
}

/**
 * Returns every path there is, without a slash before it: ours, those of extensions that are fixed,
 * and the user's own.
 */
export const pathsWith = (own: OwnPaths, extras: ReadonlyArray<ExtraRoute> = []): ReadonlyArray<string> => [
  ...new Set([
    ...paths,
    ...extras.flatMap((route) => route.paths).filter((path) => !path.includes("*")),
    ...ownPathsOf(own, extras).map(({ path }) => path),
  ]),
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

export const ownPathProblems = (
  own: OwnPaths,
  extras: ReadonlyArray<ExtraRoute> = [],
): ReadonlyArray<OptionProblem> => {
  const named = namedWith(extras)
  const match = makeMatchRoute({}, extras)
  const unknown = Object.keys(own).filter((name) => !named.has(name))
  const expected = [...named.keys()].sort().join(", ")
  const known = new Map<string, OwnPath>()
  return [
    ...unknown.map((name) => ({ path: `paths.${name}`, message: `expected one of ${expected}` })),
    ...ownPathsOf(own, extras).flatMap((each, index) => {
      const { route, given, place } = each
      if (index === maxOwnPaths) return [{ path: "paths", message: `more than ${maxOwnPaths} paths` }]
      const message = ownPathProblem(given)
      if (message !== null) return [{ path: place, message }]
      const before = known.get(given)
      known.set(given, each)
      const taken = match(given)
      if (taken !== null && taken !== route) {
        const [owner] = [...named].find(([, named]) => named === taken) ?? []
        return [{ path: place, message: `is a path of ${owner}` }]
      }
      return before === undefined ? [] : [{ path: place, message: `is ${before.place}, too` }]
    }),
  ]
}

/** Returns what finds the user's own paths below any prefix, in a URL whose path is there. */
const makeMatchOwn = (
  known: ReadonlyArray<OwnPath>,
): ((url: string, start: number, end: number) => AnyRoute | null) => {
  return (url, start, end) => {
    for (const { path, route } of known) {
      const from = end - path.length
      if (from > start && url.charCodeAt(from - 1) === slash && url.startsWith(path, from)) return route
    }
    return null
  }
}

/** What a last segment is known as, where any of its kind will do. */
const anyJson = "*.json"

/**
 * Returns what finds the route of a request line's URL by the last segments of its path: users
 * choose the prefix, and may choose a path. Case-sensitive; percent-encodings are not decoded.
 */
export const makeMatchRoute = (
  own: OwnPaths,
  extras: ReadonlyArray<ExtraRoute> = [],
): ((url: string) => AnyRoute | null) => {
  const matchOwn = makeMatchOwn(ownPathsOf(own, extras))
  const byLastSegment = byLastSegmentOf(extras)
  return (url) => {
    const query = url.indexOf("?")
    const pathEnd = query === -1 ? url.length : query
    const start = pathStart(url, pathEnd)
    const end = skipSlashes(url, start, pathEnd)
    if (end === start) return null
    const at = url.lastIndexOf("/", end - 1) + 1
    const segment = url.slice(at, end)
    const match = byLastSegment.get(segment.endsWith(".json") ? anyJson : segment)
    if (match === undefined) return matchOwn(url, start, end)
    if (match.parent === null) return match.route
    const parentEnd = skipSlashes(url, start, at)
    const parent = Math.max(parentEnd === 0 ? 0 : url.lastIndexOf("/", parentEnd - 1) + 1, start)
    return url.slice(parent, parentEnd) === match.parent ? match.route : matchOwn(url, start, end)
  }
}

/** The same where there are no paths but ours. */
export const matchRoute = makeMatchRoute({})

/** The path of a request line's URL, without slashes at its end, and its query with the mark. */
export const splitUrl = (url: string): { readonly path: string; readonly query: string } => {
  const at = url.indexOf("?")
  const pathEnd = at === -1 ? url.length : at
  const start = pathStart(url, pathEnd)
  return { path: url.slice(start, skipSlashes(url, start, pathEnd)), query: at === -1 ? "" : url.slice(at) }
}

/** The query of a request line's URL, `null` when it has none. */
export const queryOf = (url: string): URLSearchParams | null => {
  const at = url.indexOf("?")
  return at === -1 || at === url.length - 1 ? null : new URLSearchParams(url.slice(at + 1))
}
