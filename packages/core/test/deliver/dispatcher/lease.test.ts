import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, test } from "vitest"
import * as Ownership from "../../../src/deliver/dispatcher/lease.ts"
import { dealtTo } from "../../../src/deliver/dispatcher/rendezvous.ts"
import { Members } from "../../../src/ports/Members.ts"
import { StoreError } from "../../../src/ports/StoreError.ts"

const down = new StoreError({ reason: { _tag: "Unavailable" }, message: "down" })

/** A process among members that the test makes up, on a clock whose wall can be set. */
const join = async () => {
  const scope = Scope.makeUnsafe()
  const timed = await Effect.runPromise(Layer.buildWithScope(TestClock.layer(), scope))
  const testClock = Context.get(timed, Clock.Clock) as TestClock.TestClock
  let wallAhead = 0
  const clock: Clock.Clock = {
    ...testClock,
    currentTimeMillisUnsafe: () => testClock.currentTimeMillisUnsafe() + wallAhead,
  }
  const world = {
    others: [] as ReadonlyArray<string>,
    beats: 0,
    left: 0,
    lost: [] as Array<string>,
    takes: Effect.void as Effect.Effect<void, StoreError>,
    leaving: Effect.void as Effect.Effect<void>,
  }
  const members = Members.of({
    shared: true,
    beat: (id) =>
      Effect.suspend(() => {
        world.beats += 1
        return Effect.map(world.takes, () => [id, ...world.others].sort())
      }),
    list: Effect.succeed([]),
    leave: () =>
      Effect.suspend(() => {
        world.left += 1
        return world.leaving
      }),
  })
  const run = Effect.runPromiseWith(Context.add(timed, Clock.Clock, clock))
  const begin = (others: ReadonlyArray<string>) => {
    world.others = others
    return run(
      Ownership.join(
        members,
        "me",
        () => {},
        ({ message }) => void world.lost.push(message),
      ).pipe(Scope.provide(scope), Effect.provide(Logger.layer([]))),
    )
  }
  return {
    world,
    begin,
    close: () => run(Scope.close(scope, Exit.void)),
    advance: (millis: number) => Effect.runPromiseWith(timed)(testClock.adjust(millis)),
    setWall: (ahead: number) => {
      wallAhead = ahead
    },
  }
}

/** A lane that is dealt to one of these. */
const laneOf = (owner: string, members: ReadonlyArray<string>): string => {
  for (let n = 0; n < 1000; n++) if (dealtTo(`lane/${n}`, members) === owner) return `lane/${n}`
  throw new Error("none is dealt to it")
}

test("a store that has lost what it had acknowledged is told of at the next beat, and one that is down is not", async () => {
  const { begin, world, advance, close } = await join()
  await begin([])
  world.takes = Effect.fail(down)
  await advance(10_000)
  expect(world.lost).toEqual([])
  world.takes = Effect.fail(new StoreError({ reason: { _tag: "Lost" }, message: "put it back" }))
  await advance(2_000)
  expect(world.lost).toEqual(["put it back"])
  await close()
})

