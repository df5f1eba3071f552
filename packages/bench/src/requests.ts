import { gzipSync } from "node:zlib"

export const key = "secret-bench"

const digits = (n: number): string => String(n).padStart(6, "0")

/**
 * The event of the benchmarks: about 260 bytes of JSON, as an SDK sends it. All are of the same length.
 *
 * @param padding more characters in its metadata
 */
export const event = (n: number, eventName = "page_view", padding = 0) => ({
  eventName,
  user: { userID: `user-${digits(n)}`, country: "NZ", custom: { plan: "gold", seats: 3 } },
  time: 1_790_000_000_000 + n,
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

export const body = (events: number, padding = 0): Buffer =>
  bodyOf(Array.from({ length: events }, (_, n) => event(n, "page_view", padding)))

export type Encoding = "plain" | "gzip"

/** One whole HTTP request, ready for a socket. */
export const request = (
  events: number,
  { encoding = "plain", padding = 0 }: { readonly encoding?: Encoding; readonly padding?: number } = {},
): Buffer => {
  const plain = body(events, padding)
  const content = encoding === "gzip" ? gzipSync(plain) : plain
  const head = [
    "POST /v1/log_event HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    ...(encoding === "gzip" ? ["content-encoding: gzip"] : []),
    `statsig-api-key: ${key}`,
    `statsig-client-time: ${Date.now()}`,
    "statsig-sdk-type: statsig-node",
    `content-length: ${content.length}`,
    "",
    "",
  ].join("\r\n")
  return Buffer.concat([Buffer.from(head), content])
}
