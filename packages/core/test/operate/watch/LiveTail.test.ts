import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, test } from "vitest"
import * as Entry from "../../../src/entry/Entry.ts"
import type { Frame } from "../../../src/operate/rows/stream.ts"
import * as LiveTail from "../../../src/operate/watch/LiveTail.ts"
import { Slot } from "../../../src/operate/watch/Views.ts"
import { DeadLetters } from "../../../src/ports/DeadLetters.ts"
import { EventLog } from "../../../src/ports/EventLog.ts"
import * as Store from "../../../src/ports/Store.ts"

/** Each look at it takes so many ms. */
const slowClock = (millis: number): Clock.Clock => {
  let now = 0n
  const tick = () => {
    now += BigInt(millis) * 1_000_000n
    return now
  }
  return {
    currentTimeMillisUnsafe: () => 1_000,
    currentTimeMillis: Effect.succeed(1_000),
    currentTimeNanosUnsafe: () => 1_000_000_000n,
    currentTimeNanos: Effect.succeed(1_000_000_000n),
    monotonicTimeNanosUnsafe: tick,
    monotonicTimeNanos: Effect.sync(tick),
    sleep: () => Effect.never,
  }
}

test("narrowed views stop looking when their time is up, say so, and go on with what comes next", () =>
  Effect.gen(function* () {
    const log = yield* EventLog
    const tail = LiveTail.make({
      ...{ log, deadLetters: yield* DeadLetters, marked: () => [], cursors: Effect.succeed({}) },
      ...{ died: () => 0, rejected: () => 0 },
    })
    const slot = new Slot<Frame>()
    tail.views.add({ sight: LiveTail.sightOf({ name: "a*" }, false), slot, isFresh: true })
    yield* tail.begin
    let ids = 0
    const append = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
      for (const eventName of names) {
        ids += 1
        const body = new TextEncoder().encode(JSON.stringify({ events: [{ eventName, time: 1 }] }))
        const facts = { receivedAt: 1, dialect: "log_event", mode: "lenient" } as const
        yield* log.append([Entry.encode(ids.toString(16).padStart(32, "0"), 1, facts, body)])
      }
    })
    yield* append("a1", "a2", "a3", "a4", "a5", "a6")
    yield* tail.frame
    // Ten ms for each entry, and 25 for all.
    const [frame] = yield* slot.take
    expect(frame).toMatchObject({ arrived: 6, looked: 3, matched: 3 })
    expect(frame.rows.map(([, , name]) => name)).toEqual(["a1", "a2", "a3"])
    yield* append("a7", "b")
    yield* tail.frame
    const [next] = yield* slot.take
    expect(next).toMatchObject({ arrived: 2, looked: 2, matched: 1 })
    expect(next.rows.map(([, , name]) => name)).toEqual(["a7"])
  }).pipe(
    Effect.provide(Layer.mergeAll(Store.layerMemory())),
    Effect.provideService(Clock.Clock, slowClock(10)),
    Effect.runPromise,
  ))
