import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, it } from "vitest"
import * as VirtualTime from "../src/internal/virtualTime.ts"

const startAt = Date.UTC(2026, 0, 1)

const setUp = () => {
  const time = VirtualTime.make(startAt, null)
  const seen: Array<string> = []
  const say = (what: string) => Effect.sync(() => seen.push(`${what} at ${time.now() - startAt}`))
  const after = (millis: number, what: string) => Effect.andThen(Effect.sleep(millis), say(what))
  return { time, seen, say, after, fork: Effect.runForkWith(time.context) }
}

it("wakes those who sleep in the order in which they are due, and those of one time as they came", async () => {
  const { time, seen, after, fork } = setUp()
  for (const [millis, what] of [
    [30, "c"],
    [10, "a"],
    [20, "b1"],
    [20, "b2"],
    [50, "too late"],
  ] as const) {
    fork(after(millis, what))
  }
  await time.advance(40)
  expect(seen).toEqual(["a at 10", "b1 at 20", "b2 at 20", "c at 30"])
  expect(time.now()).toBe(startAt + 40)
})

it("what follows from a wake happens before the next one: forks, yields and promises too", async () => {
  const { time, seen, say, after, fork } = setUp()
  const follows = Effect.gen(function* () {
    yield* Effect.sleep(10)
    const child = yield* Effect.forkChild(Effect.andThen(Effect.yieldNow, say("the child")))
    yield* Effect.promise(async () => {
      await null
      await null
    })
    yield* Fiber.join(child)
    yield* after(5, "its sleep")
  })
  fork(follows)
  fork(after(12, "another"))
  await time.advance("1 minute")
  expect(seen).toEqual(["the child at 10", "another at 12", "its sleep at 15"])
})

it("one who is interrupted is not woken, and nobody who sleeps holds up time", async () => {
  const { time, seen, after, fork } = setUp()
  const fiber = fork(after(10, "interrupted"))
  await time.advance(5)
  fork(Fiber.interrupt(fiber))
  await time.advance("1000 days")
  expect(seen).toEqual([])
})

it("several who let time pass do so one after the other", async () => {
  const { time, seen, after, fork } = setUp()
  fork(Effect.repeat(after(10, "a tick"), { times: 3 }))
  await Promise.all([time.advance(20), time.advance(40)])
  expect(seen).toEqual(["a tick at 10", "a tick at 20", "a tick at 30", "a tick at 40"])
  expect(time.now()).toBe(startAt + 40)
})

it("the wall clock is set, and what is slept and the monotonic clock go on", async () => {
  const { time, seen, after, fork } = setUp()
  const both = Effect.runSyncWith(time.context)
  const clocks = Effect.all([
    Clock.currentTimeMillis,
    Effect.clockWith((clock) => Effect.succeed(Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n))),
  ])
  const [wall, monotonic] = both(clocks)
  fork(after(100, "slept"))
  time.setWallClock(-5_000)
  await time.advance(100)
  expect(seen).toEqual(["slept at 100"])
  expect(both(clocks)).toEqual([wall - 4_900, monotonic + 100])
})

it("half milliseconds are slept, and told in nanoseconds", async () => {
  const { time, fork } = setUp()
  let at = 0n
  fork(
    Effect.andThen(
      Effect.sleep(0.5),
      Effect.map(Clock.currentTimeNanos, (nanos) => {
        at = nanos
      }),
    ),
  )
  await time.advance(1)
  expect(at).toBe(BigInt(startAt) * 1_000_000n + 500_000n)
})
