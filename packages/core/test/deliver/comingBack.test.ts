import { type TestPipeline, testPipeline } from "@millrace/testkit"
import * as fc from "fast-check"
import { afterEach, describe, expect, test } from "vitest"
import { rewindablePlace } from "../support/rewindable.ts"

/** The log comes back with less than it had given, under lanes that are already past its end. */

const warehouse = { id: "warehouse", url: "https://warehouse.test/hook" }

let pipeline: TestPipeline
let place: ReturnType<typeof rewindablePlace>
afterEach(() => pipeline.dispose())

const open = async (destination: object = {}) => {
  place = rewindablePlace()
  pipeline = await testPipeline({
    destinations: [{ ...warehouse, ...destination }],
    store: place.open,
  })
}

let next = 0
const logNumbers = async (count: number): Promise<ReadonlyArray<number>> => {
  const values = Array.from({ length: count }, () => next++)
  await pipeline.log(...values.map((value) => ({ eventName: "n", value })))
  return values
}

const received = () => pipeline.receiver("warehouse").events.map(({ value }) => Number(value))

const settled = async () => {
  const [row] = await pipeline.destinations()
  expect(row!.due).toBe(row!.delivered + row!.filtered + row!.dead + row!.trimmed + row!.pending)
  expect(row!.pending).toBeGreaterThanOrEqual(0)
  return row!
}

test("what is acknowledged afterwards is delivered once, by the lane that was ahead", async () => {
  await open()
  const survivors = await logNumbers(10)
  await pipeline.advance("2 seconds")
  await place.keep()
  const lost = [...(await logNumbers(5)), ...(await logNumbers(5))]
  await pipeline.advance("2 seconds")
  await place.comeBack()
  const added: Array<number> = []
  for (let entry = 0; entry < 4; entry++) added.push(...(await logNumbers(4)))
  await pipeline.advance("2 seconds")
  expect(received()).toEqual([...survivors, ...lost, ...added])
  expect(await settled()).toMatchObject({ delivered: 36, due: 36, pending: 0, trimmed: 0 })
})

test("the same after a restart, by the cursor that was saved at what is lost", async () => {
  await open()
  const survivors = await logNumbers(3)
  await pipeline.advance("2 seconds")
  await place.keep()
  const lost = [...(await logNumbers(3)), ...(await logNumbers(3))]
  await pipeline.advance("2 seconds")
  await place.comeBack()
  // The lane saves where it stands, which is at what is lost.
  await pipeline.close()
  const added: Array<number> = []
  await pipeline.restart()
  for (let entry = 0; entry < 6; entry++) added.push(...(await logNumbers(2)))
  await pipeline.advance("2 seconds")
  expect([...new Set(received())]).toEqual([...survivors, ...lost, ...added])
  await settled()
})

test("nothing is appended afterwards: the lane goes back, the ledger adds up, and time passes", async () => {
  await open()
  await logNumbers(3)
  await pipeline.advance("2 seconds")
  await place.keep()
  await logNumbers(4)
  await pipeline.advance("2 seconds")
  await place.comeBack()
  await pipeline.advance("1 hour")
  expect(await settled()).toMatchObject({ delivered: 7, due: 7, pending: 0 })
})

test("a place inside an entry that is lost is no place in the entry that stands there now", async () => {
  await open({ batch: { maxEvents: 2 } })
  const survivors = await logNumbers(2)
  await pipeline.advance("2 seconds")
  await place.keep()
  pipeline.receiver("warehouse").answer((_, request) => (request < 2 ? 200 : 503))
  const lost = await logNumbers(5)
  await pipeline.advance("2 seconds")
  await pipeline.crash()
  await place.comeBack()
  // The lane that dies has saved that it is two events into the lost entry.
  await pipeline.restart()
  pipeline.receiver("warehouse").answer(200)
  const added = [...(await logNumbers(5)), ...(await logNumbers(1))]
  await pipeline.advance("2 hours")
  expect(new Set(received())).toEqual(new Set([...survivors, ...lost.slice(0, 2), ...added]))
  await settled()
})

