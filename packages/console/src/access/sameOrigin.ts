import type { IncomingMessage } from "node:http"

const hostOf = (origin: string): string | null => {
  try {
    return new URL(origin).host
  } catch {
    return null
  }
}

/** Without the port that a scheme has anyway, as browsers write origins. */
const normal = (host: string, origin: string): string | null =>
  hostOf(`${origin.startsWith("https:") ? "https" : "http"}://${host}`)

/**
 * Why a request comes from a page that is not ours, by what browsers say of it; `null` when it does
 * not. Commands say nothing of it: they have no cookie that somebody else could make them send.
 */
export const problem = ({ headers, method }: IncomingMessage): string | null => {
  const site = headers["sec-fetch-site"]
  // `none` is an address that somebody has typed. Nothing is changed by it.
  const isTyped = site === "none" && (method === "GET" || method === "HEAD")
  if (site !== undefined && site !== "same-origin" && !isTyped) {
    return `sec-fetch-site: expected same-origin`
  }
  const { origin, host = "" } = headers
  if (origin === undefined) return null
  const from = hostOf(origin)
  return from !== null && from === normal(host, origin)
    ? null
    : "origin: expected this host: a proxy in front of it has to pass the host header on"
}
