import type { HttpIngest } from "@millrace/core"

export type Headers = HttpIngest.RequestHead["headers"]

/** A header as one line, `null` when it is absent or empty. */
export const lineOf = (headers: Headers, name: string): string | null => {
  const value = headers[name]
  if (value === undefined) return null
  return (typeof value === "string" ? value : value.join(", ")) || null
}

/**
 * What goes on besides `statsig-*`. Never cookies and `authorization`, which are the host's own;
 * never what says something of the connection or of the way here.
 */
const passedOn: ReadonlySet<string> = new Set([
  "accept-encoding",
  "content-encoding",
  "content-type",
  "if-none-match",
  "user-agent",
])

const isPassedOn = (name: string): boolean => passedOn.has(name) || name.startsWith("statsig-")

/** Node takes 16 KB of headers in all; other hosts may take more. */
const maxValue = 8 * 1024

/** A line of HTTP: no line break, so that no value can become two headers. */
const line = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The headers with which a request goes on, as they came.
 *
 * @param inflated whether the host has decompressed the body, and left the header
 */
export const requestHeaders = (headers: Headers, inflated: boolean): Record<string, string> => {
  const passed: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    if (!isPassedOn(name) || (inflated && name === "content-encoding")) continue
    const value = lineOf(headers, name)
    if (value !== null && value.length <= maxValue && line.test(value)) passed[name] = value
  }
  return passed
}
