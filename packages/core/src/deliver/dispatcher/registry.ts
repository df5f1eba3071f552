import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { InvalidOptions } from "../../base/InvalidOptions.ts"
import type { Codec } from "../../ports/Codec.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import type { Sink } from "../../ports/Sink.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { Transport } from "../../ports/Transport.ts"
import type { Catalog } from "../../select/Catalog.ts"
import {
  type CompiledSelection,
  compile,
  type Destination,
  type Selection,
  templateOf,
} from "../../select/Destination.ts"
import type { Hash } from "../../select/Fields.ts"
import type { Layout } from "../lane/layout.ts"
import type { Sender } from "../send/Sender.ts"
import { kindOf, type SinkKind, schemesOf } from "../send/SinkKind.ts"
import { UnknownDestination } from "../UnknownDestination.ts"
import * as DestinationRecords from "./destinationRecords.ts"

/** What all lanes of a destination have in common. */
export interface Known {
  readonly destination: Destination
  readonly selection: CompiledSelection
  readonly layout: Layout
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
  /** What the URL of a destination may begin with. */
  readonly schemes: ReadonlyArray<string>
  /**
   * Opens the sink that a destination would have here, until the scope is closed.
   *
   * @param through what stands between it and the transport
   */
  readonly openSink: (
    destination: Destination,
    through?: (transport: Transport["Service"]) => Transport["Service"],
  ) => Effect.Effect<Sink, InvalidOptions, Scope.Scope>
  /** What a destination would be sent here, and in what form. */
  readonly form: (destination: Destination) => Pick<Known, "selection" | "layout">
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
  /**
   * Goes on by another configuration. What is in it as before is not touched. Fails, with nothing
   * changed, when one of its destinations cannot be run.
   *
   * @param kinds `null` for those that there are
   * @param leave is given the ids of those that are changed or gone, before they are forgotten
   */
  readonly reconfigure: (
    configured: ReadonlyArray<Destination>,
    kinds: ReadonlyArray<SinkKind> | null,
    leave: (ids: ReadonlyArray<string>) => Effect.Effect<void>,
  ) => Effect.Effect<Reconfigured, InvalidOptions>
}

/** What another configuration comes to: ids of destinations. */
export interface Reconfigured {
  readonly added: ReadonlyArray<string>
  readonly changed: ReadonlyArray<string>
  readonly removed: ReadonlyArray<string>
}

interface Options {
  readonly configured: ReadonlyArray<Destination>
  readonly destinations: Destinations["Service"]
  /** What configurations kept in the store hash with. */
  readonly hashKey: Uint8Array | undefined
  readonly hash: Hash | null
  readonly catalog: () => Catalog
  readonly kinds: ReadonlyArray<SinkKind>
  readonly senderOf: (destination: Destination, sink: Sink) => Sender
}

/** Problems of one destination among those of the configuration. */
const within =
  (index: number) =>
  ({ problems }: InvalidOptions) =>
    new InvalidOptions({
      problems: problems.map(({ path, message }) => ({ path: `destinations[${index}].${path}`, message })),
    })