test("what a lane has in hand of the lost entry, it does not take for the one that stands there now", async () => {
  await open({ batch: { maxEvents: 2 } })
  await logNumbers(1)
  await pipeline.advance("2 seconds")
  await place.keep()
  pipeline.receiver("warehouse").answer((_, request) => (request < 2 ? 200 : 503))
  await logNumbers(6)
  await pipeline.advance("2 seconds")
  await place.comeBack()
  const added = [...(await logNumbers(6)), ...(await logNumbers(6))]
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(received()).toEqual(expect.arrayContaining(added))
  await settled()
})

test("a suspect whose entry is lost is not the event that stands there now", async () => {
  await open({ batch: { maxEvents: 10 } })
  await logNumbers(2)
  await pipeline.advance("2 seconds")
  await place.keep()
  const [bad] = await logNumbers(1)
  const refuse = (values: ReadonlyArray<unknown>) => values.some((value) => Number(value) === bad)
  pipeline.receiver("warehouse").answer((events) => (refuse(events.map(({ value }) => value)) ? 400 : 200))
  await pipeline.advance("1 second")
  await place.comeBack()
  const added = [...(await logNumbers(3)), ...(await logNumbers(3))]
  await pipeline.advance("2 hours")
  expect(received()).toEqual(expect.arrayContaining(added))
  expect(await pipeline.deadLetters()).toEqual([])
  expect(await settled()).toMatchObject({ dead: 0, pending: 0 })
})

test("a replay of what is lost comes to its end", async () => {
  await open()
  await logNumbers(2)
  await pipeline.advance("2 seconds")
  await place.keep()
  await logNumbers(2)
  await pipeline.advance("2 seconds")
  pipeline.receiver("warehouse").answer(503)
  await pipeline.replay({ destination: "warehouse", since: 0, until: pipeline.now() + 1 })
  await pipeline.advance("1 second")
  await place.keep()
  await place.comeBack()
  pipeline.receiver("warehouse").answer(200)
  await pipeline.advance("2 hours")
  expect(await settled()).toMatchObject({ pending: 0 })
})

describe("a store that comes back emptied", () => {
  const added = { id: "added", url: "https://added.test/hook" }
  const numbersOf = (id: string) => pipeline.receiver(id).events.map(({ value }) => Number(value))

  test("what is acknowledged afterwards is delivered once, also before a lane is taken again, and to destinations that were added or are off", async () => {
    await open()
    await pipeline.addDestination(added)
    await pipeline.addDestination({ ...added, id: "off", url: "https://off.test/hook" })
    const before = await logNumbers(10)
    await pipeline.advance("2 seconds")
    await pipeline.disable("off")
    await place.empty()
    const after = [...(await logNumbers(3)), ...(await logNumbers(2))]
    await pipeline.advance("1 minute")
    after.push(...(await logNumbers(4)))
    await pipeline.advance("1 minute")
    for (const id of ["warehouse", "added"]) expect(numbersOf(id)).toEqual([...before, ...after])
    await pipeline.enable("off")
    await pipeline.advance("1 minute")
    expect(numbersOf("off")).toEqual([...before, ...after])
    for (const row of await pipeline.destinations()) {
      expect(row.due).toBe(row.delivered + row.filtered + row.dead + row.trimmed + row.pending)
      expect(row).toMatchObject({ delivered: 19, pending: 0 })
    }
    expect((await pipeline.destinations()).map(({ id }) => id)).toEqual(["added", "off", "warehouse"])
  })

  test("more than there was before, and that soon, is no reason to take a lost place for one in the new log", async () => {
    await open()
    await logNumbers(2)
    await pipeline.advance("2 seconds")
    await place.empty()
    const after: Array<number> = []
    for (let entry = 0; entry < 8; entry++) after.push(...(await logNumbers(1)))
    await pipeline.advance("1 minute")
    expect(received().slice(2)).toEqual(after)
    await settled()
  })

  test("a failing destination goes on with what comes", async () => {
    await open()
    pipeline.receiver("warehouse").answer(503)
    await logNumbers(5)
    await pipeline.advance("10 minutes")
    await place.empty()
    const after = await logNumbers(3)
    await pipeline.advance("10 minutes")
    pipeline.receiver("warehouse").answer(200)
    await pipeline.advance("2 hours")
    expect(received()).toEqual(after)
    await settled()
  })

  test("a destination that is removed by hand stays away, and one added again begins anew", async () => {
    await open()
    await pipeline.addDestination(added)
    await logNumbers(5)
    await pipeline.advance("2 seconds")
    await pipeline.removeDestination("added")
    await logNumbers(5)
    await pipeline.advance("1 minute")
    expect((await pipeline.destinations()).map(({ id }) => id)).toEqual(["warehouse"])
    await pipeline.addDestination(added)
    const later = await logNumbers(2)
    await pipeline.advance("1 minute")
    expect(numbersOf("added").slice(5)).toEqual(later)
  })
})

