import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect, it } from "vitest"
import { sequencing } from "../src/Sequencer.ts"

const answer = Object.assign(new Error("an answer"), { code: "53100" })

/** Runs it for as many looks as there are turns, each of which says what its moves do. */
const run = (turns: ReadonlyArray<ReadonlyArray<Effect.Effect<number, unknown>>>) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const said: Array<unknown> = []
      const moves: Array<string> = []
      let queue: Array<Effect.Effect<number, unknown>> = []
      const move = (owner: string) => {
        moves.push(owner)
        return queue.shift() ?? Effect.succeed(0)
      }
      yield* Effect.forkScoped(sequencing(move, (error) => Effect.sync(() => said.push(error))))
      const counts: Array<number> = []
      for (const turn of turns) {
        queue = [...turn]
        yield* TestClock.adjust(499)
        const before = moves.length
        yield* TestClock.adjust(1)
        counts.push(moves.length - before)
      }
      return { said, counts, owners: new Set(moves).size }
    }).pipe(Effect.scoped, Effect.provide(TestClock.layer())),
  )

it("moves every half second, by Effect's clock, until there is nothing more, always as the same owner", async () => {
  const some = Effect.succeed(3)
  expect(await run([[], [some, some], [], [some]])).toEqual({ said: [], counts: [1, 3, 1, 2], owners: 1 })
})

it("says a refusal once in a row, nothing of a lost connection, and goes on after both", async () => {
  const refused = Effect.fail(answer)
  const lost = Effect.fail(new Error("no connection"))
  const { said, counts } = await run([[lost], [refused], [refused], [lost], [], [refused]])
  expect(said).toEqual([answer, answer])
  expect(counts).toEqual([1, 1, 1, 1, 1, 1])
})

it("goes on after a mistake of the program", async () => {
  expect((await run([[Effect.die("a mistake")], [Effect.succeed(1)]])).counts).toEqual([1, 2])
})
