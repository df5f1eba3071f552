import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { mayWant } from "../../entry/envelopeNames.ts"
import { defectSummary } from "../../ports/defectSummary.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { ReadAhead, type Reader, sizeOf } from "./ReadAhead.ts"
import { Router } from "./Router.ts"

export interface HeadReader {
  readonly router: Router
  /** Some feed has room. */
  readonly askForMore: () => void
}

/** After an entry that cannot be read. */
const pauseAfterDamage = "30 seconds"

const readLimits = { maxEntries: 256, maxBytes: 1024 * 1024 }

interface Options {
  readonly log: EventLog["Service"]
  readonly partition: number
  readonly ringBytes: number
  /** Told how many bytes were read. */
  readonly onRead: (bytes: number) => void
  /** The log cannot be read on: somebody has to look at that, nothing is skipped. */
  readonly onHalt: (error: StoreError | null, detail: string) => Effect.Effect<void>
}

/**
 * Reads the log's head once for all lanes that keep up, for as long as any of them has room: the
 * fastest sets the pace, and those that cannot follow fall behind and read on their own.
 */
export const make = Effect.fnUntraced(function* ({ log, partition, ringBytes, onRead, onHalt }: Options) {
  const pause = (error: StoreError | null, detail: string) =>
    Effect.logError("the log's head cannot be read", detail).pipe(
      Effect.andThen(onHalt(error, detail)),
      Effect.andThen(Effect.sleep(pauseAfterDamage)),
    )

  const { head } = yield* log.bounds(partition)
  const router = new Router(head, ringBytes)
  const hungry = yield* Latch.make(false)
  const ahead = new ReadAhead()

  /**
   * After a page: that there is more costs less to learn from `wait`, which knows what was appended
   * here, than from an empty page.
   */
  let mayBeAtHead = false
  let bytes = 0
  const dealing: Reader = {
    wants: (eventName) => router.wants(eventName),
    look: (item) => {
      router.deal(item)
      bytes += item.bytes
    },
    pass: (entry) => {
      router.pass(entry)
      bytes += sizeOf(entry)
    },
    goOn: () => router.hungry,
    isAt: (before) => router.position === before,
  }

  const isWanted = (envelope: string): boolean => mayWant(envelope, dealing.wants)

  const readOn = Effect.gen(function* () {
    hungry.closeUnsafe()
    if (!router.hungry) return yield* hungry.await
    const after = router.position
    if (!ahead.has(after)) {
      if (mayBeAtHead) {
        mayBeAtHead = false
        return yield* retryStore(log.wait(partition, after))
      }
      const entries = yield* retryStore(log.read(partition, after, readLimits, isWanted))
      if (entries.length === 0) return yield* retryStore(log.wait(partition, after))
      mayBeAtHead = true
      ahead.fill(after, entries)
      // Meanwhile nobody was fed any more, and whoever came next stood further ahead.
      if (router.position !== after) return
    }
    bytes = 0
    yield* ahead.show(after, dealing)
    onRead(bytes)
    yield* Effect.yieldNow
  }).pipe(
    Effect.catchReason("StoreError", "OutOfRange", ({ resumeAt }) =>
      Effect.sync(() => {
        ahead.clear()
        router.goOnAt(resumeAt)
      }),
    ),
    Effect.catchTag("StoreError", (error) =>
      error.reason._tag === "Closed" ? Effect.never : pause(error, error.message),
    ),
    Effect.catchDefect((defect) => pause(null, defectSummary(Cause.die(defect)))),
  )
  yield* Effect.forkScoped(Effect.forever(readOn))
  const reader: HeadReader = { router, askForMore: () => hungry.openUnsafe() }
  return reader
})
