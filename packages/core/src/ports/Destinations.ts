import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Time } from "../base/scalars.ts"
import { byText, guard } from "./memory/memoryPort.ts"
import type { StoreError } from "./StoreError.ts"

/** Why a destination gets nothing at present. */
export const Disabled = Schema.Struct({
  at: Time,
  /**
   * `gone`: it answered 410. `by-hand`: somebody switched it off. `unconfigured`: no longer in the
   * configuration.
   */
  reason: Schema.Literals(["gone", "by-hand", "unconfigured"]),
}).annotate({ identifier: "Disabled" })

export type Disabled = typeof Disabled.Type

/** Which events a destination gets, as far as that can be told from what it got before. */
export interface SelectionNote {
  /** Names what decides it: with another one, other events pass. */
  readonly digest: string
  /** When it became this one; `null` when it has been no other, as far as is known. */
  readonly since: number | null
}

/**
 * What a store knows of a destination: flags and file define it, the store keeps what it has lived
 * through.
 */
export interface DestinationRecord {
  readonly id: string
  /**
   * Its configuration as JSON text when it was added by a command; `null` when flags or a file
   * define it.
   */
  readonly config: string | null
  readonly disabled: Disabled | null
  readonly createdAt: number
  /** Not there when an earlier version has written the record. */
  readonly selection?: SelectionNote
}

export class Destinations extends Context.Service<
  Destinations,
  {
    readonly get: (id: string) => Effect.Effect<DestinationRecord | null, StoreError>
    /** By id. */
    readonly list: Effect.Effect<ReadonlyArray<DestinationRecord>, StoreError>
    readonly put: (record: DestinationRecord) => Effect.Effect<void, StoreError>
    readonly remove: (id: string) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Destinations") {}

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Destinations> =>
  Layer.effect(
    Destinations,
    Effect.gen(function* () {
      const run = yield* guard
      const records = new Map<string, DestinationRecord>()
      return Destinations.of({
        get: (id) => run(() => Effect.succeed(records.get(id) ?? null)),
        list: run(() => Effect.succeed([...records.values()].sort((a, b) => byText(a.id, b.id)))),
        put: (record) =>
          run(() => {
            records.set(record.id, record)
            return Effect.void
          }),
        remove: (id) =>
          run(() => {
            records.delete(id)
            return Effect.void
          }),
      })
    }),
  )
