import * as Effect from "effect/Effect"
import { HeadWatch } from "../HeadWatch.ts"
import type { Position } from "../Position.ts"
import { type Partition, servePartitions } from "../servePartitions.ts"
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
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const one of all) one.watch.fail(Effect.fail(closed()))
    }),
  )
  const serve = ({ log, watch }: MemoryPartition): Partition => ({
    append: (entries, now) =>
      run(() => {
        const positions = log.append(entries, now)
        watch.advance(log.head)
        return Effect.fromResult(positions)
      }),
    read: (after, limits) => run(() => Effect.fromResult(log.read(after, limits))),
    wait: (after) => run(() => watch.wait(after)),
    locate: (time) => run(() => Effect.succeed(log.locate(time))),
    bounds: run(() => Effect.succeed(log.bounds())),
    stats: (upTo) => run(() => Effect.fromResult(log.stats(upTo))),
    trim: (released, olderThan) =>
      run(() => {
        log.trim(released, olderThan)
        return Effect.void
      }),
  })
  return servePartitions(all.map(serve), () => "memory")
})