describe("a tenure", () => {
  test("lasts from beat to beat, for hours", async () => {
    const { begin, world, advance, close } = await join()
    const tenure = (await begin([])).tenure()
    for (let hour = 0; hour < 3; hour++) {
      await advance(60 * 60 * 1000)
      expect(tenure.holds()).toBe(true)
    }
    expect(world.beats).toBe(1 + 3 * 1800)
    await close()
  })

  test("ends 6 seconds after the last beat that succeeded was sent, however long that took, and for good", async () => {
    const { begin, world, advance, close } = await join()
    const ownership = await begin([])
    const tenure = ownership.tenure()
    world.takes = Effect.sleep(1_500)
    // Sent after 2 s, answered after 3.5 s.
    await advance(3_500)
    world.takes = Effect.fail(down)
    await advance(4_499)
    expect(tenure.holds()).toBe(true)
    await advance(1)
    expect(tenure.holds()).toBe(false)
    world.takes = Effect.void
    await advance(4_000)
    expect(tenure.holds()).toBe(false)
    expect(ownership.tenure().holds()).toBe(true)
    await close()
  })

  test("is not prolonged by an answer that comes after its end", async () => {
    const { begin, world, advance, close } = await join()
    const ownership = await begin([])
    const tenure = ownership.tenure()
    world.takes = Effect.sleep(5_000)
    await advance(6_999)
    expect(tenure.holds()).toBe(false)
    await advance(1)
    expect(tenure.holds()).toBe(false)
    // That beat was sent 5 s ago: what it gives has a second left.
    expect(ownership.tenure().holds()).toBe(true)
    world.takes = Effect.never
    await advance(1_000)
    expect(ownership.tenure().holds()).toBe(false)
    await close()
  })

  test("a beat that is never answered keeps none after it from being tried", async () => {
    const { begin, world, advance, close } = await join()
    const ownership = await begin([])
    world.takes = Effect.never
    await advance(2_000)
    world.takes = Effect.void
    await advance(10_000)
    expect(ownership.tenure().holds()).toBe(true)
    await close()
  })

  test("a wall clock that is set back does not prolong it; one that is ahead after a sleep of the machine ends it", async () => {
    const { begin, world, advance, setWall, close } = await join()
    const ownership = await begin([])
    const tenure = ownership.tenure()
    world.takes = Effect.fail(down)
    setWall(-3_600_000)
    expect(tenure.holds()).toBe(true)
    await advance(6_000)
    expect(tenure.holds()).toBe(false)

    setWall(0)
    world.takes = Effect.void
    await advance(4_000)
    const next = ownership.tenure()
    expect(next.holds()).toBe(true)
    setWall(3_600_000)
    expect(next.holds()).toBe(false)
    await close()
  })
})

describe("a lane", () => {
  test("is mine and free when nobody else is there", async () => {
    const { begin, close } = await join()
    const ownership = await begin([])
    expect(ownership.isMine("a/0")).toBe(true)
    expect(ownership.isFree("a/0")).toBe(true)
    await close()
  })

  test("that somebody else had is free for a joiner after two more beats, or when that one is gone", async () => {
    const { begin, world, advance, close } = await join()
    const all = ["me", "other", "third"]
    const lane = laneOf("me", all)
    const before = dealtTo(lane, ["other", "third"])!
    const ownership = await begin(["other", "third"])
    expect(ownership.isMine(lane)).toBe(true)
    expect(ownership.isFree(lane)).toBe(false)
    await advance(2_000)
    expect(ownership.isFree(lane)).toBe(false)
    world.others = world.others.filter((other) => other !== before)
    await advance(2_000)
    expect(ownership.isFree(lane)).toBe(true)
    await close()

    const patient = await join()
    const joined = await patient.begin(["other", "third"])
    await patient.advance(3_999)
    expect(joined.isFree(lane)).toBe(false)
    await patient.advance(1)
    expect(joined.isFree(lane)).toBe(true)
    await patient.close()
  })

  test("of one that is gone is free at once for those who were there", async () => {
    const { begin, world, advance, close } = await join()
    const lane = laneOf("other", ["me", "other"])
    const ownership = await begin(["other"])
    await advance(10_000)
    expect(ownership.isMine(lane)).toBe(false)
    world.others = []
    await advance(2_000)
    expect(ownership.isMine(lane)).toBe(true)
    expect(ownership.isFree(lane)).toBe(true)
    await close()
  })

  test("after a gap is no more free than for one that is new", async () => {
    const { begin, world, advance, close } = await join()
    const lane = laneOf("me", ["me", "other"])
    const ownership = await begin(["other"])
    await advance(10_000)
    expect(ownership.isFree(lane)).toBe(true)
    world.takes = Effect.fail(down)
    await advance(10_000)
    world.takes = Effect.void
    await advance(2_000)
    expect(ownership.isMine(lane)).toBe(true)
    expect(ownership.isFree(lane)).toBe(false)
    await advance(4_000)
    expect(ownership.isFree(lane)).toBe(true)
    await close()
  })
})

test("who closes leaves, and does not wait for a store that never answers", async () => {
  const { begin, world, advance, close } = await join()
  await begin([])
  world.leaving = Effect.never
  const closing = close()
  await advance(2_000)
  await closing
  expect(world.left).toBe(1)
})
