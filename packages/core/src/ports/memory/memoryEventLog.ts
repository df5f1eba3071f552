import * as Effect from "effect/Effect"
import { HeadWatch } from "../HeadWatch.ts"
import type { NewEntry, ReadLimits } from "../LogEntry.ts"
import type { Position } from "../Position.ts"
import { requirePartition } from "../requirePartition.ts"
import { MemoryLog } from "./MemoryLog.ts"
import { closed, guard } from "./memoryPort.ts"

/** One partition of a log in memory, and those who wait for an entry in it. */
export class MemoryPartition {
  readonly log: MemoryLog
  readonly watch: HeadWatch<Position>

  constructor(maxBytes: number) {
    this.log = new MemoryLog(maxBytes)
    this.watch = new HeadWatch(this.log.head)
  }

  /** A fault, for tests: the log comes back with less than it had given. */
  cutBack(head: Position): void {
    this.log.cutBack(head)
    this.watch.fallBack(this.log.head)
  }
}

/** The service of `EventLog` over partitions in memory. */
export const serveMemory = Effect.fnUntraced(function* (all: ReadonlyArray<MemoryPartition>) {
  const run = yield* guard
  const at = (partition: number): MemoryPartition => {
    requirePartition(partition, all.length)
    return all[partition]!
  }

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const one of all) one.watch.fail(Effect.fail(closed()))
    }),
  )

  return {
    durability: "memory" as const,
    partitions: all.length,
    append: (entries: ReadonlyArray<NewEntry>, partition = 0) =>
      run((clock) => {
        const one = at(partition)
        const positions = one.log.append(entries, clock.currentTimeMillisUnsafe())
        one.watch.advance(one.log.head)
        return Effect.fromResult(positions)
      }),
    read: (partition: number, after: Position, limits: ReadLimits) =>
      run(() => Effect.fromResult(at(partition).log.read(after, limits))),
    wait: (partition: number, after: Position) => run(() => at(partition).watch.wait(after)),
    locate: (partition: number, time: number) => run(() => Effect.succeed(at(partition).log.locate(time))),
    bounds: (partition: number) => run(() => Effect.succeed(at(partition).log.bounds())),
    stats: (partition: number, upTo: Position) => run(() => Effect.fromResult(at(partition).log.stats(upTo))),
    trim: (partition: number, released: Position, olderThan: number) =>
      run(() => {
        at(partition).log.trim(released, olderThan)
        return Effect.void
      }),
  }
})
