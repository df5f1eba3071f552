import { describe, expect, it } from "vitest"
import type { Cause, Destination, Status } from "../../web/api/rows.ts"
import { caughtUpAt } from "../../web/logic/caughtUpAt.ts"
import { type Known, needsOf } from "../../web/pages/overview/attention.ts"
import { isFirstRun, stepsOf } from "../../web/pages/overview/firstSteps.ts"
import { laneSays, levelSays, mostLanes, restSays } from "../../web/pages/overview/race.ts"
import { unlikeYesterday } from "../../web/pages/overview/unlikeYesterday.ts"
import { verdictOf } from "../../web/pages/overview/verdict.ts"
import { stateOf } from "../../web/text/destinationState.ts"
import { lanesOf } from "../../web/text/lanes.ts"
import { textOf } from "../../web/text/said.ts"
import { statusAt } from "../support/standIn/world.ts"

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = new Date(2026, 10, 18, 14, 24, 36).getTime()

const calm = statusAt(now, "calm")
const flowing = calm.destinations[0]!

const row = (id: string, changes: Partial<Destination> = {}): Destination => ({ ...flowing, id, ...changes })

const status = (destinations: ReadonlyArray<Destination>, changes: Partial<Status> = {}): Status => ({
  ...calm,
  destinations,
  ...changes,
})

const failing = (id: string, changes: Partial<Destination> = {}): Destination =>
  row(id, {
    failures: 12,
    failingSince: new Date(2026, 10, 18, 13, 46, 9).getTime(),
    circuit: "open",
    lastOutcome: "not-now",
    lastStatus: 503,
    nextAt: new Date(2026, 10, 18, 14, 34, 6).getTime(),
    givesUpAt: new Date(2026, 10, 25, 13, 46).getTime(),
    due: flowing.due + 369_187,
    pending: 369_412,
    willSend: 1_490,
    ...changes,
  })

const behind = (id: string): Destination => row(id, { lag: 81 * minute })

const gib = 2 ** 30

describe("the state of a destination", () => {
  it.each([
    [row("a"), "flowing"],
    [row("a", { failures: 2, lastOutcome: "not-now" }), "flowing"],
    [row("a", { failures: 3, lastOutcome: "not-now" }), "failing"],
    [row("a", { failures: 1, lastOutcome: "misconfigured" }), "failing"],
    [row("a", { circuit: "half-open" }), "failing"],
    [row("a", { lag: 10_001 }), "behind"],
    [row("a", { lag: 10_001, disabled: { at: now, reason: "by-hand" } }), "paused"],
    [row("a", { failures: 9, disabled: { at: now, reason: "gone" } }), "gone"],
  ])("%#: is told in one word", (destination, expected) => {
    expect(stateOf(destination)).toBe(expected)
  })
})

describe("the verdict", () => {
  const down = { ...calm.store, problem: "disk I/O error" }
  const wrongKeys = { ...calm.intake, wrongKeys: 12 }
  it.each([
    ["All is well.", status([row("a")])],
    ["12 requests had a wrong key.", status([row("a")], { intake: wrongKeys })],
    ["All is well.", status([row("a")], { intake: { ...wrongKeys, wrongKeys: 4 } })],
    ["1 destination is catching up.", status([behind("a")], { intake: wrongKeys })],
    ["2 destinations are failing, 1 is catching up.", status([behind("a"), failing("b"), failing("c")])],
    [
      "a has lost 1,263 events: the log dropped them untried.",
      status([row("a", { trimmed: 1_263, due: flowing.due + 1_263 }), failing("b")]),
    ],
    [
      "The ledger of b is off by 12: please report this.",
      status([row("a", { trimmed: 1, due: flowing.due + 1 }), row("b", { due: flowing.due + 12 })]),
    ],
    ["The store does not answer. Intake answers 503.", status([row("b", { due: 0 })], { store: down })],
  ])("is the first that holds: %s", (expected, given) => {
    expect(verdictOf(given).says).toBe(expected)
  })

  it("says that nothing is lost only when it is so", () => {
    const nothingLost = (destinations: ReadonlyArray<Destination>) =>
      verdictOf(status(destinations)).nothingLost
    expect(nothingLost([row("a"), failing("b")])).toBe(
      "Nothing is lost: the ledger adds up for 2 of 2 destinations.",
    )
    expect(nothingLost([row("a", { due: flowing.due + 1 })])).toBeNull()
    expect(nothingLost([row("a", { due: flowing.due + 1, trimmed: 1 })])).toBeNull()
  })
})

