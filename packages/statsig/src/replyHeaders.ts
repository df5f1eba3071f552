/**
 * What comes back besides `x-statsig-*`. Never `set-cookie`, which would be a cookie of the host's
 * own domain, and never what says something of the connection to Statsig.
 */
const passedBack: ReadonlySet<string> = new Set(["content-type", "content-encoding", "etag", "last-modified"])

/** What Node writes into a head: no line break, so that no value can become two headers. */
const line = /^[\t\x20-\x7e\x80-\xff]*$/

/** How a reply describes its body, in the headers that may come back. */
export const replyHeaders = (
  headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>,
): Record<string, string> => {
  const passed: Record<string, string> = {}
  for (const [given, value] of Object.entries(headers)) {
    const name = given.toLowerCase()
    if (value === undefined || !(passedBack.has(name) || name.startsWith("x-statsig-"))) continue
    const text = typeof value === "string" ? value : value.join(", ")
    if (line.test(text)) passed[name] = text
  }
  return passed
}
