/**
 * Which pages' scripts may read the replies: all of them, those of the origins listed
 * (`https://shop.example`), or, with `false`, those the host itself allows.
 */
export type Cors = { readonly origins: "*" | ReadonlyArray<string> } | false

export type CorsHeaders = Readonly<Record<string, string>>

/**
 * What the SDKs for browsers send (docs/wire.md, section 8). Some old browsers do not know `*`
 * here.
 */
const knownHeaders: ReadonlyArray<string> = [
  "content-type",
  "statsig-api-key",
  "statsig-client-time",
  "statsig-encoded",
  "statsig-event-count",
  "statsig-retry-count",
  "statsig-sdk-type",
  "statsig-sdk-version",
]

/** A day, as Statsig's own proxy example has it: one preflight for all batches of a visit. */
const maxAge = "86400"

/** What is echoed comes from anybody: names only, and not without end. */
const maxExtraHeaders = 32
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]{1,64}$/

const allowedHeaders = (requested: string | null): string => {
  if (requested === null) return knownHeaders.join(", ")
  const names = new Set(knownHeaders)
  for (const part of requested.slice(0, 8192).split(",")) {
    const name = part.trim().toLowerCase()
    if (headerName.test(name)) names.add(name)
    if (names.size === knownHeaders.length + maxExtraHeaders) break
  }
  return Array.from(names).join(", ")
}

const serializedOrigin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\s,A-Z]+$/

/** Whether a browser could ever send this `Origin`. */
export const isOrigin = (text: string): boolean => text === "null" || serializedOrigin.test(text)

const none: CorsHeaders = {}

/**
 * A beacon asks with credentials, always, and then a browser takes no star: it wants to read its
 * own origin. No cookie means anything to Millrace and no reply holds anything, so this gives
 * nothing away.
 */
const headersFor = (origin: string): CorsHeaders => ({
  "access-control-allow-origin": origin,
  "access-control-allow-credentials": "true",
  vary: "origin",
})

/** Origins are the senders' to choose: so many of so many characters are kept, 64 KB. */
const maxOrigins = 256
const maxOriginLength = 256

const makeForEverybody = (): ((origin: string | null) => CorsHeaders) => {
  const star: CorsHeaders = { "access-control-allow-origin": "*" }
  const known = new Map<string, CorsHeaders>()
  return (origin) => {
    if (origin === null || origin.length > maxOriginLength) return star
    let headers = known.get(origin)
    if (headers === undefined) {
      if (!isOrigin(origin)) return star
      if (known.size >= maxOrigins) known.clear()
      headers = headersFor(origin)
      known.set(origin, headers)
    }
    return headers
  }
}

/** The headers that let the page at `origin` read a reply; the same object for the same origin. */
export const makeCors = (cors: Cors): ((origin: string | null) => CorsHeaders) => {
  if (cors === false) return () => none
  if (cors.origins === "*") return makeForEverybody()
  const others: CorsHeaders = { vary: "origin" }
  const listed = new Map(cors.origins.map((origin) => [origin, headersFor(origin)]))
  return (origin) => (origin === null ? others : (listed.get(origin) ?? others))
}

/**
 * What a preflight's reply says besides: nothing to an origin that is not allowed.
 *
 * @param methods as `allow` has them
 */
export const preflightHeaders = (
  headers: CorsHeaders,
  requestedHeaders: string | null,
  methods: string,
): CorsHeaders =>
  headers["access-control-allow-origin"] === undefined
    ? none
    : {
        "access-control-allow-methods": methods,
        "access-control-allow-headers": allowedHeaders(requestedHeaders),
        "access-control-max-age": maxAge,
      }