describe("what needs somebody", () => {
  const known = (changes: Partial<Known>): Known => ({
    status: status([]),
    causes: [],
    refusals: [],
    checks: [],
    ...changes,
  })
  const texts = (changes: Partial<Known>) =>
    needsOf(known(changes)).map(({ title, text, button }) => [title, textOf(text, now), button.text])

  const cause: Cause = {
    destination: "growth-crm",
    reason: "refused",
    pattern: "unknown attribute",
    status: 422,
    count: 198,
    replayed: 0,
    first: new Date(2026, 10, 18, 9, 41).getTime(),
    last: now - minute,
    names: ["checkout_completed"],
  }

  it("is nothing when all is well", () => {
    expect(texts({ status: status([row("a")]) })).toEqual([])
  })

  it("is a log that fills up", () => {
    const store = { ...calm.store, bytes: 9.5 * gib, cap: 10 * gib, events: 9_500_000 }
    const full = row("billing", { pending: 9_200_000 })
    const intake = { ...calm.intake, rate: 160 }
    expect(texts({ status: status([full, row("b")], { store, intake }) })).toEqual([
      [
        "The log is full at about 15:47.",
        "Then new requests get 503. What waits for billing holds it.",
        "Open",
      ],
    ])
  })

  it("is a destination that is set up wrongly", () => {
    const wrong = failing("billing", {
      failures: 1,
      lastOutcome: "misconfigured",
      lastStatus: 401,
      nextAt: null,
    })
    expect(texts({ status: status([wrong]) })).toEqual([
      [
        "billing answers 401 since 13:46: set up wrongly",
        "369,412 events wait. No event expires for it.",
        "Settings",
      ],
    ])
  })

  it("is a destination that is gone", () => {
    expect(texts({ status: status([row("crm", { disabled: { at: now, reason: "gone" } })]) })).toEqual([
      ["crm is gone: it answered 410", "Paused; its place is kept.", "Open"],
    ])
  })

  it("is a destination that fails", () => {
    expect(texts({ status: status([failing("billing")]) })).toEqual([
      [
        "billing answers 503 since 13:46",
        "12 failures in a row. 369,412 events wait, about 1,490 of them are for it. None is lost, and none is given up before 25 Nov. Next try at 14:34:06.",
        "Try now",
      ],
    ])
    expect(texts({ status: status([failing("billing", { lastStatus: null })]) })[0]![0]).toBe(
      "billing does not answer since 13:46",
    )
  })

  it("is a destination that falls behind, and not one that catches up", () => {
    const slow = row("warehouse", { lag: 11 * minute, limit: 120, rate: 120, filterRate: 0 })
    const intake = { ...calm.intake, rate: 160 }
    expect(texts({ status: status([slow], { intake }) })[0]).toEqual([
      "warehouse falls behind by 40 events/s: its limit is 120/s",
      "It is 11 min late, and 225 events wait.",
      "Settings",
    ])
    expect(texts({ status: status([slow], { intake: { ...intake, rate: 100 } }) })).toEqual([])
    expect(texts({ status: status([{ ...slow, lag: 10 * minute }], { intake }) })).toEqual([])
  })

  it("is a cause of dead letters of the last hour", () => {
    expect(texts({ causes: [cause] })).toEqual([
      [
        "growth-crm refuses checkout_completed",
        "198 events since 09:41, each answered 422: unknown attribute. The rest passes.",
        "Dead letters",
      ],
    ])
    // As it comes from the server: what it was answered is said once.
    const said = (pattern: string) => texts({ causes: [{ ...cause, pattern }] })[0]![1]
    expect(said("answered 422: unknown attribute")).toBe(
      "198 events since 09:41, each answered 422: unknown attribute. The rest passes.",
    )
    expect(said("answered 422")).toBe("198 events since 09:41, each answered 422. The rest passes.")
    expect(texts({ causes: [{ ...cause, last: now - hour - 1 }] })).toEqual([])
    expect(texts({ causes: [{ ...cause, replayed: 198 }] })).toEqual([])
  })

  it("is a sender with a wrong key", () => {
    const intake = { ...calm.intake, wrongKeys: 12 }
    const refusal = { last: now, count: 12, route: "log_event", status: 401, message: "unknown key" }
    const refusals = [{ ...refusal, sdk: "javascript-client 3.31.0", keyKind: "client-" }]
    expect(texts({ status: status([], { intake }), refusals })).toEqual([
      [
        "12 requests had a wrong key",
        "In the last 15 minutes, most from javascript-client 3.31.0 with a key that begins with client-. They were answered 401, and nothing of them is kept.",
        "View",
      ],
    ])
  })

  it("is what was paused for long, or is not configured any more", () => {
    const at = new Date(2026, 10, 17, 16, 40).getTime()
    const byHand = row("staging", { disabled: { at, reason: "by-hand" } })
    expect(texts({ status: status([byHand]) })).toEqual([
      [
        "staging is paused by hand",
        "Since yesterday, 16:40. What waits for it is kept for as long as it would be tried, 7 days unless its giveUpAfter says otherwise; after that the log may drop it.",
        "Resume",
      ],
    ])
    const fresh = row("staging", { disabled: { at: now - hour, reason: "by-hand" } })
    expect(texts({ status: status([fresh]) })).toEqual([])
    expect(texts({ status: status([row("old", { disabled: { at, reason: "unconfigured" } })]) })).toEqual([
      [
        "old is not in the configuration any more",
        "Since yesterday, 16:40. What waits for it is kept until 24 Nov, 16:40; after that the log may drop it.",
        "Open",
      ],
    ])
  })

  it("is a check that is wrong", () => {
    const checks = [
      { name: "clock", level: "wrong", message: "The clock is 3 min off." },
      { name: "store", level: "note", message: "x" },
    ] as const
    expect(texts({ checks })).toEqual([["A check is wrong: clock", "The clock is 3 min off.", "Health"]])
  })

  it("stands in its order", () => {
    const all = status(
      [
        row("paused", { disabled: { at: now - day, reason: "by-hand" } }),
        failing("failing"),
        row("gone", { disabled: { at: now, reason: "gone" } }),
        failing("wrong", { lastOutcome: "misconfigured" }),
      ],
      { intake: { ...calm.intake, wrongKeys: 5 } },
    )
    const checks = [{ name: "clock", level: "wrong", message: "" }] as const
    expect(
      needsOf(known({ status: all, causes: [cause], checks })).map(({ key }) => key.split(" ")[0]),
    ).toEqual(["misconfigured", "gone", "failing", "letters", "keys", "paused", "check"])
  })
})

