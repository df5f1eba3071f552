import { Attempts } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { type Suite, start } from "./suite.ts"

/** Started `number` seconds after `start`. */
export const success = (number: number, changes: Partial<Attempts.Attempt> = {}): Attempts.Attempt => ({
  destination: "warehouse",
  webhookId: `msg_${number}`,
  startedAt: start + number * 1000,
  duration: 12.5,
  events: 500,
  bytes: 130_000,
  outcome: Attempts.delivered,
  status: 200,
  error: null,
  wait: null,
  waitReason: null,
  ...changes,
})

export const failure = (number: number, changes: Partial<Attempts.Attempt> = {}): Attempts.Attempt =>
  success(number, {
    outcome: "not-now",
    status: 503,
    error: `it said "no", didn't it 🚀`,
    wait: 4000,
    waitReason: "back-off",
    ...changes,
  })

const times = (count: number, make: (number: number) => Attempts.Attempt, from = 1) =>
  Array.from({ length: count }, (_, index) => make(from + index))

const names = (found: ReadonlyArray<Attempts.Attempt>): ReadonlyArray<string> =>
  found.map(({ webhookId }) => webhookId)

export const attempts = ({ check }: Suite): void => {
  check("gives attempts back as they were appended, the newest first", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      expect(yield* port.list({})).toEqual([])
      const made = [
        failure(1),
        failure(2, { status: null, wait: 0, waitReason: null }),
        success(3, { destination: "lake" }),
        success(4, {
          range: {
            partition: 2,
            first: [Position.fromNumber(7), 0],
            last: [Position.fromNumber(12), 41],
          },
        }),
      ]
      yield* port.append(made.slice(0, 1))
      yield* port.append([])
      yield* port.append(made.slice(1))
      expect(yield* port.list({})).toEqual([...made].reverse())
    }),
  )

  check("lists a hundred unless told, of one destination, or failures only", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      yield* port.append(times(150, failure))
      yield* port.append(times(3, (number) => success(number, { destination: "lake" }), 200))
      yield* port.append([failure(300, { destination: "lake" })])
      const newest = names(times(150, failure)).toReversed()
      expect(names(yield* port.list({ destination: "warehouse" }))).toEqual(newest.slice(0, 100))
      expect(names(yield* port.list({ limit: 5 }))).toEqual([
        "msg_300",
        "msg_202",
        "msg_201",
        "msg_200",
        "msg_150",
      ])
      expect(names(yield* port.list({ failuresOnly: true, limit: 2 }))).toEqual(["msg_300", "msg_150"])
      expect(names(yield* port.list({ failuresOnly: true, destination: "lake" }))).toEqual(["msg_300"])
      expect(yield* port.list({ destination: "nobody" })).toEqual([])
    }),
  )

  check("picks out by what is asked: when they began, of which batch, and what came of them", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      const numbers = Array.from({ length: 1200 }, (_, index) => index)
      yield* port.append(
        numbers.map((number) =>
          number % 100 === 7
            ? failure(number, { outcome: "refused", webhookId: "msg_a" })
            : number % 100 === 8
              ? failure(number, { destination: "lake" })
              : failure(number),
        ),
      )
      yield* port.append([success(1300), success(1301, { webhookId: "msg_a" })])
      const numbersOf = (query: Attempts.AttemptQuery) =>
        Effect.map(port.list({ limit: 2000, ...query }), (found) =>
          found.map(({ startedAt }) => (startedAt - start) / 1000),
        )
      const refused = numbers.filter((number) => number % 100 === 7).toReversed()
      expect(yield* numbersOf({ outcome: "refused" })).toEqual(refused)
      expect(yield* numbersOf({ outcome: "refused", limit: 2 })).toEqual(refused.slice(0, 2))
      expect(yield* numbersOf({ webhookId: "msg_a" })).toEqual([1301, ...refused])
      expect(yield* numbersOf({ webhookId: "msg_a", failuresOnly: true })).toEqual(refused)
      expect(yield* numbersOf({ webhookId: "msg_a", outcome: Attempts.delivered })).toEqual([1301])
      expect(yield* numbersOf({ before: start + 3000 })).toEqual([2, 1, 0])
      expect(yield* numbersOf({ before: start + 1_300_000, limit: 1 })).toEqual([1199])
      expect(yield* numbersOf({ destination: "lake", before: start + 200_000 })).toEqual([108, 8])
      expect(yield* numbersOf({ destination: "lake", outcome: "gone" })).toEqual([])
      expect(yield* numbersOf({ webhookId: "msg_'\0" })).toEqual([])
    }),
  )

  check("keeps the last successes of each destination, whatever the others do", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      const { maxSuccesses } = Attempts.limits
      yield* port.append([success(1, { destination: "quiet" }), failure(2, { destination: "quiet" })])
      for (let round = 0; round < 5; round++) {
        yield* port.append(times(60, (number) => success(number), 1000 + round * 60))
      }
      yield* port.append([failure(5000)])
      const kept = yield* port.list({ destination: "warehouse", limit: 1000 })
      expect(names(kept)).toEqual(["msg_5000", ...names(times(maxSuccesses, success, 1200)).toReversed()])
      expect(names(yield* port.list({ destination: "quiet" }))).toEqual(["msg_2", "msg_1"])
    }),
  )

  check("keeps failures up to a number for each destination", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      const { maxFailures } = Attempts.limits
      yield* port.append([failure(1, { destination: "quiet" })])
      const now = (number: number) => failure(number, { startedAt: start })
      for (let first = 1; first <= maxFailures; first += 1000) yield* port.append(times(1000, now, first))
      yield* port.append(times(20, now, maxFailures + 1))
      const kept = yield* port.list({ destination: "warehouse", limit: maxFailures * 2 })
      expect(kept).toHaveLength(maxFailures)
      expect(kept[0]?.webhookId).toBe(`msg_${maxFailures + 20}`)
      expect(kept.at(-1)?.webhookId).toBe("msg_21")
      expect(yield* port.list({ destination: "quiet" })).toHaveLength(1)
    }),
  )

  check("keeps failures no longer than its limit of age", (open) =>
    Effect.gen(function* () {
      const { attempts: port } = yield* open()
      yield* port.append(times(3, (number) => failure(number, { startedAt: start })))
      yield* TestClock.adjust(Attempts.limits.maxAge + 1)
      yield* port.append([failure(4, { startedAt: start + Attempts.limits.maxAge + 1 })])
      expect(names(yield* port.list({}))).toEqual(["msg_4"])
    }),
  )
}
