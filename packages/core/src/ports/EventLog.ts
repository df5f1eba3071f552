import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EntryId, LogBounds, LogEntry, LogTotals, NewEntry, ReadLimits } from "./LogEntry.ts"
import { MemoryPartition, serveMemory } from "./memory/memoryEventLog.ts"
import { guard } from "./memory/memoryPort.ts"
import type { Position } from "./Position.ts"
import { StoreError } from "./StoreError.ts"
import { StoreHealth } from "./StoreHealth.ts"

/**
 * What an acknowledged append has survived: `memory`: nothing but the call; `disk`: a sync of this
 * machine's disk, so a crash and a power cut; `replicated`: a majority of several machines' disks,
 * so the loss of one.
 */
export type Durability = "memory" | "disk" | "replicated"

/** From the least to the most. */
export const levels: ReadonlyArray<Durability> = ["memory", "disk", "replicated"]

export const isLower = (level: Durability, than: Durability): boolean =>
  levels.indexOf(level) < levels.indexOf(than)

export type { EntryId, LogBounds, LogEntry, LogTotals, NewEntry, ReadLimits }

/**
 * Append-only sequence of entries in one or more partitions, numbered from 0.
 *
 * Every method fails with a {@link StoreError}: `Unavailable` or `Closed` everywhere, the others as
 * said.
 */
export class EventLog extends Context.Service<
  EventLog,
  {
    /**
     * What holds now: servers are set up anew at run time, and a store that can ask does so every
     * few seconds. It warns when its level falls; what is {@link demanding} takes nothing then.
     */
    readonly durability: Durability
    readonly partitions: number

    /**
     * Succeeds only when all entries are safe at the declared durability. Each entry is stored
     * whole or not at all, in the order given. Idempotent by entry id among the last 1,000 entries
     * at least: an id seen there keeps its first position. Fails with `Full` (nothing stored) when
     * entries not yet released fill the cap. The bodies are the log's from then on: nobody changes
     * their bytes.
     *
     * @returns the position of each entry
     */
    readonly append: (
      entries: ReadonlyArray<NewEntry>,
      partition?: number,
    ) => Effect.Effect<ReadonlyArray<Position>, StoreError>

    /**
     * The entries after a position, in order; empty at the head. Owned by nobody: reading changes
     * nothing. Fails with `OutOfRange` when entries after it have been trimmed, or when it lies
     * behind the head, or when the log has come back with less than it had given and the position
     * is of what is gone: however much has been appended since, no position is given again.
     *
     * @param wants asked, where that spares copying bodies, whether the one that belongs to an
     * envelope is wanted: the others may be {@link LogEntry.leftOut}
     */
    readonly read: (
      partition: number,
      after: Position,
      limits: ReadLimits,
      wants?: (envelope: string) => boolean,
    ) => Effect.Effect<ReadonlyArray<LogEntry>, StoreError>

    /** Returns once there is an entry after the position, or reading after it fails. */
    readonly wait: (partition: number, after: Position) => Effect.Effect<void, StoreError>

    /**
     * The position to read after, to begin with the first entry kept that was appended at or after
     * `time` (ms).
     */
    readonly locate: (partition: number, time: number) => Effect.Effect<Position, StoreError>

    readonly bounds: (partition: number) => Effect.Effect<LogBounds, StoreError>

    /**
     * The sums up to and including a position (or the last entry before it). `OutOfRange` before
     * `tail` or after `head`.
     */
    readonly stats: (partition: number, upTo: Position) => Effect.Effect<LogTotals, StoreError>

    /**
     * Says that every entry up to `released` lies behind all cursors (with `Position.end` those yet
     * to come, too), and drops those of them appended before `olderThan` (ms). The log remembers
     * `released` over a restart, and drops released entries, oldest first, whenever an append needs
     * their room under the cap; entries not released are never dropped. `released` may move back. A
     * position of what the log has lost releases what it says to {@link StoreError} as `resumeAt`.
     */
    readonly trim: (
      partition: number,
      released: Position,
      olderThan: number,
    ) => Effect.Effect<void, StoreError>
  }
>()("@millrace/core/EventLog") {}

/** Why nothing may be acknowledged: the log is less safe now than is demanded. */
export const levelProblem = ({ durability }: EventLog["Service"], ack: Durability): StoreError | null =>
  isLower(durability, ack)
    ? new StoreError({
        reason: { _tag: "LevelTooLow" },
        message: `"${ack}" is demanded, and the store acknowledges at level "${durability}" now: nothing is taken until it gives more again`,
      })
    : null

/** The same log, that takes nothing while it is less safe than is demanded. */
export const demanding = (log: EventLog["Service"], ack: Durability): EventLog["Service"] => {
  const refusal = () => levelProblem(log, ack)
  const confirmed = <A>(value: A): Effect.Effect<A, StoreError> => {
    const refused = refusal()
    return refused === null ? Effect.succeed(value) : Effect.fail(refused)
  }
  return {
    ...log,
    // It may change, and a copy of it would not.
    get durability() {
      return log.durability
    },
    append: (entries, partition) =>
      Effect.suspend(() => {
        const refused = refusal()
        // The level may fall while the append is under way.
        return refused === null
          ? Effect.flatMap(log.append(entries, partition), confirmed)
          : Effect.fail(refused)
      }),
  }
}

export interface MemoryOptions {
  /**
   * What the entries kept may take, in bytes, each partition an equal part of it: {@link
   * defaultMaxBytes} by default.
   */
  readonly maxBytes?: number
  /**
   * How many partitions the log has: 1 by default, as it should be but for tests of what stands on
   * several.
   */
  readonly partitions?: number
}

/** Default cap of the log in memory, in bytes: sized for a small container. */
export const defaultMaxBytes = 128 * 1024 * 1024

/**
 * Default cap of the log in every other store: days of a busy service, and small disks have room.
 */
export const defaultMaxBytesOnDisk = 10 * 1024 ** 3

export { sizeOf } from "./LogEntry.ts"
export { type Partition, servePartitions } from "./servePartitions.ts"

/**
 * The room that a log needs, in bytes, to count as one that takes events: a request of a few
 * hundred events, or a tenth of a small log. With less than that some senders would still be
 * served, and most would not.
 */
export const leastRoom = (maxBytes: number): number => Math.min(64 * 1024, maxBytes / 10)

/**
 * Keeps the log in this process's memory. Nothing polls or ticks: `wait` returns with an append.
 */
export const layerMemory = ({
  maxBytes = defaultMaxBytes,
  partitions = 1,
}: MemoryOptions = {}): Layer.Layer<EventLog | StoreHealth> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const share = Math.floor(maxBytes / partitions)
      const all = Array.from({ length: partitions }, () => new MemoryPartition(share))
      const log = yield* serveMemory(all)
      const run = yield* guard
      const room = leastRoom(share)
      const probe = run(() =>
        Effect.forEach(all, (one) => Effect.fromResult(one.log.probe(room)), { discard: true }),
      )
      return Context.make(EventLog, log).pipe(
        Context.add(StoreHealth, { probe, examine: Effect.succeed([]), cap: maxBytes }),
      )
    }),
  )
