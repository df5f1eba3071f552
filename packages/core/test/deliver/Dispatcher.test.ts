import { type TestPipeline, testPipeline } from "@millrace/testkit"
import * as fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { addsUp } from "../../src/deliver/Ledger.ts"

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }
const other = { id: "other", url: "https://other.test/hook" }

let pipeline: TestPipeline
afterEach(() => pipeline.close())

const receiver = () => pipeline.receiver("warehouse")

const arrived = () => receiver().events.map(({ value }) => Number(value))

const log = async (...values: ReadonlyArray<number>) => {
  await pipeline.log(...values.map((value) => ({ eventName: "n", value })))
  await pipeline.advance("1 second")
}

/** The row of the warehouse; all of them have to add up. */
const row = async () => {
  const rows = await pipeline.destinations()
  for (const one of rows) expect(one).toSatisfy(addsUp)
  return rows.find(({ id }) => id === "warehouse")!
}

describe("rewind", () => {
  test("sends everything from a time on once more, in order, then what is new; nobody else is concerned", async () => {
    pipeline = await testPipeline({ destinations: [warehouse, other] })
    await log(1, 2)
    await pipeline.advance("1 hour")
    const since = pipeline.now()
    await log(3, 4)
    await log(5)
    const before = await row()
    expect(await pipeline.rewind("warehouse", since)).toBe(3)
    // The oldest of them, 3, came two seconds ago.
    expect(await row()).toEqual({ ...before, due: 8, pending: 3, lag: 2000 })
    await log(6)
    expect(arrived()).toEqual([1, 2, 3, 4, 5, 3, 4, 5, 6])
    expect(pipeline.receiver("other").events).toHaveLength(6)
    expect(await row()).toMatchObject({ due: 9, delivered: 9, pending: 0 })
    const ids = receiver().events.map(({ value, timeUUID }) => `${value} ${timeUUID}`)
    expect(new Set(ids).size).toBe(6)
  })

  test("goes back beyond where the destination began, and survives a restart", async () => {
    pipeline = await testPipeline({})
    await log(1, 2, 3)
    await pipeline.close()
    await pipeline.restart({ destinations: [warehouse] })
    await log(4)
    expect(await pipeline.rewind("warehouse", 0)).toBe(4)
    await pipeline.crash()
    await pipeline.restart({ destinations: [warehouse] })
    expect(await row()).toMatchObject({ due: 5, delivered: 1, pending: 4 })
    await pipeline.advance("1 second")
    expect(arrived()).toEqual([4, 1, 2, 3, 4])
    expect(await row()).toMatchObject({ due: 5, delivered: 5, pending: 0 })
  })

  test("never goes ahead", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    receiver().answer(503)
    await log(1)
    await pipeline.advance("1 hour")
    expect(await pipeline.rewind("warehouse", pipeline.now())).toBe(0)
    receiver().answer(200)
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual([1])
  })

  test("of a disabled destination takes effect when it is enabled", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    await log(1, 2)
    await pipeline.disable("warehouse")
    expect(await pipeline.rewind("warehouse", 0)).toBe(2)
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual([1, 2])
    await pipeline.enable("warehouse")
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual([1, 2, 1, 2])
    await row()
  })

  test("forgets the batch that was open, and takes suspects up where it meets them", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    await log(1)
    receiver().answer((events) => (events.some(({ value }) => value === "2") ? 400 : 200))
    await log(2)
    await pipeline.advance("1 minute")
    expect(await row()).toMatchObject({ due: 2, delivered: 1, pending: 1 })
    expect(await pipeline.rewind("warehouse", 0)).toBe(1)
    expect(await row()).toMatchObject({ due: 3, delivered: 1, pending: 2 })
    receiver().answer(200)
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual([1, 1, 2])
    expect(await row()).toMatchObject({ due: 3, delivered: 3, pending: 0 })
  })

  test("keeps a suspect that stands before the new place", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    receiver().answer(400)
    await log(1)
    await pipeline.advance("1 hour")
    const since = pipeline.now()
    expect(await pipeline.rewind("warehouse", since)).toBe(0)
    receiver().answer(200)
    await pipeline.advance("1 day")
    expect(arrived()).toEqual([1])
    expect(await row()).toMatchObject({ due: 1, delivered: 1, pending: 0 })
  })
})

