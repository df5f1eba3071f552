import { isObject, parse } from "../base/json.ts"
import * as Utf8 from "../base/utf8.ts"

/** Statsig's own is a few hundred bytes. It comes without a key, so it gets little room. */
export const maxBytes = 64 * 1024

/**
 * A few dozen characters in practice; what is echoed to somebody without a key has to be short and
 * plain.
 */
const code = /^[\x21-\x7e]{1,256}$/

/**
 * The code in Statsig's check of a webhook's URL, `{"data": {"event": "url_verification",
 * "verification_code": "..."}}` (docs/wire.md, section 12); `null` for every other body.
 */
export const codeOf = (bytes: Uint8Array): string | null => {
  if (bytes.length > maxBytes) return null
  const { text } = Utf8.decode(bytes)
  // Whoever has no key has nothing else parsed.
  if (!text.includes("url_verification")) return null
  const body = parse(text)
  const data = isObject(body) ? body["data"] : undefined
  if (!isObject(data) || data["event"] !== "url_verification") return null
  const sent = data["verification_code"]
  return typeof sent === "string" && code.test(sent) ? sent : null
}
