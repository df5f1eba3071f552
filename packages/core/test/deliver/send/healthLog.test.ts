import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import type { Verdict } from "../../../src/deliver/Delivery.ts"
import * as Wellness from "../../../src/deliver/send/healthLog.ts"
import type { Outcome } from "../../../src/ports/Attempts.ts"

const verdict = (outcome: Outcome, status: number | null): Verdict => ({
  outcome,
  status,
  error: status === null ? "connection refused (ECONNREFUSED)" : `answered ${status}: s3cret`,
  retryAfter: null,
  noReply: null,
})

const ok = verdict("delivered", 200)
const down = verdict("not-now", 503)
const gone = verdict("not-now", null)
const denied = verdict("misconfigured", 401)

/** What is said of these verdicts, one every so many seconds. */
const said = (verdicts: ReadonlyArray<Verdict>, every = 1) => {
  const lines: Array<string> = []
  const logger = Logger.layer([
    Logger.map(Logger.formatStructured, ({ level, message, annotations }) => {
      lines.push(`${level} ${String(message)} ${JSON.stringify(annotations)}`)
    }),
  ])
  return Effect.gen(function* () {
    const say = Wellness.make("hook")
    for (const one of verdicts) {
      yield* say(one, one.outcome === "not-now" || one.outcome === "misconfigured")
      yield* TestClock.adjust(every * 1000)
    }
    return lines
  }).pipe(Effect.provide(logger), Effect.provide(TestClock.layer()), Effect.runPromise)
}

test("a destination that fails a thousand times is said to fail once, and once to be well again", async () => {
  const failures = Array.from({ length: 1000 }, () => down)
  expect(await said([ok, ...failures, ok, ok])).toEqual([
    'WARN a destination has begun to fail {"destination":"hook","status":503}',
    'INFO a destination is well again {"destination":"hook","attempts":1000,"after":"1000000 ms"}',
  ])
})

test("that it is set up wrongly is another line; nothing of a reply's body is in any", async () => {
  expect(await said([gone, denied, denied, ok], 60)).toEqual([
    'WARN a destination has begun to fail {"destination":"hook","error":"connection refused (ECONNREFUSED)"}',
    'WARN a destination is set up wrongly {"destination":"hook","status":401}',
    'INFO a destination is well again {"destination":"hook","attempts":3,"after":"180000 ms"}',
  ])
})

test("one that fails every other time is said to once a minute, and one that goes on failing is said to in the end", async () => {
  const flapping = Array.from({ length: 118 }, (_, n) => (n % 2 === 0 ? down : ok))
  expect(await said(flapping)).toHaveLength(4)
  expect((await said([down, ok, ...Array.from({ length: 100 }, () => down)])).at(-1)).toContain(
    "begun to fail",
  )
})

test("a refusal of events neither begins nor ends anything", async () => {
  expect(await said([verdict("refused", 400), down, verdict("refused", 422), ok])).toHaveLength(2)
})
