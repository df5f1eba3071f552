import type { IntakeHistory, Refusal, Status } from "../../../web/api/rows.ts"
import { destinationsAt } from "./destinations.ts"

const minute = 60_000
const gib = 2 ** 30

/** What the stand-in shows. */
export type Scenario = "usual" | "first-run" | "store-down" | "calm"

export const rateAt = (time: number): number =>
  150 + 20 * Math.sin(time / 900_000) + 3 * Math.sin(time / 97_000) + 2 * Math.sin(time / 31_000)

export const refusalsAt = (now: number): ReadonlyArray<Refusal> => [
  {
    last: now - 40_000,
    count: 12,
    route: "log_event",
    status: 401,
    message: "unknown key",
    sdk: "javascript-client 3.31.0",
    keyKind: "client-",
  },
]

export const statusAt = (now: number, scenario: Scenario): Status => {
  const isFirstRun = scenario === "first-run"
  const all = destinationsAt(now)
  const destinations = isFirstRun
    ? []
    : scenario === "calm"
      ? all.filter(({ id }) => id === "warehouse")
      : all
  return {
    at: now,
    startedAt: now - 312 * minute,
    destinations,
    intake: {
      rate: isFirstRun ? 0 : rateAt(now),
      stored: isFirstRun ? 0 : 6_021_480,
      rejected: isFirstRun || scenario === "calm" ? 0 : 37,
      refused: isFirstRun || scenario === "calm" ? 0 : 14,
      wrongKeys: scenario === "usual" ? 12 : 0,
      isFirstRun,
    },
    store: {
      problem: scenario === "store-down" ? "disk I/O error" : null,
      problemSince: scenario === "store-down" ? now - 41_000 : null,
      durability: "disk",
      bytes: isFirstRun ? 0 : Math.round(8.34 * gib),
      cap: 10 * gib,
      events: isFirstRun ? 0 : 33_184_902,
      oldestAt: isFirstRun ? null : now - 72 * 60 * minute,
      keepFor: 72 * 60 * minute,
    },
    deadLetters:
      isFirstRun || scenario === "calm"
        ? {}
        : { billing: 172, "growth-crm": 214, intake: 37, warehouse: 12, "fraud-scoring": 3 },
    jobs: [],
  }
}

export const intakeHistoryAt = (now: number): IntakeHistory => {
  const step = minute
  const from = Math.floor(now / step) * step - 59 * step
  const each = Array.from({ length: 60 }, (_, at) => from + at * step)
  return {
    from,
    step,
    since: now - 312 * minute,
    at: now,
    stored: each.map((time) => Math.round((rateAt(time) * Math.min(now - time, step)) / 1000)),
    rejected: each.map((_, at) => (at > 44 && at < 50 ? 60 * (at - 43) : 0)),
    refused: each.map(() => 0),
    yesterday: each.map((time) => Math.round((rateAt(time + 3 * minute) + 6) * 60)),
  }
}
