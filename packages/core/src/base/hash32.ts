/**
 * Hashes by FNV-1a over UTF-16 units with the finalizer of MurmurHash3, which spreads short and
 * similar ids evenly. 32 bits, unsigned.
 */
export const hash32 = (text: string): number => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >> 8), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The same as 8 hex digits. */
export const hash32Text = (text: string): string => hash32(text).toString(16).padStart(8, "0")