/** Fails with {@link InvalidOptions} when a destination of the configuration cannot be run. */
export const make = Effect.fnUntraced(function* (options: Options) {
  const { configured, destinations, hashKey, hash, catalog, senderOf } = options
  let kinds = options.kinds
  const schemes = schemesOf(kinds)
  const services = yield* Effect.context<Transport | Codec>()
  const scope = yield* Effect.scope
  const all = new Map<string, Known>()
  const open = new Map<string, Scope.Closeable>()
  let ids = new Set(configured.map(({ id }) => id))
  /** By id, the texts of those that were added, also of those that cannot be run. */
  const added = new Map<string, string>()

  const compileHere = (selection: Selection): CompiledSelection => compile(selection, hash, catalog)

  const openSink: Roster["openSink"] = (destination, through = identity) =>
    Effect.flatMap(Effect.scope, (own) =>
      kindOf(kinds, destination.url)
        .open(destination)
        .pipe(
          Effect.provideContext(
            Context.add(services, Scope.Scope, own).pipe(
              Context.add(Transport, through(Context.get(services, Transport))),
            ),
          ),
        ),
    )

  const form: Roster["form"] = (destination) => {
    const kind = kindOf(kinds, destination.url)
    const sent = { form: kind.form, template: templateOf(destination) }
    return { selection: compile(destination, hash, catalog, sent), layout: kind.layout(destination) }
  }

  /** Makes a destination ready; running what it gives puts it among the others. */
  const prepare = Effect.fnUntraced(function* (destination: Destination) {
    const own = yield* Scope.fork(scope)
    const sink = yield* openSink(destination).pipe(
      Scope.provide(own),
      Effect.onError(() => Scope.close(own, Exit.void)),
    )
    const put = (): void => {
      open.set(destination.id, own)
      all.set(destination.id, {
        destination,
        ...form(destination),
        sender: senderOf(destination, sink),
        replaying: Semaphore.makeUnsafe(1),
      })
    }
    return { put, drop: Scope.close(own, Exit.void) }
  })

  const register = (destination: Destination) => Effect.map(prepare(destination), ({ put }) => put())

  /** What it has in flight ends as a failure that passes, and its next owner sends it again. */
  const forget = Effect.fnUntraced(function* (id: string) {
    const own = open.get(id)
    all.delete(id)
    open.delete(id)
    if (own !== undefined) yield* Scope.close(own, Exit.void)
  })

  const opening = configured.map((destination, index) =>
    Effect.result(Effect.mapError(register(destination), within(index))),
  )
  const failures = (yield* Effect.all(opening)).filter(Result.isFailure)
  if (failures.length > 0) {
    return yield* new InvalidOptions({ problems: failures.flatMap(({ failure }) => failure.problems) })
  }

  const update = Effect.fnUntraced(function* (records: ReadonlyArray<DestinationRecord>) {
    const kept = new Map(
      records.flatMap(({ id, config }) => (config === null || ids.has(id) ? [] : [[id, config] as const])),
    )
    for (const [id, config] of added) {
      if (kept.get(id) === config) continue
      added.delete(id)
      yield* forget(id)
    }
    for (const [id, config] of kept) {
      if (added.has(id)) continue
      added.set(id, config)
      const read = DestinationRecords.read(config, hashKey, schemes)
      const registering = Result.isSuccess(read)
        ? register(read.success)
        : Effect.fail(new InvalidOptions({ problems: read.failure }))
      yield* Effect.catch(registering, ({ message }) =>
        Effect.logError("a destination that was added cannot be run", message).pipe(
          Effect.annotateLogs({ destination: id }),
        ),
      )
    }
  })

  /** Code is another one each time: nobody can see what it does. */
  const isAsBefore = (destination: Destination, newKinds: ReadonlyArray<SinkKind>): boolean => {
    const before = all.get(destination.id)?.destination
    return (
      before !== undefined &&
      ids.has(destination.id) &&
      destination.predicate === before.predicate &&
      destination.transform === before.transform &&
      JSON.stringify(destination) === JSON.stringify(before) &&
      kindOf(newKinds, destination.url) === kindOf(kinds, before.url)
    )
  }

  const reconfigure: Roster["reconfigure"] = Effect.fnUntraced(function* (next, given, leave) {
    const newKinds = given ?? kinds
    const others = next.filter((destination) => !isAsBefore(destination, newKinds))
    const nextIds = new Set(next.map(({ id }) => id))
    const removed = [...ids].filter((id) => !nextIds.has(id))
    // Those of the store whose kind goes by other keys from now on.
    const moved = [...added.keys()].filter((id) => {
      const url = all.get(id)?.destination.url
      return url !== undefined && kindOf(newKinds, url) !== kindOf(kinds, url)
    })
    const oldKinds = kinds
    kinds = newKinds
    const prepared = yield* Effect.forEach(others, (destination) =>
      Effect.result(Effect.mapError(prepare(destination), within(next.indexOf(destination)))),
    )
    const failures = prepared.filter(Result.isFailure)
    if (failures.length > 0) {
      kinds = oldKinds
      yield* Effect.forEach(prepared.filter(Result.isSuccess), ({ success }) => success.drop)
      return yield* new InvalidOptions({ problems: failures.flatMap(({ failure }) => failure.problems) })
    }
    const report: Reconfigured = {
      added: others.map(({ id }) => id).filter((id) => !ids.has(id)),
      changed: others.map(({ id }) => id).filter((id) => ids.has(id)),
      removed,
    }
    const leaving = [...report.changed, ...removed, ...moved, ...report.added.filter((id) => added.has(id))]
    yield* leave(leaving)
    for (const id of leaving) {
      added.delete(id)
      yield* forget(id)
    }
    ids = nextIds
    for (const ready of prepared.filter(Result.isSuccess)) ready.success.put()
    return report
  })

  const find = Effect.fnUntraced(function* (id: string) {
    if (!all.has(id)) yield* update(yield* destinations.list)
    return all.get(id) ?? (yield* new UnknownDestination({ id, known: [...all.keys()] }))
  })

  const roster: Roster = {
    hashKey,
    schemes,
    openSink,
    form,
    compile: compileHere,
    all,
    isConfigured: (id) => ids.has(id),
    find,
    update,
    reconfigure,
  }
  return roster
})