interface Story {
  readonly maxEvents: number
  readonly steps: ReadonlyArray<
    | { readonly do: "log"; readonly events: number }
    | { readonly do: "pass"; readonly millis: number }
    | { readonly do: "keep" | "come back" | "empty" | "crash" | "fail" | "heal" }
  >
}

const steps = (faults: ReadonlyArray<"keep" | "come back" | "empty" | "crash" | "fail" | "heal">) =>
  fc.record({
    maxEvents: fc.integer({ min: 1, max: 6 }),
    steps: fc.array(
      fc.oneof(
        {
          weight: 5,
          arbitrary: fc.record({ do: fc.constant("log" as const), events: fc.integer({ min: 1, max: 7 }) }),
        },
        {
          weight: 3,
          arbitrary: fc.record({ do: fc.constant("pass" as const), millis: fc.constantFrom(1, 1000, 5000) }),
        },
        {
          weight: 4,
          arbitrary: fc.constantFrom(...faults).map((step) => ({ do: step })),
        },
      ),
      { minLength: 5, maxLength: 30 },
    ),
  })

/** Tells a story, then lets everything be well for long enough. */
const tell = async ({ maxEvents, steps }: Story) => {
  await open({ batch: { maxEvents } })
  let stored: ReadonlyArray<number> = []
  await place.keep()
  let kept: ReadonlyArray<number> = stored
  for (const step of steps) {
    switch (step.do) {
      case "log":
        stored = [...stored, ...(await logNumbers(step.events))]
        break
      case "pass":
        await pipeline.advance(step.millis)
        break
      case "keep":
        await place.keep()
        kept = stored
        break
      case "come back":
        await place.comeBack()
        stored = kept
        break
      case "empty":
        await place.empty()
        stored = []
        break
      case "crash":
        await pipeline.crash()
        await pipeline.restart()
        break
      case "fail":
        pipeline.receiver("warehouse").answer((_, request) => (request % 2 === 0 ? 503 : 200))
        break
      case "heal":
        pipeline.receiver("warehouse").answer(200)
    }
  }
  pipeline.receiver("warehouse").answer(200)
  // A save that is lost is made good by the next one.
  stored = [...stored, ...(await logNumbers(1))]
  await pipeline.advance("3 hours")
  const got = new Set(received())
  expect(stored.filter((value) => !got.has(value))).toEqual([])
  expect(await settled()).toMatchObject({ pending: 0, trimmed: 0 })
}

test.each([
  ["whatever happens", ["keep", "come back", "crash", "fail", "heal"]],
  // A process that is new to an emptied store, and alone on it, cannot know what was there.
  ["however often it is emptied", ["empty", "fail", "heal"]],
] as const)(
  "%s, all that the log holds in the end is delivered, and the ledger adds up",
  async (_, faults) => {
    await fc.assert(
      fc.asyncProperty(steps(faults), async (story) => {
        try {
          await tell(story)
        } finally {
          await pipeline.dispose()
        }
      }),
      { numRuns: 300 },
    )
  },
  120_000,
)
