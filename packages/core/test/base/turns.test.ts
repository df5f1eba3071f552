import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { expect, it } from "vitest"
import type { Slices } from "../../src/base/slices.ts"
import { inTurns } from "../../src/base/turns.ts"

/** Counts the turns of the event loop while an effect runs. */
const whileCounting = async <A>(use: (turn: () => number) => Promise<A>): Promise<A> => {
  let turns = 0
  let isOver = false
  const count = () => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  try {
    return await use(() => turns)
  } finally {
    isOver = true
  }
}

function* work<A>(slices: number, slice: () => void, result: A): Slices<A> {
  for (let done = 0; done < slices; done++) {
    slice()
    yield
  }
  return result
}

it("does one slice a turn of the event loop, whoever it is for", () =>
  whileCounting(async (turn) => {
    const turns: Array<number> = []
    const works = [5, 20, 10].map((slices) => inTurns(work(slices, () => turns.push(turn()), slices)))
    const results = await Effect.runPromise(Effect.all(works, { concurrency: "unbounded" }))
    expect(results).toEqual([5, 20, 10])
    expect(turns).toHaveLength(35)
    // The first slice of each is done at once.
    const later = turns.slice(3)
    expect(new Set(later).size).toBe(later.length)
  }))

it("lets whoever has little left go first, for all have a slice in turn", async () => {
  const ended: Array<number> = []
  const works = [30, 3, 12].map((slices) =>
    Effect.map(inTurns(work(slices, () => {}, slices)), (result) => ended.push(result)),
  )
  await Effect.runPromise(Effect.all(works, { concurrency: "unbounded" }))
  expect(ended).toEqual([3, 12, 30])
})

it("waits for no turn when there is but one slice", () => {
  expect(Effect.runSync(inTurns(work(0, () => {}, "done")))).toBe("done")
})

it("does nothing more for one that is interrupted, and goes on for the others", async () => {
  let done = 0
  const [one, other] = await Effect.runPromise(
    Effect.gen(function* () {
      const first = yield* Effect.forkChild(inTurns(work(1_000, () => (done += 1), "first")), {
        startImmediately: true,
      })
      const second = yield* Effect.forkChild(inTurns(work(10, () => {}, "second")), {
        startImmediately: true,
      })
      yield* Fiber.interrupt(first)
      const doneBefore = done
      const result = yield* Fiber.join(second)
      expect(done).toBe(doneBefore)
      return [yield* Fiber.await(first), result]
    }),
  )
  expect(Exit.hasInterrupts(one as Exit.Exit<unknown>)).toBe(true)
  expect(other).toBe("second")
})

it("ends with the defect of a slice, and goes on for the others", async () => {
  const broken = inTurns(
    work(
      10,
      (() => {
        let slices = 0
        return () => {
          if (++slices === 5) throw new Error("broken")
        }
      })(),
      "broken",
    ),
  )
  const [one, other] = await Effect.runPromise(
    Effect.all([Effect.exit(broken), inTurns(work(10, () => {}, "fine"))], { concurrency: "unbounded" }),
  )
  expect(Exit.hasDies(one)).toBe(true)
  expect(other).toBe("fine")
})
