import { gzipSync } from "node:zlib"

export const key = "secret-bench"

const digits = (n: number): string => String(n).padStart(6, "0")

export interface EventOptions {
  readonly eventName?: string
  /** ms since the epoch. */
  readonly time?: number
  /** More characters in its metadata. */
  readonly padding?: number
}

/**
 * The event of the benchmarks: about 260 bytes of JSON, as an SDK sends it. All events with the
 * same options have the same length.
 */
export const event = (
  n: number,
  { eventName = "page_view", time = 1_790_000_000_000 + n, padding = 0 }: EventOptions = {},
) => ({
  eventName,
  user: { userID: `user-${digits(n)}`, country: "NZ", custom: { plan: "gold", seats: 3 } },
  time,
  value: "home",
  metadata: {
    page: "/products/42",
    referrer: `https://example.com/${"x".repeat(padding)}`,
    position: digits(n),
  },
  secondaryExposures: [],
})

export const bodyOf = (events: ReadonlyArray<unknown>): Buffer =>
  Buffer.from(JSON.stringify({ events, statsigMetadata: { sdkType: "statsig-node", sdkVersion: "6.5.2" } }))

export const body = (events: number, options: EventOptions = {}): Buffer =>
  bodyOf(Array.from({ length: events }, (_, n) => event(n, options)))

export type Encoding = "plain" | "gzip"

export interface RequestOptions extends EventOptions {
  readonly encoding?: Encoding
  /** More lines of its head. */
  readonly headers?: ReadonlyArray<string>
}

/** One whole HTTP request, ready for a socket. */
export const request = (
  events: number,
  { encoding = "plain", headers = [], ...options }: RequestOptions = {},
): Buffer => {
  const plain = body(events, options)
  const content = encoding === "gzip" ? gzipSync(plain) : plain
  const head = [
    "POST /v1/log_event HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    ...(encoding === "gzip" ? ["content-encoding: gzip"] : []),
    `statsig-api-key: ${key}`,
    `statsig-client-time: ${Date.now()}`,
    "statsig-sdk-type: statsig-node",
    ...headers,
    `content-length: ${content.length}`,
    "",
    "",
  ].join("\r\n")
  return Buffer.concat([Buffer.from(head), content])
}
