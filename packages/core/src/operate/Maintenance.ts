import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import * as Dispatcher from "../deliver/Dispatcher.ts"
import * as DestinationRecords from "../deliver/dispatcher/destinationRecords.ts"
import * as Ledger from "../deliver/Ledger.ts"
import { Attempts } from "../ports/Attempts.ts"
import { Cursors } from "../ports/Cursors.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { EventLog } from "../ports/EventLog.ts"
import type { Store } from "../ports/Store.ts"
import type { StoreError } from "../ports/StoreError.ts"
import * as Catalog from "../select/Catalog.ts"
import * as Destination from "../select/Destination.ts"
import * as CursorMove from "./cursorMove.ts"
import * as DryRun from "./DryRun.ts"
import * as Operations from "./Operations.ts"
import * as ReplayCursor from "./replayCursor.ts"
import * as Tail from "./Tail.ts"

/** Whoever runs the destinations has the installation's key: a rule that needs it is not wrong here. */
const anyHashKey = new Uint8Array(16)

const make = Effect.gen(function* () {
  const log = yield* EventLog
  const cursors = yield* Cursors
  const destinations = yield* Destinations
  const ports = { log, cursors, destinations }

  const known = Effect.fnUntraced(function* (id: string) {
    const record = yield* destinations.get(id)
    return record === null ? yield* new Dispatcher.UnknownDestination({ id }) : record
  })

  const sum = Effect.fnUntraced(function* (
    id: string,
    move: (partition: number) => Effect.Effect<number, StoreError>,
  ) {
    yield* known(id)
    let events = 0
    for (let partition = 0; partition < log.partitions; partition++) events += yield* move(partition)
    return events
  })

  const add = Effect.fnUntraced(function* (config: Destination.DestinationOptions) {
    const decoded = Destination.decode(config, anyHashKey)
    const record = Result.isSuccess(decoded) ? yield* destinations.get(config.id) : null
    const isTaken = record !== null && record.disabled?.reason !== "unconfigured"
    const problems = [
      ...(Result.isFailure(decoded) ? decoded.failure : []),
      ...DestinationRecords.keepProblems(config),
      ...(isTaken ? [DestinationRecords.idTaken] : []),
    ]
    if (problems.length > 0) return yield* new InvalidOptions({ problems })
    yield* DestinationRecords.keep(destinations, config)
  })

  const remove = Effect.fnUntraced(function* (id: string) {
    const { config, disabled } = yield* known(id)
    if (config === null && disabled?.reason !== "unconfigured") {
      return yield* new Dispatcher.DestinationConfigured({ id })
    }
    yield* DestinationRecords.remove(ports, id)
  })

  return Dispatcher.Dispatcher.of({
    status: Ledger.read(ports),
    undelivered: Effect.succeed([]),
    drain: Effect.succeed("drained"),
    disable: Effect.fnUntraced(function* (id) {
      yield* known(id)
      const at = yield* Clock.currentTimeMillis
      yield* DestinationRecords.setDisabled(destinations, id, { at, reason: "by-hand" })
    }),
    enable: Effect.fnUntraced(function* (id) {
      yield* known(id)
      yield* DestinationRecords.setDisabled(destinations, id, null)
    }),
    add,
    remove,
    replay: Effect.fnUntraced(function* (request) {
      yield* known(request.destination)
      return yield* ReplayCursor.begin(ports, request)
    }),
    replayDeadLetters: () => Effect.fail(new Dispatcher.NotDelivering()),
    rewind: (id, since) => sum(id, (partition) => CursorMove.rewind(ports, id, partition, since)),
    skip: (id) => sum(id, (partition) => CursorMove.skip(ports, id, partition)),
    tryFilter: Effect.fnUntraced(function* (selection, options) {
      const decoded = Destination.decodeSelection(selection)
      if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
      return yield* DryRun.run(
        log,
        Destination.compile(decoded.success, null, () => Catalog.empty),
        options,
      )
    }),
    tail: Effect.fnUntraced(function* ({ destination, ...options }) {
      // What a destination gets is known to those who deliver to it only.
      if (destination !== undefined) return yield* new Dispatcher.NotDelivering()
      const selection = Destination.compile(Tail.everything, null, () => Catalog.empty)
      return yield* Tail.follow(log, selection, options)
    }),
  })
})

/**
 * A dispatcher that delivers nothing: it looks after a store that nobody delivers from at present. What it changes takes effect when somebody does; a replay of a time
 * range is noted and begins then. Beside processes that deliver from the same store only when they may be several: they follow within seconds. A single one
 * that owns its store would be fenced, and would not notice what else is changed.
 */
export const layer: Layer.Layer<Dispatcher.Dispatcher, never, EventLog | Cursors | Destinations> =
  Layer.effect(Dispatcher.Dispatcher, make)

export interface Maintenance extends Operations.Operations {
  readonly close: () => Promise<void>
}

/** The same for programs that do not use Effect. Rejects with a {@link StoreError}. */
export const open = async (store: Layer.Layer<Store, StoreError>): Promise<Maintenance> => {
  const runtime = ManagedRuntime.make(Layer.provideMerge(layer, store))
  const context = await runtime.context()
  return {
    ...Operations.of(context, {
      dispatcher: Context.get(context, Dispatcher.Dispatcher),
      deadLetters: Context.get(context, DeadLetters),
      attempts: Context.get(context, Attempts),
    }),
    close: () => runtime.dispose(),
  }
}
