import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { byText, guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/** Server keys may do everything, client keys only log events. */
export type KeyKind = "server" | "client"

export interface KeyRecord {
  /** SHA-256 of the key, as 64 hex digits: the key itself is never stored. */
  readonly hash: string
  readonly kind: KeyKind
  readonly createdAt: number
  /** What it is for, as whoever made it says. */
  readonly name?: string
  /** Its last four characters, to tell it by. */
  readonly hint?: string
}

export class Keys extends Context.Service<
  Keys,
  {
    /** By `createdAt`, then by hash. */
    readonly list: Effect.Effect<ReadonlyArray<KeyRecord>, StoreError>
    /** An upsert by hash. */
    readonly put: (record: KeyRecord) => Effect.Effect<void, StoreError>
    readonly remove: (hash: string) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Keys") {}

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Keys> =>
  Layer.effect(
    Keys,
    Effect.gen(function* () {
      const run = yield* guard
      const records = new Map<string, KeyRecord>()
      return Keys.of({
        list: run(() =>
          Effect.succeed(
            [...records.values()].sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),
          ),
        ),
        put: (record) =>
          run(() => {
            records.set(record.hash, record)
            return Effect.void
          }),
        remove: (hash) =>
          run(() => {
            records.delete(hash)
            return Effect.void
          }),
      })
    }),
  )
