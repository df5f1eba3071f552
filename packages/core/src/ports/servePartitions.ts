import * as Effect from "effect/Effect"
import type { LogBounds, LogEntry, LogTotals, NewEntry, ReadLimits } from "./LogEntry.ts"
import type { Position } from "./Position.ts"
import type { StoreError } from "./StoreError.ts"

/** One partition of a log, as a store keeps it: see the methods of `EventLog`. */
export interface Partition {
  /** @param now by Effect's clock, in ms */
  readonly append: (
    entries: ReadonlyArray<NewEntry>,
    now: number,
  ) => Effect.Effect<ReadonlyArray<Position>, StoreError>
  readonly read: (
    after: Position,
    limits: ReadLimits,
    wants?: (envelope: string) => boolean,
  ) => Effect.Effect<ReadonlyArray<LogEntry>, StoreError>
  readonly wait: (after: Position) => Effect.Effect<void, StoreError>
  readonly locate: (time: number) => Effect.Effect<Position, StoreError>
  readonly bounds: Effect.Effect<LogBounds, StoreError>
  readonly stats: (upTo: Position) => Effect.Effect<LogTotals, StoreError>
  readonly trim: (released: Position, olderThan: number) => Effect.Effect<void, StoreError>
}

/**
 * For stores: the service of a log, from what each of its partitions does. Asking for a partition
 * that there is not is a mistake of the program, so it is a defect.
 *
 * @param durability asked whenever it is: it may change
 */
export const servePartitions = <Durability extends string>(
  all: ReadonlyArray<Partition>,
  durability: () => Durability,
) => {
  const at = (partition: number): Partition => {
    const found = all[partition]
    if (found !== undefined) return found
    throw new RangeError(`partition ${partition}: this log has ${all.length}, numbered from 0`)
  }
  return {
    get durability(): Durability {
      return durability()
    },
    partitions: all.length,
    append: (entries: ReadonlyArray<NewEntry>, partition = 0) =>
      Effect.clockWith((clock) => at(partition).append(entries, clock.currentTimeMillisUnsafe())),
    read: (partition: number, after: Position, limits: ReadLimits, wants?: (envelope: string) => boolean) =>
      Effect.suspend(() => at(partition).read(after, limits, wants)),
    wait: (partition: number, after: Position) => Effect.suspend(() => at(partition).wait(after)),
    locate: (partition: number, time: number) => Effect.suspend(() => at(partition).locate(time)),
    bounds: (partition: number) => Effect.suspend(() => at(partition).bounds),
    stats: (partition: number, upTo: Position) => Effect.suspend(() => at(partition).stats(upTo)),
    trim: (partition: number, released: Position, olderThan: number) =>
      Effect.suspend(() => at(partition).trim(released, olderThan)),
  }
}
