/**
 * The room of ports: what a platform gives, and what core asks of it. What comes in and what goes
 * out are records: entries, cursors, letters. Nothing here knows of requests, filters or
 * deliveries. Every room above may call a port; stores and hosts implement them.
 *
 * Storage: `EventLog` keeps entries in order; `Cursors` keeps how far each destination has come;
 * `DeadLetters`, `Attempts`, `Destinations`, `Keys` and `Counters` keep what an operator looks at;
 * `Documents` keeps what others have said last; `Members` says which processes share the store;
 * `StoreHealth` says how it is. `Store` is all of them from one connection. Transport and platform:
 * `Transport` sends one request, `Codec` decompresses and hashes, `EntryIds` draws ids,
 * `SecretReader` reads what a configuration names.
 *
 * A port's meaning is its contract suite in `packages/testkit`. Its implementation in memory stands
 * beside it (the log's in `memory/`), keeps the same contract, and is good enough for users' tests.
 *
 * Words: an *entry* is what one request stores; a *position* is where it stands, ordered within a
 * partition and never given twice; a *generation* is the life of a log between two losses; an
 * *epoch* tells the owner of a cursor from those before it.
 */
import * as Layer from "effect/Layer"
import * as Attempts from "./Attempts.ts"
import * as Counters from "./Counters.ts"
import * as Cursors from "./Cursors.ts"
import * as DeadLetters from "./DeadLetters.ts"
import * as Destinations from "./Destinations.ts"
import * as Documents from "./Documents.ts"
import * as EventLog from "./EventLog.ts"
import * as Keys from "./Keys.ts"
import * as Members from "./Members.ts"
import type { StoreHealth } from "./StoreHealth.ts"

/** Every storage port: what one store package gives from one connection. */
export type Store =
  | EventLog.EventLog
  | Cursors.Cursors
  | DeadLetters.DeadLetters
  | Attempts.Attempts
  | Destinations.Destinations
  | Documents.Documents
  | Keys.Keys
  | Counters.Counters
  | Members.Members
  | StoreHealth

/**
 * In types only: that what a store acknowledges can be safe at this level, so that a program which
 * demands the level compiles with such a store and not with another. What it is in truth is the
 * log's `durability`, checked at the start.
 */
export type Acknowledges<D extends EventLog.Durability> = `acknowledges ${D}`

/**
 * For stores: puts into a layer's type the levels that its log may declare, with those below them.
 */
export const acknowledging =
  <D extends EventLog.Durability>() =>
  <E, R>(layer: Layer.Layer<Store, E, R>): Layer.Layer<Store | Acknowledges<D>, E, R> =>
    layer as Layer.Layer<Store | Acknowledges<D>, E, R>

export interface MemoryOptions extends EventLog.MemoryOptions, Members.MemoryOptions {}

/**
 * Every storage port in this process's memory: for tests and trials, and where losing what is
 * pending with the process is acceptable. Each call makes a store of its own; use one layer value
 * wherever the same store is meant.
 */
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<Store | Acknowledges<"memory">> =>
  Layer.mergeAll(
    EventLog.layerMemory(options),
    Cursors.layerMemory(),
    DeadLetters.layerMemory(),
    Attempts.layerMemory(),
    Destinations.layerMemory(),
    Documents.layerMemory(),
    Keys.layerMemory(),
    Counters.layerMemory(),
    Members.layerMemory(options),
  ).pipe(acknowledging<"memory">())
