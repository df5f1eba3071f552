import type { StoreError } from "@millrace/core"
import { hashOfKey, newKey } from "@millrace/core/host"
import { Keys } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Config } from "./Config.ts"

/**
 * Makes a server key to begin with if neither the configuration nor the store has any; else `null`.
 */
export const makeIfNone = Effect.fnUntraced(function* (
  keys: Config["keys"],
): Effect.fn.Return<string | null, StoreError, Keys.Keys> {
  if (keys.server.length + keys.client.length > 0) return null
  const stored = yield* (yield* Keys.Keys).list
  return stored.length > 0 ? null : newKey("server")
})

/** Keeps its hash, so that the next start knows it. */
export const keep = Effect.fnUntraced(function* (key: string): Effect.fn.Return<void, StoreError, Keys.Keys> {
  const hash = yield* hashOfKey(key)
  yield* (yield* Keys.Keys).put({ hash, kind: "server", createdAt: yield* Clock.currentTimeMillis })
})