describe("skip", () => {
  test("gives up what is pending, and goes on with what is new", async () => {
    pipeline = await testPipeline({ destinations: [warehouse, other] })
    await log(1)
    receiver().answer(503)
    await log(2, 3)
    await log(4)
    expect(await row()).toMatchObject({ due: 4, delivered: 1, pending: 3 })
    expect(await pipeline.skip("warehouse")).toBe(3)
    expect(await row()).toMatchObject({ due: 1, delivered: 1, pending: 0 })
    receiver().answer(200)
    await log(5)
    await pipeline.advance("2 hours")
    expect(arrived()).toEqual([1, 5])
    expect(await row()).toMatchObject({ due: 2, delivered: 2, pending: 0 })
    expect(pipeline.receiver("other").events).toHaveLength(5)
  })

  test("gives up suspects, too, and is nothing when nothing is pending", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    receiver().answer(400)
    await log(1)
    await pipeline.advance("1 hour")
    expect(await pipeline.skip("warehouse")).toBe(1)
    expect(await pipeline.skip("warehouse")).toBe(0)
    receiver().answer(200)
    await pipeline.advance("1 day")
    expect(arrived()).toEqual([])
    await row()
  })

  test("is undone by a rewind", async () => {
    pipeline = await testPipeline({ destinations: [warehouse] })
    receiver().answer(503)
    await log(1, 2)
    await pipeline.skip("warehouse")
    receiver().answer(200)
    expect(await pipeline.rewind("warehouse", 0)).toBe(2)
    await pipeline.advance("1 hour")
    expect(arrived()).toEqual([1, 2])
    expect(await row()).toMatchObject({ due: 2, delivered: 2, pending: 0 })
  })
})

test("a moved lane can be stopped, and a destination nobody has configured cannot be moved", async () => {
  pipeline = await testPipeline({ destinations: [warehouse] })
  await log(1)
  await pipeline.rewind("warehouse", 0)
  await pipeline.disable("warehouse")
  await pipeline.advance("1 hour")
  expect(arrived()).toEqual([1])
  await expect(pipeline.rewind("other", 0)).rejects.toThrow('no destination "other" is configured')
  await expect(pipeline.skip("other")).rejects.toThrow('no destination "other" is configured')
})

test("whatever is done by hand, in whatever order, the ledger adds up and every event that was not skipped arrives", async () => {
  const act = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("log" as const), count: fc.integer({ min: 1, max: 4 }) }),
    },
    fc.record({ do: fc.constant("rewind" as const), back: fc.integer({ min: 0, max: 20 }) }),
    fc.record({ do: fc.constant("skip" as const) }),
    fc.record({ do: fc.constant("disable" as const) }),
    fc.record({ do: fc.constant("enable" as const) }),
    fc.record({ do: fc.constant("crash" as const) }),
    fc.record({ do: fc.constant("answer" as const), status: fc.constantFrom(200, 503, 400, 500) }),
    fc.record({ do: fc.constant("refuse" as const), mod: fc.integer({ min: 2, max: 4 }) }),
    fc.record({ do: fc.constant("advance" as const), seconds: fc.integer({ min: 0, max: 30 }) }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 3, maxLength: 25 }), async (acts) => {
      const filter = { exclude: ["left_out"] }
      pipeline = await testPipeline({ destinations: [{ ...warehouse, filter, batch: { maxEvents: 3 } }] })
      let next = 0
      let skipped = 0
      for (const one of acts) {
        switch (one.do) {
          case "log":
            await pipeline.log(
              ...Array.from({ length: one.count }, () => ({
                eventName: next % 5 === 4 ? "left_out" : "n",
                value: next++,
              })),
            )
            break
          case "rewind":
            await pipeline.rewind("warehouse", pipeline.now() - one.back * 1000)
            break
          case "skip":
            skipped += await pipeline.skip("warehouse")
            break
          case "disable":
          case "enable":
            await pipeline[one.do]("warehouse")
            break
          case "crash":
            await pipeline.crash()
            await pipeline.restart()
            break
          case "answer":
            receiver().answer(one.status)
            break
          case "refuse":
            receiver().answer((events) =>
              events.some(({ value }) => Number(value) % one.mod === 0) ? 400 : 200,
            )
            break
          case "advance":
            await pipeline.advance(one.seconds * 1000)
            break
        }
        await row()
      }
      receiver().answer(200)
      await pipeline.enable("warehouse")
      await pipeline.log({ eventName: "n", value: next++ })
      await pipeline.advance("3 hours")
      const { pending } = await row()
      expect(pending).toBe(0)
      const letters = (await pipeline.deadLetters({ limit: 1000 })).map(
        ({ event }) => JSON.parse(event).value,
      )
      const settled = new Set([...arrived(), ...letters])
      const wanted = Array.from({ length: next }, (_, value) => value).filter((value) => value % 5 !== 4)
      const lost = wanted.filter((value) => !settled.has(value))
      expect(lost.length).toBeLessThanOrEqual(skipped)
      if (next % 5 !== 0) expect(settled).toContain(next - 1)
      await pipeline.close()
    }),
    { numRuns: 60 },
  )
})
