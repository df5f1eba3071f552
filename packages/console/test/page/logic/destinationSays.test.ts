import type { Rows } from "@millrace/core/host"
import { describe, expect, it } from "vitest"
import { says, saysShortly } from "../../../web/logic/destinationSays.ts"
import { textOf } from "../../../web/text/said.ts"

const now = new Date(2026, 10, 18, 14, 24, 36).getTime()

const at = (hour: number, minute: number, day = 18): number => new Date(2026, 10, day, hour, minute).getTime()

const fine: Rows.DestinationNow = {
  id: "billing",
  due: 100,
  delivered: 100,
  filtered: 0,
  dead: 0,
  trimmed: 0,
  pending: 0,
  sent: 100,
  failures: 0,
  failingSince: null,
  circuit: "closed",
  disabled: null,
  lag: null,
  url: "https://example.com/",
  origin: "added",
  selects: "everything",
  rate: 49.8,
  filterRate: 0,
  limit: null,
  nextAt: null,
  waitReason: null,
  lastOutcome: "delivered",
  lastStatus: 202,
  lastError: null,
  lastDuration: 84,
  willSend: null,
  givesUpAt: null,
}

const failing: Rows.DestinationNow = {
  ...fine,
  pending: 369_412,
  willSend: 1_490,
  failures: 12,
  failingSince: at(13, 46),
  circuit: "open",
  lag: 1000,
  lastOutcome: "not-now",
  lastStatus: 503,
  nextAt: at(14, 34),
  givesUpAt: at(13, 46, 25),
}

const around = { now, arriving: 166, keepFor: 3 * 24 * 60 * 60 * 1000 }

const both = (destination: Rows.DestinationNow, more = {}) => {
  const { headline, detail } = says(destination, { ...around, ...more })
  return `${headline} ${textOf(detail, now)}`
}

describe("one destination in words", () => {
  it("that fails", () => {
    expect(both(failing)).toBe(
      "Answers 503 for 38 min. 12 failures in a row; the circuit is open, so one request at a time is tried. " +
        "369,412 events wait, about 1,490 of them pass its filter. None is lost; none is given up before 25 Nov, 13:46.",
    )
  })

  it("that is set up wrongly, whose events do not expire", () => {
    const wrong = {
      ...failing,
      lastOutcome: "misconfigured" as const,
      lastStatus: 401,
      circuit: "closed" as const,
    }
    expect(both(wrong)).toContain("Answers 401 for 38 min: set up wrongly. 12 failures in a row. ")
    expect(both(wrong)).toContain("none expires for it")
  })

  it("that gives no reply", () => {
    expect(both({ ...failing, lastStatus: null })).toContain("Does not answer for 38 min.")
  })

  it("that catches up at its limit, and one that falls behind", () => {
    const behind = {
      ...fine,
      lag: 240_000,
      pending: 812_406,
      willSend: 9,
      rate: 400,
      limit: 400,
      filterRate: 1406,
    }
    expect(both(behind)).toContain("4 min behind, and catching up.")
    expect(both(behind)).toContain("Sends 400 a second, which is its limit, and gains 1,640 events a second")
    expect(both(behind)).toContain("caught up about 14:32")
    expect(both({ ...behind, filterRate: 0 }, { arriving: 440 })).toContain(
      "falling further behind. 812,406 events wait, about 9 of them pass its filter. Sends 400 a second, which is its limit, and loses 40 events a second",
    )
  })

  it("that flows", () => {
    expect(both(fine)).toBe("Flowing; nothing waits. 49.8 events a second.")
    expect(both({ ...fine, rate: 0 })).toBe("Flowing; nothing waits. Nothing was sent in the last minute.")
  })

  it("that is paused, and until when its events are kept", () => {
    const paused = {
      ...fine,
      pending: 9,
      lag: 60_000,
      disabled: { at: at(16, 40, 17), reason: "by-hand" as const },
    }
    expect(both(paused)).toBe(
      "Paused by hand since yesterday, 16:40. 9 events wait. Its place is kept. After 21 Nov, 14:23 the log may drop what waits.",
    )
    expect(both(paused, { keepFor: null })).not.toContain("drop")
  })
})

it("says the same shortly in a list", () => {
  expect(textOf(saysShortly(failing, now), now)).toBe("answers 503 for 38 min, next try 14:34:00")
  expect(textOf(saysShortly({ ...fine, lag: 1_200 }, now), now)).toBe("49.8 events/s, 1.2 s behind")
})
