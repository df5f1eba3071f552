/** What the bytes of a body say of how they are packed, whatever its head says. */
import { isObject, parse } from "../base/json.ts"
import * as Utf8 from "../base/utf8.ts"
import type { Compression } from "../ports/Codec.ts"
import * as Wire from "./Wire.ts"

/** What the first bytes say: js-client sends gzip without a word. No JSON begins like this. */
export const evidentCoding = (bytes: Uint8Array): Compression | null => {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip"
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return "zstd"
  return null
}

/**
 * Whether these are compressed bytes that somebody has read as UTF-8: each byte that is none has
 * become U+FFFD. No JSON begins like this.
 */
export const wasReadAsText = (bytes: Uint8Array): boolean =>
  (bytes[0] === 0x1f && isReplacement(bytes, 1)) ||
  (bytes[0] === 0x28 && isReplacement(bytes, 1) && bytes[4] === 0x2f && isReplacement(bytes, 5))

const isReplacement = (bytes: Uint8Array, at: number): boolean =>
  bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd

const space = 0x20
const openBrace = 0x7b

/** Whether the first byte that is no white space begins an object. */
const beginsObject = (bytes: Uint8Array): boolean => bytes.find((byte) => byte > space) === openBrace

/**
 * Whether an SDK has sent plain JSON. Gateways inflate a body and leave the header that says it is
 * compressed.
 *
 * A body that is too large to be parsed in one go is not: there it is enough that it looks like an
 * object, and that an SDK's name stands in its head or anywhere in it. Reading it says the rest.
 */
export const isPlainFromSdk = (head: Wire.WireHead, bytes: Uint8Array): boolean => {
  if (!beginsObject(bytes)) return false
  const { text } = Utf8.decode(bytes)
  if (bytes.length > Wire.atOnce) return Wire.showsSdk(head, () => null) || text.includes('"sdkType"')
  const json = parse(text)
  return isObject(json) && Wire.showsSdk(head, () => json["statsigMetadata"])
}
