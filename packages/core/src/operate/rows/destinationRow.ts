import * as Schema from "effect/Schema"
import { Millis } from "../../base/scalars.ts"
import { DestinationStatus } from "../../deliver/Ledger.ts"

/** How a destination is doing, and how late it is. */
export const DestinationRow = Schema.Struct({
  ...DestinationStatus.fields,
  /** For how long the oldest event that is pending has been waiting; `null` when none is. */
  lag: Schema.NullOr(Millis),
}).annotate({ identifier: "Destination", description: "How a destination is doing." })

export type DestinationRow = typeof DestinationRow.Type
