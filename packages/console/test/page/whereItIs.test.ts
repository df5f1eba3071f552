import { describe, expect, it } from "vitest"
import type { EventAt } from "../../web/api/rows.ts"
import { happenedBefore, whereItIs } from "../../web/pages/live/whereItIs.ts"
import { textOf } from "../../web/text/said.ts"

const now = new Date(2026, 10, 18, 14, 24, 36).getTime()
const arrived = new Date(2026, 10, 18, 14, 23, 55, 406).getTime()
const at = (hours: number, minutes: number, seconds = 0) =>
  new Date(2026, 10, 18, hours, minutes, seconds).getTime()

const of = (is: EventAt["is"]) =>
  whereItIs({ destination: "billing", is, leaves: null, fields: { dropped: [], hashed: [] } }, arrived, now)

const delivered = {
  _tag: "Delivered",
  at: arrived + 780,
  status: 202,
  duration: 84,
  events: 163,
  webhookId: "m",
} as const
const dead = {
  _tag: "Dead",
  reason: "refused",
  message: "unknown attribute: loyalty_tier",
  status: 422,
  at: now,
  replayedAt: null,
} as const
const yesterday = new Date(2026, 10, 17, 16, 40).getTime()

describe("where an event is", () => {
  it.each<readonly [string, EventAt["is"], string]>([
    [
      "delivered",
      delivered,
      "Delivered 14:23:56.186, 780 ms after it arrived. Answered 202 in 84 ms, in a batch of 163.",
    ],
    [
      "delivered",
      { ...delivered, events: 1 },
      "Delivered 14:23:56.186, 780 ms after it arrived. Answered 202 in 84 ms.",
    ],
    [
      "delivered",
      { ...delivered, at: null, status: null, duration: null, events: null, webhookId: null },
      "Delivered. The attempt is no longer on record.",
    ],
    [
      "filtered",
      { _tag: "PassedBefore", changedAt: at(14, 2), wouldPass: true },
      "Passed by before the filter was changed at 14:02. What the old one said is not on record; the present one would send it.",
    ],
    [
      "filtered",
      { _tag: "PassedBefore", changedAt: at(14, 2), wouldPass: false },
      "Passed by before the filter was changed at 14:02. What the old one said is not on record; the present one would leave it out.",
    ],
    ["waiting", { _tag: "Filling", within: 1_000 }, "In the batch that is being filled: sent within 1.0 s."],
    [
      "waiting",
      { _tag: "Queued", ahead: 812_406, about: 480_000 },
      "Waits for its turn: 812,406 events are before it, about 8 min.",
    ],
    ["waiting", { _tag: "Queued", ahead: 1, about: null }, "Waits for its turn: 1 event is before it."],
    [
      "waiting",
      { _tag: "Failing", ahead: 369_398, status: 503, error: null, nextAt: at(14, 34, 6) },
      "Waits: billing answers 503. 369,398 events are before it. Next try 14:34:06.",
    ],
    [
      "waiting",
      { _tag: "Failing", ahead: 0, status: null, error: "refused", nextAt: null },
      "Waits: billing does not answer. 0 events are before it.",
    ],
    [
      "waiting",
      { _tag: "Paused", reason: "by-hand", since: yesterday, ahead: 1 },
      "Waits: paused by hand since yesterday, 16:40.",
    ],
    [
      "waiting",
      { _tag: "Paused", reason: "gone", since: at(13, 0), ahead: 1 },
      "Waits: it has answered 410, and is paused since 13:00.",
    ],
    [
      "waiting",
      { _tag: "HeldBack" },
      "Held back: refused alone, tried once more when another event has passed.",
    ],
    [
      "dead",
      dead,
      "Dead letter. Answered 422 to this event alone, while others passed: unknown attribute: loyalty_tier.",
    ],
    [
      "dead",
      { ...dead, message: 'answered 422: {"error":"no such plan"}' },
      'Dead letter. Answered 422 to this event alone, while others passed: {"error":"no such plan"}.',
    ],
    [
      "dead",
      { ...dead, message: "answered 422" },
      "Dead letter. Answered 422 to this event alone, while others passed.",
    ],
    [
      "dead",
      { ...dead, reason: "expired", status: 503, message: "answered 503" },
      "Dead letter. Given up after the destination had failed for too long: answered 503.",
    ],
    [
      "dead",
      {
        ...dead,
        reason: "unexportable",
        status: null,
        message: "x is not a function",
        replayedAt: at(14, 0),
      },
      "Dead letter. It could not be made: x is not a function. Replayed and delivered 14:00:00.",
    ],
    [
      "filtered",
      { _tag: "BeganLater", began: null },
      "Arrived before this destination began. A replay can send it.",
    ],
    [
      "filtered",
      { _tag: "BeganLater", began: at(9, 12) },
      "Arrived before this destination began, 09:12. A replay can send it.",
    ],
    [
      "filtered",
      { _tag: "Skipped" },
      "Skipped by hand, or done before that: which one is not on record. A replay can send it.",
    ],
    ["dead", { _tag: "Lost" }, "Dropped by the log before it was tried."],
  ])("%s: %o", (mark, is, expected) => {
    const where = of(is)
    expect([where.mark, textOf(where.said, now)]).toEqual([mark, expected])
  })

  it.each([
    [{ _tag: "CategoryOff", category: "exposures" }, 'The category "Exposures" is off.'],
    [{ _tag: "Unticked", eventName: "X" }, "X is off in the table of Custom Events."],
    [{ _tag: "NotListed", eventName: "X" }, "X is not in the table, and new events are not included."],
    [{ _tag: "NotIncluded" }, 'No name in "include" matches.'],
    [{ _tag: "Excluded", pattern: "debug_*" }, 'debug_* in "exclude" matches.'],
    [
      { _tag: "Where", field: "user.country", found: '"FR"', expected: "in [DE, AT, CH]" },
      'where: user.country is "FR", and not in [DE, AT, CH].',
    ],
    [
      { _tag: "Where", field: "metadata.currency", found: null, expected: "there" },
      "where: metadata.currency is not there, and not there.",
    ],
    [{ _tag: "Sampled", percent: 10 }, "sample: this user is not among the 10 %."],
    [{ _tag: "Predicate" }, "The program's own predicate says no."],
  ] as const)("filtered out: %o", (reason, expected) => {
    const where = of({ _tag: "Filtered", reason })
    expect([where.mark, textOf(where.said, now), where.button]).toEqual([
      "filtered",
      `Filtered out. ${expected}`,
      "Filter",
    ])
  })

  it("offers what helps", () => {
    expect([of(delivered), of(dead), of({ _tag: "HeldBack" })].map(({ button }) => button)).toEqual([
      "Attempt",
      "Replay",
      null,
    ])
  })
})

describe("when an event has happened", () => {
  it("is told when its sender has said it, by the clock that was corrected", () => {
    expect(happenedBefore({ time: 1_000 }, 3_200, 1_000)).toBe(1_200)
    expect(happenedBefore({ time: 9_000 }, 3_200, 0)).toBeNull()
    expect(happenedBefore({}, 3_200, 0)).toBeNull()
    expect(happenedBefore("cut", 3_200, 0)).toBeNull()
  })
})
