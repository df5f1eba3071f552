import type { KeyKind } from "../ports/Keys.ts"

/** The sender, by its key. */
export interface Principal {
  readonly kind: KeyKind
  /**
   * Names the key without giving it away; `null` where no key is asked for, and for a signed
   * request.
   */
  readonly id: string | null
}

export interface HashedKey {
  /** SHA-256 as 64 hex digits. */
  readonly hash: string
  readonly kind: KeyKind
}

const words = 8

const toWords = (digest: Uint8Array): Uint32Array => {
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
  return Uint32Array.from({ length: words }, (_, word) => view.getUint32(word * 4))
}

const hashPattern = /^[0-9a-f]{64}$/

/** 8 of 64 digits: enough to tell keys apart, useless for guessing one. */
const idLength = 8

/** Names a key by the digits of its hash. */
export const keyIdOf = (hash: string): string => hash.slice(0, idLength)

/** A set of hashed keys in which a key is looked up in a time that depends on their number only. */
export interface KeyRing {
  readonly size: number
  readonly find: (digest: Uint8Array) => Principal | null
}

/**
 * A key that is given both as server and as client key is a server key. Hashes that are none are
 * left out.
 */
export const makeKeyRing = (keys: ReadonlyArray<HashedKey>): KeyRing => {
  const kinds = new Map<string, KeyKind>()
  for (const { hash, kind } of keys) {
    if (!hashPattern.test(hash)) continue
    if (kinds.get(hash) !== "server") kinds.set(hash, kind)
  }
  const principals = Array.from(kinds, ([hash, kind]): Principal => ({ kind, id: keyIdOf(hash) }))
  const table = new Uint32Array(kinds.size * words)
  Array.from(kinds.keys()).forEach((hash, index) => {
    for (let word = 0; word < words; word++) {
      table[index * words + word] = Number.parseInt(hash.slice(word * 8, word * 8 + 8), 16)
    }
  })

  return {
    size: principals.length,
    find: (digest) => {
      const given = toWords(digest)
      let found = -1
      for (let index = 0; index < principals.length; index++) {
        let difference = 0
        for (let word = 0; word < words; word++) difference |= table[index * words + word]! ^ given[word]!
        // All ones when they differ, zero when they are the same: no branch that a clock could see.
        const differs = (difference | -difference) >> 31
        found = (found & differs) | (index & ~differs)
      }
      return found === -1 ? null : principals[found]!
    },
  }
}

/** 0 when they are the same. Takes as long for any secret and any part of it that is right. */
const difference = (secret: string, given: string): number => {
  let different = secret.length ^ given.length
  for (let at = 0; at < given.length; at++) {
    different |= given.charCodeAt(at) ^ secret.charCodeAt(at % secret.length)
  }
  return different
}

/**
 * Keys that are known as they are, with their owners: to hash what every request shows would take
 * longer than to compare it with a few.
 */
export const makeKnownKeys = (keys: ReadonlyArray<readonly [key: string, owner: Principal]>) => ({
  find: (given: string): Principal | null => {
    let found: Principal | null = null
    for (const [key, owner] of keys) if (difference(key, given) === 0) found = owner
    return found
  },
})
