import type { EventLog } from "@millrace/core/store"
import { describe, expect, it } from "vitest"
import { type Group, type Outcome, Writer } from "../src/Writer.ts"
import { entry, numberOf } from "./support/store.ts"

interface Written {
  readonly numbers: ReadonlyArray<number>
  readonly calls: ReadonlyArray<number>
  readonly succeed: (positions?: ReadonlyArray<number>) => void
  readonly fail: (error: unknown) => void
}

/** The end of the event loop's turn, and what follows from it. */
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

const setUp = () => {
  const groups: Array<Written> = []
  const writer = new Writer(
    ({ entries, calls }: Group) =>
      new Promise((resolve, reject) => {
        groups.push({
          numbers: entries.map(numberOf),
          calls,
          succeed: (positions = entries.map((_, index) => index + 1)) => resolve(positions),
          fail: reject,
        })
      }),
  )
  const append = (...entries: ReadonlyArray<EventLog.NewEntry>): Promise<Outcome> =>
    new Promise((resolve) => writer.append(entries, 0, resolve))
  return { groups, writer, append }
}

describe("the writer", () => {
  it("writes together what arrives together, and what arrives while it writes", async () => {
    const { groups, append } = setUp()
    const outcomes = [append(entry(1), entry(2)), append(entry(3))]
    await turn()
    outcomes.push(append(entry(4)), append(entry(5)))
    await turn()
    expect(groups.map(({ numbers, calls }) => ({ numbers, calls }))).toEqual([
      { numbers: [1, 2, 3], calls: [2, 1] },
    ])
    groups[0]!.succeed([7, 8, 9])
    await turn()
    expect(groups[1]!.numbers).toEqual([4, 5])
    groups[1]!.succeed([10, 11])
    expect(await Promise.all(outcomes)).toEqual(
      [[7, 8], [9], [10], [11]].map((positions) => ({ kind: "done", positions })),
    )
  })

  it("writes a second large group beside the first, and no third", async () => {
    const { groups, append } = setUp()
    for (let number = 1; number <= 3; number++) {
      void append(entry(number, 300_000))
      await turn()
    }
    expect(groups.map(({ numbers }) => numbers)).toEqual([[1], [2]])
    groups[0]!.succeed()
    await turn()
    expect(groups[2]!.numbers).toEqual([3])
  })

  it("asks for an id once a call, and never twice in a group", async () => {
    const { groups, append } = setUp()
    const twice = append(entry(1), entry(2), entry(1))
    const again = append(entry(2), entry(3))
    await turn()
    expect(groups.map(({ numbers }) => numbers)).toEqual([[1, 2]])
    groups[0]!.succeed([5, 6])
    expect(await twice).toEqual({ kind: "done", positions: [5, 6, 5] })
    await turn()
    expect(groups[1]!.numbers).toEqual([2, 3])
    groups[1]!.succeed([6, 7])
    expect(await again).toEqual({ kind: "done", positions: [6, 7] })
  })

  it("fails those who wait when the server does not answer, and only a group when it refuses it", async () => {
    const { groups, append, writer } = setUp()
    const first = append(entry(1))
    await turn()
    const second = append(entry(2))
    groups[0]!.fail(new Error("no answer"))
    expect(await first).toMatchObject({ kind: "failed" })
    expect(await second).toMatchObject({ kind: "failed" })
    const third = append(entry(3))
    await turn()
    const fourth = append(entry(4))
    groups[1]!.fail(Object.assign(new Error("an answer"), { code: "53100" }))
    expect(await third).toMatchObject({ kind: "failed" })
    await turn()
    groups[2]!.succeed()
    expect(await fourth).toEqual({ kind: "done", positions: [1] })
    await writer.drained()
  })

  it("does not fail an append with a failure that its caller has just heard of", async () => {
    const { groups, writer } = setUp()
    const outcomes: Array<string> = []
    writer.append([entry(1)], 0, ({ kind }) => {
      outcomes.push(`first ${kind}`)
      writer.append([entry(2)], 0, (outcome) => outcomes.push(`second ${outcome.kind}`))
    })
    await turn()
    groups[0]!.fail(new Error("no connection"))
    await turn()
    expect(outcomes).toEqual(["first failed"])
    groups[1]!.succeed()
    await turn()
    expect(outcomes).toEqual(["first failed", "second done"])
  })

  it("holds a bounded number of bytes, and one append however large", async () => {
    const { groups, append, writer } = setUp()
    const size = 10 * 1024 * 1024
    const accepted = [1, 2, 3].map((number) => append(entry(number, size)))
    expect(await append(entry(4, 2 * size))).toMatchObject({
      kind: "failed",
      error: { reason: { _tag: "Unavailable" } },
    })
    let drained = false
    const idle = writer.drained().then(() => {
      drained = true
    })
    for (let group = 0; group < 3; group++) {
      await turn()
      expect(drained).toBe(false)
      groups[group]!.succeed()
    }
    await Promise.all([...accepted, idle])
    void append(entry(5, 80 * 1024 * 1024))
    await turn()
    expect(groups[3]!.numbers).toEqual([5])
  })
})