describe("the race", () => {
  it("has a lane for each of few, by id, and for the worst of many", () => {
    const few = [row("a"), failing("b")]
    expect(lanesOf(few, mostLanes)).toEqual({ shown: few, rest: [] })
    const many = Array.from({ length: 98 }, (_, at) => row(`d${at}`))
    const { shown, rest } = lanesOf([...many, failing("worst"), behind("late")], mostLanes)
    expect(shown.map(({ id }) => id).slice(0, 2)).toEqual(["worst", "late"])
    expect([shown.length, restSays(rest)]).toEqual([8, "92 more, all flowing"])
  })

  it.each([
    [row("a", { rate: 49.8, lag: 1_180 }), "49.8 events/s, 1.2 s behind"],
    [row("a", { rate: 0, lag: null }), "nothing to send"],
    [failing("a"), "answers 503 for 38 min"],
    [{ ...behind("a"), rate: 400, filterRate: 1_418, pending: 812_406 }, "1 h 21 min behind until 14:32"],
    [{ ...behind("a"), rate: 10, filterRate: 0 }, "1 h 21 min behind, and more"],
    [row("a", { disabled: { at: now - hour, reason: "by-hand" } }), "by hand, since 13:24"],
    [row("a", { disabled: { at: now - hour, reason: "gone" } }), "answered 410, at 13:24"],
  ])("%#: says what a lane does", (destination, expected) => {
    expect(laneSays(destination, 166, now)).toBe(expected)
  })

  it.each([
    [{ bytes: 8.3 * gib, cap: 10 * gib }, "8.3 of 10 GiB"],
    [{ bytes: 3.1 * 2 ** 20, cap: 10 * gib }, "3.1 MiB of 10 GiB"],
    [{ bytes: 124.8 * 2 ** 20, cap: gib }, "124 MiB of 1 GiB"],
    [{ bytes: 0, cap: 128 * 2 ** 20 }, "0 B of 128 MiB"],
    [{ bytes: 2 * gib, cap: null }, "2 GiB"],
    [{ bytes: null, cap: 10 * gib }, "9,500 events"],
  ])("%#: says how full the log is", (level, expected) => {
    expect(levelSays({ ...calm.store, events: 9_500, ...level })).toBe(expected)
  })

  it("knows when a destination never catches up", () => {
    expect(caughtUpAt(row("a", { rate: 100, filterRate: 60 }), 166, now)).toBeNull()
  })
})

describe("first steps", () => {
  it("are ticked by what has happened", () => {
    const fresh = statusAt(now, "first-run")
    expect([isFirstRun(fresh), stepsOf(fresh)]).toEqual([
      true,
      { sent: false, connected: false, delivered: false },
    ])
    const sent = { ...fresh, intake: { ...fresh.intake, stored: 1 } }
    expect([isFirstRun(sent), stepsOf(sent).sent]).toEqual([true, true])
    expect(isFirstRun({ ...sent, destinations: [row("a")] })).toBe(false)
  })
})

describe("names unlike yesterday", () => {
  const name = (eventName: string, volume: number, change: number | null) => ({
    eventName,
    category: "custom" as const,
    volume,
    hours: [],
    change,
  })
  it("are those that differ enough, and of which there are enough", () => {
    const names = [
      name("small change", 1_000, 0.14),
      name("few", 299, 5),
      name("unknown", 9_000, null),
      name("more", 1_000, 0.15),
      name("less", 60_000, -0.41),
    ]
    expect(unlikeYesterday(names).map(({ eventName }) => eventName)).toEqual(["less", "more"])
  })
})
