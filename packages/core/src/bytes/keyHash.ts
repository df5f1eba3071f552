/** Nobody outside can know it, and choose keys that fall into one place. */
const seed = Math.floor(Math.random() * 2 ** 32)

/** FNV-1a over 32 bits from a seed of this process, with the finalizer of MurmurHash3. */
export const keyHash = (bytes: Uint8Array, from: number, to: number): number => {
  let hash = seed
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
