/** The event of the benchmarks: about 260 bytes of JSON, as an SDK sends it. */
const event = (n: number) => ({
  eventName: "page_view",
  user: { userID: `user-${n}`, country: "NZ", custom: { plan: "gold", seats: 3 } },
  time: 1_790_000_000_000 + n,
  value: "home",
  metadata: { page: "/products/42", referrer: "https://example.com/", position: String(n) },
  secondaryExposures: [],
})

export const key = "secret-bench"

export const body = (events: number): Buffer =>
  Buffer.from(
    JSON.stringify({
      events: Array.from({ length: events }, (_, n) => event(n)),
      statsigMetadata: { sdkType: "statsig-node", sdkVersion: "6.5.2" },
    }),
  )

/** One whole HTTP request, ready for a socket. */
export const request = (events: number): Buffer => {
  const content = body(events)
  const head = [
    "POST /v1/log_event HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    `statsig-api-key: ${key}`,
    `statsig-client-time: ${Date.now()}`,
    "statsig-sdk-type: statsig-node",
    `content-length: ${content.length}`,
    "",
    "",
  ].join("\r\n")
  return Buffer.concat([Buffer.from(head), content])
}
