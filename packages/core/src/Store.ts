import * as Layer from "effect/Layer"
import * as Attempts from "./Attempts.ts"
import * as Counters from "./Counters.ts"
import * as Cursors from "./Cursors.ts"
import * as DeadLetters from "./DeadLetters.ts"
import * as Destinations from "./Destinations.ts"
import * as EventLog from "./EventLog.ts"
import * as Keys from "./Keys.ts"
import * as Members from "./Members.ts"

/** Every storage port: what one store package gives from one connection. */
export type Store =
  | EventLog.EventLog
  | Cursors.Cursors
  | DeadLetters.DeadLetters
  | Attempts.Attempts
  | Destinations.Destinations
  | Keys.Keys
  | Counters.Counters
  | Members.Members

/**
 * Every storage port in this process's memory: for tests and trials, and where losing what is pending with the process
 * is acceptable. Each call makes a store of its own; use one layer value wherever the same store is meant.
 */
export const layerMemory = (options: EventLog.MemoryOptions = {}): Layer.Layer<Store> =>
  Layer.mergeAll(
    EventLog.layerMemory(options),
    Cursors.layerMemory(),
    DeadLetters.layerMemory(),
    Attempts.layerMemory(),
    Destinations.layerMemory(),
    Keys.layerMemory(),
    Counters.layerMemory(),
    Members.layerMemory(),
  )
