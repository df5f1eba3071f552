import { type EventLog, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { describe, expect, it } from "vitest"
import { type Group, makeWriter } from "../src/Writer.ts"
import { entry, numberOf } from "./support/store.ts"

interface Written {
  readonly numbers: ReadonlyArray<number>
  readonly calls: ReadonlyArray<number>
  readonly succeed: (positions?: ReadonlyArray<number>) => void
  readonly fail: (error: unknown) => void
}

/** The end of the event loop's turn, and what follows from it. */
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

const failed = (cause: unknown) =>
  Effect.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: String(cause) }))

const setUp = () => {
  const groups: Array<Written> = []
  const writer = Effect.runSync(
    makeWriter(
      ({ entries, calls }: Group) =>
        new Promise((resolve, reject) => {
          groups.push({
            numbers: entries.map(numberOf),
            calls,
            succeed: (positions = entries.map((_, index) => index + 1)) => resolve(positions),
            fail: reject,
          })
        }),
      failed,
    ),
  )
  const append = (...entries: ReadonlyArray<EventLog.NewEntry>) =>
    Effect.runFork(Effect.match(writer.append(entries, 0), { onSuccess: (done) => done, onFailure: String }))
  return { groups, append }
}

type Appending = Fiber.Fiber<ReadonlyArray<number> | string>

const endOf = (fiber: Appending) => {
  const exit = fiber.pollUnsafe()
  return exit?._tag === "Success" ? exit.value : exit
}

describe("the writer", () => {
  it("gives each call its own positions, of a group that is written together", async () => {
    const { groups, append } = setUp()
    const calls = [append(entry(1), entry(2)), append(entry(3))]
    await turn()
    expect(groups.map(({ numbers, calls }) => ({ numbers, calls }))).toEqual([
      { numbers: [1, 2, 3], calls: [2, 1] },
    ])
    groups[0]!.succeed([7, 8, 9])
    await turn()
    expect(calls.map(endOf)).toEqual([[7, 8], [9]])
  })

  it("writes a second large group beside the first, and no third", async () => {
    const { groups, append } = setUp()
    for (let number = 1; number <= 3; number++) {
      append(entry(number, 300_000))
      await turn()
    }
    expect(groups.map(({ numbers }) => numbers)).toEqual([[1], [2]])
    groups[0]!.succeed()
    await turn()
    expect(groups[2]!.numbers).toEqual([3])
  })

  it("leaves small ones together, while one is written", async () => {
    const { groups, append } = setUp()
    for (let number = 1; number <= 3; number++) {
      append(entry(number))
      await turn()
    }
    groups[0]!.succeed()
    await turn()
    expect(groups.map(({ numbers }) => numbers)).toEqual([[1], [2, 3]])
  })

  it("asks for an id once a call, and never twice in a group", async () => {
    const { groups, append } = setUp()
    const twice = append(entry(1), entry(2), entry(1))
    const again = append(entry(2), entry(3))
    await turn()
    expect(groups.map(({ numbers }) => numbers)).toEqual([[1, 2]])
    groups[0]!.succeed([5, 6])
    await turn()
    expect(endOf(twice)).toEqual([5, 6, 5])
    expect(groups[1]!.numbers).toEqual([2, 3])
    groups[1]!.succeed([6, 7])
    await turn()
    expect(endOf(again)).toEqual([6, 7])
  })

  it("fails those who wait when the server does not answer, and only a group when it refuses it", async () => {
    const { groups, append } = setUp()
    const first = append(entry(1))
    await turn()
    const second = append(entry(2))
    groups[0]!.fail(new Error("no answer"))
    await turn()
    expect([first, second].map(endOf)).toEqual(Array(2).fill(expect.stringContaining("no answer")))
    const third = append(entry(3))
    await turn()
    const fourth = append(entry(4))
    groups[1]!.fail(Object.assign(new Error("an answer"), { code: "53100" }))
    await turn()
    expect(endOf(third)).toContain("an answer")
    groups[2]!.succeed()
    await turn()
    expect(endOf(fourth)).toEqual([1])
  })
})
