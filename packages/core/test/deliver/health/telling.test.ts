import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Verdict } from "../../../src/deliver/Delivery.ts"
import * as Condition from "../../../src/deliver/health/Condition.ts"
import * as Telling from "../../../src/deliver/health/telling.ts"

const hour = 3_600_000

type Answer = "up" | "down" | "wrong"

const verdict = (answer: Answer): Verdict => ({
  outcome: answer === "up" ? "delivered" : answer === "down" ? "not-now" : "misconfigured",
  status: answer === "up" ? 200 : answer === "down" ? 503 : 401,
  error: answer === "up" ? null : "answered 503: s3cret",
  retryAfter: null,
  noReply: null,
})

interface Heard {
  readonly at: number
  readonly news: Telling.News
}

/** What is told of answers at times (ms), and after them until nothing is due any more. */
const hear = (
  answers: ReadonlyArray<readonly [at: number, answer: Answer]>,
  until = answers.at(-1)?.[0] ?? 0,
) => {
  const heard: Array<Heard> = []
  let condition = Condition.well
  let told = Telling.nothing
  const review = (at: number) => {
    const [next, news] = Telling.tell(told, condition, at)
    told = next
    for (const one of news) heard.push({ at, news: one })
  }
  const waitUntil = (time: number) => {
    for (;;) {
      const due = Telling.dueAt(told, condition)
      if (due > time) return
      review(due)
      if (Telling.dueAt(told, condition) <= due) throw new Error("what is due does not pass")
    }
  }
  for (const [at, answer] of answers) {
    waitUntil(at - 1)
    const now = { wall: at, monotonic: at }
    condition =
      answer === "up"
        ? Condition.delivered(condition, now)
        : Condition.failed(condition, answer === "down" ? "not-now" : "misconfigured", verdict(answer), now)
    review(at)
  }
  waitUntil(until)
  return { heard, told, condition }
}

const tags = ({ heard }: { readonly heard: ReadonlyArray<Heard> }) =>
  heard.map(({ at, news }) => `${at / 1000} ${news._tag}`)

const every = (millis: number, answers: ReadonlyArray<Answer>, from = 0) =>
  answers.map((answer, n) => [from + n * millis, answer] as const)

const times = (count: number, answer: Answer) => Array.from({ length: count }, () => answer)

describe("a destination", () => {
  test("that fails a thousand times is said to fail once, and once an hour", () => {
    const heard = hear(every(10_000, ["up", ...times(1000, "down"), "up", "up"]))
    expect(tags(heard)).toEqual([
      "10 Began",
      "100 CircuitOpened",
      "3610 StillFails",
      "7210 StillFails",
      "10010 WellAgain",
    ])
    expect(heard.heard.at(-1)!.news).toMatchObject({ past: { attempts: 1000, since: { wall: 10_000 } } })
  })

  test("that is tried once an hour is told of in between", () => {
    expect(tags(hear(every(hour, ["down", "down", "down"]), 2.5 * hour))).toEqual([
      "0 Began",
      "3600 StillFails",
      "7200 StillFails",
    ])
  })

  test("that is well costs nothing", () => {
    const { told, condition } = hear(every(1000, ["down", "up"]), 10 * hour)
    expect(Telling.dueAt(told, condition)).toBe(Number.POSITIVE_INFINITY)
  })

  test("that fails in another way is said to once, however often it changes", () => {
    const ways = every(1000, ["down", "wrong", "down", "wrong", "down", "wrong", "up"])
    expect(tags(hear(ways))).toEqual(["0 Began", "1 OtherWay", "6 WellAgain"])
  })

  test("that flaps is told of in full three times, then once an hour until it keeps still", () => {
    const flapping = every(
      1000,
      Array.from({ length: 3600 }, (_, n) => (n % 2 === 0 ? "down" : "up")),
    )
    expect(tags(hear(flapping, 10 * hour))).toEqual([
      ...["0 Began", "1 WellAgain", "2 Began", "3 WellAgain", "4 Began", "5 WellAgain"],
      "6 Flaps",
      "3606 WellAgain",
    ])
  })

  test("that flaps and then fails for good is said to, with its circuit", () => {
    const flapping = every(1000, ["down", "up", "down", "up", "down", "up", "down", "up"])
    const heard = hear([...flapping, ...every(60_000, times(120, "down"), 10_000)], 7_300_000)
    expect(tags(heard).slice(6)).toEqual([
      "6 Flaps",
      "550 CircuitOpened",
      "3606 StillFails",
      "7206 StillFails",
    ])
    expect(heard.heard.at(-2)!.news).toMatchObject({ times: 1 })
    expect(heard.heard.at(-1)!.news).toMatchObject({ times: 0 })
  })

  test("that another process has told of goes on where that stopped", () => {
    const now = { wall: 5 * hour, monotonic: 1000 }
    const condition = Condition.takenOver(Condition.well, 2 * hour, 40, now)
    const told = Telling.toldBefore(Telling.nothing, now.monotonic)
    expect(Telling.tell(told, condition, now.monotonic)[1]).toEqual([])
    expect(Telling.dueAt(told, condition)).toBe(Number.POSITIVE_INFINITY)
    const failed = Condition.failed(condition, "not-now", verdict("down"), now)
    expect(Telling.tell(told, failed, now.monotonic)[1]).toMatchObject([
      { _tag: "StillFails", failure: { attempts: 41, since: { wall: 2 * hour } }, times: 0 },
    ])
    const delivered = Condition.delivered(condition, now)
    expect(Telling.tell(told, delivered, now.monotonic)[1]).toMatchObject([
      { _tag: "WellAgain", past: { attempts: 40, since: { wall: 2 * hour, monotonic: 1000 - 3 * hour } } },
    ])
  })
})

test("whatever it answers and when, an hour has 16 news at most, and the last word is true", () => {
  const answers = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 600_000 }), fc.constantFrom<Answer>("up", "down", "wrong")),
    { minLength: 1, maxLength: 400 },
  )
  fc.assert(
    fc.property(answers, fc.constantFrom(1, 0.01), (steps, pace) => {
      let at = 0
      const given = steps.map(([after, answer]) => {
        at += Math.ceil(after * pace)
        return [at, answer] as const
      })
      const { heard, condition } = hear(given, at + 3 * hour)
      for (const { at: from } of heard) {
        const within = heard.filter((one) => one.at >= from && one.at < from + hour)
        expect(within.length).toBeLessThanOrEqual(16)
      }
      const last = heard.at(-1)?.news._tag
      if (condition.failure !== null) expect(last).toBe("StillFails")
      else expect([undefined, "WellAgain"]).toContain(last)
    }),
    { numRuns: 300 },
  )
})
