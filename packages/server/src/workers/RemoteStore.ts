import { DeadLetters, EventLog, type Ingest, type StoreError } from "@millrace/core"
import type { Codec } from "@millrace/core/host"
import { Counters, Documents, Keys } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Channel } from "./Channel.ts"
import * as WorkerDocuments from "./documents.ts"
import type { PrimaryCalls, Settings } from "./Protocol.ts"

/** What intake needs of a store. */
type IntakeStore = Exclude<Ingest.IngestServices, Codec.Codec> | Documents.Documents

/**
 * How many records cross at once as JSON: a request may have thousands, and the primary has others
 * to answer meanwhile.
 */
const portion = 100

const inPortions = <A>(
  items: ReadonlyArray<A>,
  send: (some: ReadonlyArray<A>) => Effect.Effect<null, StoreError>,
): Effect.Effect<void, StoreError> => {
  const starts = Array.from({ length: Math.ceil(items.length / portion) }, (_, index) => index * portion)
  return Effect.forEach(starts, (start) => send(items.slice(start, start + portion)), { discard: true })
}

/** Intake only adds to a store. */
const onlyInPrimary = Effect.die(new Error("a worker does not read the store"))

/** The primary's store as a worker's intake sees it: an append succeeds when the primary's has. */
export const make = (
  { append, call }: Channel<PrimaryCalls>,
  log: Settings["log"],
): Context.Context<IntakeStore> =>
  Context.empty().pipe(
    Context.add(EventLog.EventLog, {
      ...log,
      append: (entries, partition = 0) => Effect.forEach(entries, (entry) => append(entry, partition)),
      read: () => onlyInPrimary,
      wait: () => onlyInPrimary,
      locate: () => onlyInPrimary,
      bounds: () => onlyInPrimary,
      stats: () => onlyInPrimary,
      trim: () => onlyInPrimary,
    }),
    Context.add(Keys.Keys, {
      list: call("keys", null),
      put: () => onlyInPrimary,
      remove: () => onlyInPrimary,
    }),
    Context.add(DeadLetters.DeadLetters, {
      put: (letters) => inPortions(letters, (some) => call("letters", some)),
      list: () => onlyInPrimary,
      count: onlyInPrimary,
      markReplayed: () => onlyInPrimary,
      purge: () => onlyInPrimary,
    }),
    Context.add(Documents.Documents, WorkerDocuments.remote(call)),
    Context.add(Counters.Counters, {
      add: (counts) => inPortions(counts, (some) => call("counts", some)),
      list: () => onlyInPrimary,
    }),
  )
