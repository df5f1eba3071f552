import type { HostName } from "./Options.ts"

/** What is passed through, and nothing else is ever sent to Statsig. */
export interface Route {
  readonly name: string
  /** How the path ends where it is asked for here. */
  readonly paths: ReadonlyArray<string>
  readonly methods: ReadonlyArray<"GET" | "POST">
  /** Whom a request is sent to, by its method. */
  readonly host: Readonly<Record<"GET" | "POST", HostName>>
  /** The versions that Statsig has of it; the first one where the path names none. */
  readonly versions: ReadonlyArray<1 | 2>
  /**
   * Whose keys may ask. Statsig decides what a key gets, and nobody gets what another key was
   * answered; what only servers ask for is refused to a client key before anybody is asked.
   */
  readonly keys: "any" | "server"
  /**
   * Whether the reply is the same for all who show the same key, so that it can be kept, shared and
   * served again. The others depend on a user.
   */
  readonly isDocument: boolean
}

const post = {
  methods: ["POST"],
  host: { GET: "api", POST: "api" },
  versions: [1],
  keys: "any",
  isDocument: false,
} satisfies Partial<Route>

/**
 * What SDKs and the HTTP API's users ask for (docs/wire.md, sections 1, 2 and 9). Config specs for
 * a client key are those of on-device evaluation. The CDN has config specs as files; what is posted
 * for them goes to the API, as SDKs that post do. `sdk_exception` is no business of Statsig's: our
 * own route takes it.
 */
export const routes: ReadonlyArray<Route> = [
  { ...post, name: "initialize", paths: ["initialize"] },
  {
    name: "download_config_specs",
    paths: ["download_config_specs", "download_config_specs/*.json"],
    methods: ["GET", "POST"],
    host: { GET: "cdn", POST: "api" },
    versions: [1, 2],
    keys: "any",
    isDocument: true,
  },
  { ...post, name: "get_id_lists", paths: ["get_id_lists"], keys: "server", isDocument: true },
  { ...post, name: "check_gate", paths: ["check_gate"] },
  { ...post, name: "get_config", paths: ["get_config"] },
  { ...post, name: "get_layer", paths: ["get_layer"] },
]

const versionSegment = /^v(\d)$/

/** The version that a path asks for: users choose the prefix, so the last one named counts. */
const versionOf = (route: Route, path: string): 1 | 2 => {
  const named = path
    .split("/")
    .flatMap((segment) => versionSegment.exec(segment)?.[1] ?? [])
    .at(-1)
  return route.versions.find((version) => String(version) === named) ?? route.versions[0]!
}

const fileSegment = /\/([^/]+)\.json$/

/** The key that a path names, as it is written there; `null` when it names none. */
export const fileOf = (route: Route, path: string): string | null =>
  route.paths.some((ending) => ending.endsWith("/*.json")) ? (fileSegment.exec(path)?.[1] ?? null) : null

/** Statsig's path for what is asked for at a path of ours with a key. */
export const upstreamPath = (route: Route, path: string, key: string): string => {
  const base = `/v${versionOf(route, path)}/${route.name}`
  return fileOf(route, path) === null ? base : `${base}/${encodeURIComponent(key)}.json`
}
