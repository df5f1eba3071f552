import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/**
 * Bytes that old memory may grow by before it is collected, where that is more than {@link
 * share}. A full collection takes some 40 ms of CPU time.
 */
const enough = 16 * 1024 * 1024

/** The same, of what was in use: the more there is to look through, the longer it takes. */
const share = 1 / 3

const lookEvery = "1 second"

/** Bytes of V8's, and of buffers outside of its heap: what is young is collected otherwise. */
const oldBytes = (): number =>
  getHeapSpaceStatistics()
    .filter((space) => !space.space_name.startsWith("new_"))
    .reduce((sum, space) => sum + space.space_used_size, getHeapStatistics().external_memory)

/** Bytes outside of its heap after which V8 begins a full collection, and one more. */
const thatBegins = 65 * 1024 * 1024

/**
 * Has V8 begin a full collection by itself, in small steps and beside our work: `gc` would stop all
 * work until it is done. Nobody writes to this buffer, so it takes no memory.
 */
const beginCollection = (): void => {
  try {
    new ArrayBuffer(thatBegins)
  } catch {
    // So little address space is left that V8 collects without us.
  }
}

/** Returns what looks, once: it begins a collection when there may be so much garbage. */
export const makeLook = (old = oldBytes, begin = beginCollection): (() => void) => {
  let least = Number.POSITIVE_INFINITY
  return () => {
    const now = old()
    // Falls once a collection is done: what began it counts for as long as it takes.
    least = Math.min(least, now)
    if (now - least < Math.max(enough, least * share)) return
    least = Number.POSITIVE_INFINITY
    begin()
  }
}

/**
 * Has V8 collect everything each time old memory has grown, until the scope closes. For a process
 * of our own only.
 *
 * V8 lets its heap grow to four times what is in use, and buffers outside of it by 64 MB, before it
 * collects what is old. That is fast, and more than a small machine has: who uploads slowly, or
 * sends what cannot be inflated, makes a megabyte of old garbage a second.
 */
export const keepSmall: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() =>
  Effect.sync(makeLook()).pipe(Effect.delay(lookEvery), Effect.forever, Effect.forkScoped),
)
