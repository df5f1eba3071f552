import type { IncomingMessage } from "node:http"
import type { TLSSocket } from "node:tls"

const plainName = "millrace_console"

/**
 * Whether a browser has asked by https, by what the proxy says that ends TLS. A client
 * that makes it up gets a cookie that its own browser does not send back.
 */
const isSecure = (req: IncomingMessage): boolean => {
  const [protocol = ""] = [req.headers["x-forwarded-proto"] ?? []].flat()
  return (req.socket as Partial<TLSSocket>).encrypted === true || /^https *(,|$)/i.test(protocol)
}

/** Browsers take a cookie of this name over https only. */
const nameFor = (req: IncomingMessage): string => (isSecure(req) ? `__Secure-${plainName}` : plainName)

/** The value of the console's cookie; `null` when there is none. */
export const read = (req: IncomingMessage): string | null => {
  const name = nameFor(req)
  for (const part of (req.headers.cookie ?? "").split(";")) {
    const at = part.indexOf("=")
    if (part.slice(0, at).trim() === name) return part.slice(at + 1).trim()
  }
  return null
}

/** What a cookie's path may have: the rest would end it, and begin an attribute. */
const safePath = /^[\w\-./~%]*$/

/**
 * The header that makes a browser keep a value, for requests below a path.
 *
 * @param seconds 0 makes it forget the value
 */
export const header = (req: IncomingMessage, base: string, value: string, seconds: number): string => {
  const path = safePath.test(base) ? `${base}/` : "/"
  const attributes = `Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Strict`
  return `${nameFor(req)}=${value}; ${attributes}${isSecure(req) ? "; Secure" : ""}`
}
