import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { byText, guard } from "./memory/memoryPort.ts"
import type { Position } from "./Position.ts"
import type { StoreError } from "./StoreError.ts"

/**
 * A destination's durable place in a partition, and what it has counted on the way. Written in one
 * compare-and-set.
 */
export interface CursorRecord {
  /** The last entry that is settled whole. */
  readonly position: Position
  /** How many events of the entry after `position` are settled too. */
  readonly index: number
  /** A small versioned value, opaque to the store. */
  readonly state: string
}

export interface Cursor {
  readonly name: string
  /** Raised by every `acquire`: only the owner that holds the newest one may save. */
  readonly epoch: number
  /** `null` until the first save. */
  readonly record: CursorRecord | null
}

export interface CursorSave {
  readonly name: string
  readonly epoch: number
  readonly record: CursorRecord
}

export type SaveOutcome = "saved" | "fenced"

/**
 * The cursors of all destinations, by name (`destination/partition`), each owned by one process at
 * a time.
 */
export class Cursors extends Context.Service<
  Cursors,
  {
    /**
     * Takes a cursor over, whoever had it, making it when it is new: from now on, saves with an
     * earlier epoch are refused.
     */
    readonly acquire: (name: string) => Effect.Effect<Cursor, StoreError>
    /**
     * Saves several in one write, at the log's durability; each outcome stands where its save
     * stood. A save with a stale epoch, or of a cursor that has been removed, is `fenced`: it
     * changes nothing and does not keep the others from being saved.
     */
    readonly save: (saves: ReadonlyArray<CursorSave>) => Effect.Effect<ReadonlyArray<SaveOutcome>, StoreError>
    /** By name, all of them. */
    readonly list: Effect.Effect<ReadonlyArray<Cursor>, StoreError>
    /** A later `acquire` of the same name begins anew, with an epoch higher than any before. */
    readonly remove: (name: string) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/Cursors") {}

/** Keeps them in this process's memory. */
export const layerMemory = (): Layer.Layer<Cursors> =>
  Layer.effect(
    Cursors,
    Effect.gen(function* () {
      const run = yield* guard
      const cursors = new Map<string, Cursor>()
      // One sequence for all names, so that a removed cursor leaves nothing to remember.
      let lastEpoch = 0

      const saveOne = ({ name, epoch, record }: CursorSave): SaveOutcome => {
        if (cursors.get(name)?.epoch !== epoch) return "fenced"
        cursors.set(name, { name, epoch, record })
        return "saved"
      }

      return Cursors.of({
        acquire: (name) =>
          run(() => {
            lastEpoch += 1
            const cursor: Cursor = { name, epoch: lastEpoch, record: cursors.get(name)?.record ?? null }
            cursors.set(name, cursor)
            return Effect.succeed(cursor)
          }),
        save: (saves) => run(() => Effect.succeed(saves.map(saveOne))),
        list: run(() => Effect.succeed([...cursors.values()].sort((a, b) => byText(a.name, b.name)))),
        remove: (name) =>
          run(() => {
            cursors.delete(name)
            return Effect.void
          }),
      })
    }),
  )
