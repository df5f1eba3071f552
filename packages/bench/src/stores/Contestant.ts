import { randomBytes } from "node:crypto"
import { EventLog, type Store, type StoreError } from "@millrace/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Scope from "effect/Scope"

/** Somebody who stores entries in a fresh place, one of many calls at a time. */
export interface Contestant {
  readonly append: (entry: EventLog.NewEntry) => Promise<unknown>
  readonly close: () => Promise<void>
}

/**
 * A store, and the bare client of its server, both opened on the same server, each in its own
 * place.
 */
export interface Pair {
  /** The server, its version, and how safe it keeps what it has acknowledged. */
  readonly server: string
  readonly level: EventLog.Durability
  /** What the bare client does. */
  readonly description: string
  readonly millrace: () => Promise<Contestant>
  readonly bare: () => Promise<Contestant>
  readonly close: () => Promise<void>
}

export const freshName = (): string => `bench_${randomBytes(6).toString("hex")}`

/** Opens a store, whose warnings of what its level means are known here. */
const open = async (layer: Layer.Layer<Store.Store, StoreError>) => {
  const scope = Scope.makeUnsafe()
  const services = await Effect.runPromise(
    Layer.buildWithScope(layer, scope).pipe(Effect.provideService(References.MinimumLogLevel, "Error")),
  )
  return {
    log: Context.get(services, EventLog.EventLog),
    close: () => Effect.runPromise(Scope.close(scope, Exit.void)),
  }
}

export const levelOf = async (layer: Layer.Layer<Store.Store, StoreError>): Promise<EventLog.Durability> => {
  const { log, close } = await open(layer)
  await close()
  return log.durability
}

export const contestantOn = async (
  layer: Layer.Layer<Store.Store, StoreError>,
  remove: () => Promise<unknown>,
): Promise<Contestant> => {
  const { log, close } = await open(layer)
  return {
    append: (entry) => Effect.runPromise(log.append([entry])),
    close: async () => {
      await close()
      await remove()
    },
  }
}
