import * as Effect from "effect/Effect"
import { hex } from "../base/hex.ts"
import type { KeyKind } from "../ports/Keys.ts"

/** As long as those of Statsig are, or longer: nobody guesses 20 bytes. */
const keyBytes = 20

const prefixes: Readonly<Record<KeyKind, string>> = { server: "secret-", client: "client-" }

/** Makes a key out of the platform's secure random numbers. */
export const newKey = (kind: KeyKind): string =>
  `${prefixes[kind]}${hex(globalThis.crypto.getRandomValues(new Uint8Array(keyBytes)))}`

/** What is kept of a key: its SHA-256, as 64 hex digits. */
export const hashOfKey = (key: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))),
    (digest) => hex(new Uint8Array(digest)),
  )
