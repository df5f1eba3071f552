import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { InvalidOptions } from "../../base/InvalidOptions.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Catalog } from "../../select/Catalog.ts"
import {
  type CompiledSelection,
  compile,
  type Destination,
  type Selection,
} from "../../select/Destination.ts"
import type { Hash } from "../../select/Fields.ts"
import type { Sender } from "../send/Sender.ts"
import { UnknownDestination } from "../UnknownDestination.ts"
import * as DestinationRecords from "./destinationRecords.ts"

/** What all lanes of a destination have in common. */
export interface Known {
  readonly destination: Destination
  readonly selection: CompiledSelection
  readonly sender: Sender
  /**
   * One replay of dead letters at a time in a process: a second one then finds marked what the
   * first has delivered.
   */
  readonly replaying: Semaphore.Semaphore
}

/**
 * The destinations that can be run here: those of the configuration, and those that were added to
 * the store.
 */
export interface Roster {
  /** What configurations hash with. */
  readonly hashKey: Uint8Array | undefined
  /** Compiles a selection by the installation's key and catalog. */
  readonly compile: (selection: Selection) => CompiledSelection
  readonly all: ReadonlyMap<string, Known>
  readonly isConfigured: (id: string) => boolean
  /** Looks into the store for one that somebody else has added just now. */
  readonly find: (id: string) => Effect.Effect<Known, UnknownDestination | StoreError>
  /**
   * Agrees with what the store lists: what was added is known from now on, what was removed is not
   * any longer, what was changed is another one.
   */
  readonly update: (records: ReadonlyArray<DestinationRecord>) => Effect.Effect<void>
}

interface Options {
  readonly configured: ReadonlyArray<Destination>
  readonly destinations: Destinations["Service"]
  /** What configurations kept in the store hash with. */
  readonly hashKey: Uint8Array | undefined
  readonly hash: Hash | null
  readonly catalog: () => Catalog
  readonly senderOf: (destination: Destination) => Sender
}

export const make = (options: Options): Roster => {
  const { configured, destinations, hashKey, hash, catalog, senderOf } = options
  const all = new Map<string, Known>()
  const ids = new Set(configured.map(({ id }) => id))
  /** By id, the texts of those that were added, also of those that cannot be run. */
  const added = new Map<string, string>()

  const compileHere = (selection: Selection): CompiledSelection => compile(selection, hash, catalog)

  const register = (destination: Destination): void => {
    all.set(destination.id, {
      destination,
      selection: compileHere(destination),
      sender: senderOf(destination),
      replaying: Semaphore.makeUnsafe(1),
    })
  }

  for (const destination of configured) register(destination)

  const update = Effect.fnUntraced(function* (records: ReadonlyArray<DestinationRecord>) {
    const kept = new Map(
      records.flatMap(({ id, config }) => (config === null || ids.has(id) ? [] : [[id, config] as const])),
    )
    for (const [id, config] of added) {
      if (kept.get(id) === config) continue
      added.delete(id)
      all.delete(id)
    }
    for (const [id, config] of kept) {
      if (added.has(id)) continue
      added.set(id, config)
      const read = DestinationRecords.read(config, hashKey)
      if (Result.isSuccess(read)) register(read.success)
      else {
        const reason = new InvalidOptions({ problems: read.failure }).message
        yield* Effect.logError("a destination that was added cannot be run", reason).pipe(
          Effect.annotateLogs({ destination: id }),
        )
      }
    }
  })

  const find = Effect.fnUntraced(function* (id: string) {
    if (!all.has(id)) yield* update(yield* destinations.list)
    return all.get(id) ?? (yield* new UnknownDestination({ id }))
  })

  return { hashKey, compile: compileHere, all, isConfigured: (id) => ids.has(id), find, update }
}
