import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Position } from "../../ports/Position.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Positions = Schema.Array(Position)

/**
 * How far a migration has come: kept in the target, and saved after every page of entries, so that
 * a page is copied once more at the most, and then is known by its entries' ids.
 */
export const Progress = Schema.Struct({
  v: Schema.Literal(1),
  /** Where the entries come from, as it may be shown. */
  source: Schema.String,
  /** A hash of all that the plan was made of. */
  fingerprint: Schema.Int,
  /** The target's running sums of events before the first entry, by partition. */
  base: Schema.Array(Schema.Int),
  /** The place of the last entry in each partition of the target. */
  heads: Positions,
  /** Which strand is being copied; how many there are when all are. */
  strand: Count,
  /** How far it is, in each of its partitions of the source; empty at its beginning. */
  at: Positions,
  /** By strand and stop, where the strand's partitions of the target ended there. */
  places: Schema.Array(Schema.Array(Positions)),
  /**
   * Where the entry behind a marked position of the source has come to: in which partition, and
   * behind which entry there.
   */
  landings: Schema.Array(
    Schema.Struct({
      source: Count,
      after: Position,
      target: Count,
      before: Position,
      /** The position in the source of the entry that has come there. */
      entry: Schema.optionalKey(Position),
    }),
  ),
  entries: Count,
  events: Count,
  bytes: Count,
})

export type Progress = typeof Progress.Type

const decodeUnknown = Schema.decodeUnknownResult(Schema.fromJsonString(Progress))

/** `null` when it was written by a version this program does not know. */
export const decode = (text: string): Progress | null => Result.getOrElse(decodeUnknown(text), () => null)

export const encode = (progress: Progress): string => JSON.stringify(progress)
