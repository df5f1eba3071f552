import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { failUnknown } from "../deliver/UnknownDestination.ts"
import { Destinations } from "../ports/Destinations.ts"
import type { Store } from "../ports/Store.ts"
import type { StoreError } from "../ports/StoreError.ts"
import * as Catalog from "../select/Catalog.ts"
import * as Destination from "../select/Destination.ts"
import type { Deliverer } from "./Deliverer.ts"
import * as Operations from "./Operations.ts"
import { Operator, type OperatorPorts } from "./Operator.ts"
import { NotDelivering } from "./OperatorError.ts"
import * as Operating from "./operating.ts"

/**
 * Whoever runs the destinations has the installation's key: a rule that needs it is not wrong here.
 */
const anyHashKey = new Uint8Array(16)

/** Delivers nothing, and knows of destinations what the store says. */
const deliverer = Effect.map(
  Destinations,
  (destinations): Deliverer => ({
    find: (id) =>
      Effect.flatMap(destinations.get(id), (record) =>
        record === null ? failUnknown(destinations, id) : Effect.void,
      ),
    isTaken: (id) =>
      Effect.map(
        destinations.get(id),
        (record) => record !== null && record.disabled?.reason !== "unconfigured",
      ),
    isConfigured: (_, record) =>
      record !== null && record.config === null && record.disabled?.reason !== "unconfigured",
    configured: () => null,
    check: () => Effect.void,
    decode: (options) => Destination.decode(options, anyHashKey),
    select: (options) =>
      Result.map(Destination.decodeSelection(options), (selection) =>
        Destination.compile(selection, null, () => Catalog.empty),
      ),
    // What a destination gets is known to those who deliver to it only.
    selectionOf: () => Effect.fail(new NotDelivering()),
    test: () => Effect.fail(new NotDelivering()),
    tryNow: () => Effect.fail(new NotDelivering()),
    isProbing: () => false,
    acting: Semaphore.makeUnsafe(1),
    stop: () => Effect.void,
    release: () => Effect.void,
    park: () => Effect.void,
    say: () => Effect.void,
    disabled: () => Effect.void,
    follow: Effect.void,
    letterJobs: null,
    leaveLane: () => Effect.void,
    stateOf: () => null,
    replayDeadLetters: () => Effect.fail(new NotDelivering()),
  }),
)

/**
 * An operator that delivers nothing: it looks after a store that nobody delivers from at present.
 * What it changes takes effect when somebody does; a replay of a time range is noted and begins
 * then. Use it beside processes that deliver from the same store only when they may be several:
 * they follow within seconds. A single one that owns its store would be fenced, and would not
 * notice what else is changed.
 */
export const layer: Layer.Layer<Operator, never, OperatorPorts> = Layer.effect(
  Operator,
  Effect.flatMap(deliverer, (nobody) => Operating.make(nobody, null)),
)

export interface Maintenance extends Operations.Operations {
  readonly close: () => Promise<void>
}

/** The same for programs that do not use Effect. Rejects with a {@link StoreError}. */
export const open = async (store: Layer.Layer<Store, StoreError>): Promise<Maintenance> => {
  const runtime = ManagedRuntime.make(Layer.provideMerge(layer, store))
  const context = await runtime.context()
  const operator = Context.get(context, Operator)
  return { ...Operations.of(() => operator, context), close: () => runtime.dispose() }
}
