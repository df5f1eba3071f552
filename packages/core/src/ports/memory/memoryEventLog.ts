import * as Effect from "effect/Effect"
import type { NewEntry, ReadLimits } from "../LogEntry.ts"
import type { Position } from "../Position.ts"
import { requirePartition } from "../requirePartition.ts"
import type { StoreError } from "../StoreError.ts"
import { MemoryLog } from "./MemoryLog.ts"
import { closed, guard } from "./memoryPort.ts"

interface Waiter {
  readonly after: Position
  readonly resume: (outcome: Effect.Effect<void, StoreError>) => void
}

/** One partition of a log in memory, and those who wait for an entry in it. */
export class MemoryPartition {
  readonly log: MemoryLog
  readonly #waiting = new Set<Waiter>()

  constructor(maxBytes: number) {
    this.log = new MemoryLog(maxBytes)
  }

  wait(after: Position): Effect.Effect<void, StoreError> {
    return Effect.suspend(() => {
      if (after < this.log.head) return Effect.void
      return Effect.callback<void, StoreError>((resume) => {
        const waiter = { after, resume }
        this.#waiting.add(waiter)
        return Effect.sync(() => {
          this.#waiting.delete(waiter)
        })
      })
    })
  }

  release(outcome: Effect.Effect<void, StoreError>, ready: (after: Position) => boolean): void {
    for (const waiter of this.#waiting) {
      if (!ready(waiter.after)) continue
      this.#waiting.delete(waiter)
      waiter.resume(outcome)
    }
  }

  /** A fault, for tests: the log comes back with less than it had given. */
  cutBack(head: Position): void {
    this.log.cutBack(head)
    this.release(Effect.void, (after) => after > head)
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
      for (const one of all) one.release(Effect.fail(closed()), () => true)
    }),
  )

  return {
    durability: "memory" as const,
    partitions: all.length,
    append: (entries: ReadonlyArray<NewEntry>, partition = 0) =>
      run((clock) => {
        const one = at(partition)
        const positions = one.log.append(entries, clock.currentTimeMillisUnsafe())
        one.release(Effect.void, (after) => after < one.log.head)
        return Effect.fromResult(positions)
      }),
    read: (partition: number, after: Position, limits: ReadLimits) =>
      run(() => Effect.fromResult(at(partition).log.read(after, limits))),
    wait: (partition: number, after: Position) => run(() => at(partition).wait(after)),
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
