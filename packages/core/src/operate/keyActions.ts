import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import type { Ingest } from "../intake/Ingest.ts"
import { keyIdOf } from "../intake/keyRing.ts"
import { hashOfKey, newKey } from "../intake/newKey.ts"
import type { Keys } from "../ports/Keys.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { Service } from "./Action.ts"
import { KeyConfigured, UnknownKey } from "./OperatorError.ts"
import type { KeyRow, keyRows } from "./rows/keys.ts"

/** Characters of a name, and of what shows which key it is. */
const maxName = 100
const hintLength = 4

const nameProblem = (name: string): string | null =>
  name.trim() === ""
    ? "expected a name"
    : name.length > maxName
      ? `expected ${maxName} characters at most`
      : null

/**
 * Looks after keys: those of the store can be made and taken back, those of the configuration are
 * listed.
 *
 * @param ingest takes requests in by them; `null` where nothing does
 */
export const make = (keys: Keys["Service"], ingest: Ingest["Service"] | null): Service<typeof keyRows> => {
  const configured = () => ingest?.configuredKeys() ?? []
  const reload: Effect.Effect<void, StoreError> = ingest?.reloadKeys ?? Effect.void
  const useOf = (id: string): Pick<KeyRow, "lastUsedAt" | "events"> => {
    const { lastUsedAt = null, events = 0 } = ingest?.watch.useOf(id) ?? {}
    return { lastUsedAt, events }
  }

  return {
    keys: () =>
      Effect.map(keys.list, (stored) => {
        const rows = new Map<string, KeyRow>()
        for (const { hash, kind } of configured()) {
          const id = keyIdOf(hash)
          // One that is given as both is a server key.
          if (rows.get(id)?.kind === "server") continue
          const row = { id, name: null, kind, hint: null, origin: "configured", createdAt: null } as const
          rows.set(id, { ...row, ...useOf(id) })
        }
        for (const { hash, kind, createdAt, name = null, hint = null } of stored) {
          const id = keyIdOf(hash)
          if (rows.has(id)) continue
          rows.set(id, { ...{ id, name, kind, hint, origin: "added", createdAt }, ...useOf(id) })
        }
        return { keys: [...rows.values()] }
      }),

    createKey: Effect.fnUntraced(function* ({ name, kind }) {
      const problem = nameProblem(name)
      if (problem !== null) {
        return yield* new InvalidOptions({ problems: [{ path: "name", message: problem }] })
      }
      const key = newKey(kind)
      const hash = yield* hashOfKey(key)
      const createdAt = yield* Clock.currentTimeMillis
      yield* keys.put({ hash, kind, createdAt, name: name.trim(), hint: key.slice(-hintLength) })
      yield* reload
      return { id: keyIdOf(hash), key }
    }),

    revokeKey: Effect.fnUntraced(function* ({ id }) {
      if (configured().some(({ hash }) => keyIdOf(hash) === id)) return yield* new KeyConfigured()
      const found = (yield* keys.list).filter(({ hash }) => keyIdOf(hash) === id)
      if (found.length === 0) return yield* new UnknownKey()
      for (const { hash } of found) yield* keys.remove(hash)
      yield* reload
      return {}
    }),
  }
}
