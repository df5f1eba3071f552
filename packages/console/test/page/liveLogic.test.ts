import { describe, expect, it } from "vitest"
import type { EventRow, Frame } from "../../web/api/rows.ts"
import { add, countSays, makeMinute, nothing } from "../../web/pages/live/counting.ts"
import { leavingOf, parsed } from "../../web/pages/live/leaves.ts"
import { deadKey, markAt } from "../../web/pages/live/marks.ts"
import { parsePlace } from "../../web/pages/live/place.ts"
import * as Ring from "../../web/pages/live/ring.ts"
import { lookedSays, notFoundSays } from "../../web/pages/live/searchSays.ts"
import { linesOf } from "../../web/parts/json.ts"
import { suggest } from "../../web/shell/suggest.ts"
import { masked } from "../../web/text/mask.ts"
import { statusAt } from "../support/standIn/world.ts"

const row = (position: number, name = "page_viewed"): EventRow => [
  `0/${String(position).padStart(6, "0")}/0`,
  position,
  name,
  "custom",
  "u_1",
  "",
  "statsig-node 6.5.2",
  null,
  "pf",
  `id-${position}`,
]

const positions = (rows: ReadonlyArray<EventRow>) => rows.map(([, t]) => t)

describe("the ring", () => {
  const two = Ring.take(Ring.empty, [row(2), row(1)])

  it("shows what arrives, and holds what is looked at", () => {
    const held = Ring.take(Ring.hold(two, true), [row(4), row(3)])
    expect([positions(held.view), held.newer]).toEqual([[2, 1], 2])
    expect(positions(Ring.hold(held, false).view)).toEqual([4, 3, 2, 1])
  })

  it("has each event once, whether it came or was found", () => {
    expect(positions(Ring.take(two, [row(3), row(2)]).rows)).toEqual([3, 2, 1])
    expect(positions(Ring.append(two, [row(1), row(0)]).view)).toEqual([2, 1, 0])
  })

  it("forgets the oldest", () => {
    const many = Array.from({ length: Ring.capacity }, (_, at) => row(3 + Ring.capacity - at))
    const { rows } = Ring.take(two, many)
    expect([rows.length, positions(rows).at(-1)]).toEqual([Ring.capacity, 4])
  })
})

describe("a mark", () => {
  const progress = {
    ids: ["billing", "crm"],
    cursors: { billing: ["000007"] },
    dead: new Set([deadKey("billing", "id-6")]),
  }
  const mark = (place: string, marks: string, index: number) =>
    markAt(progress, `id-${Number(place.split("/")[1])}`, parsePlace(place), marks, index)

  it("is made of what the filter says and how far the destination has come", () => {
    expect(mark("0/000007/3", "pf", 0)).toBe("delivered")
    expect(mark("0/000008/0", "pf", 0)).toBe("waiting")
    expect(mark("0/000006/0", "pf", 0)).toBe("dead")
    expect(mark("0/000007/0", "pf", 1)).toBe("filtered")
    expect(mark("1/000001/0", "pp", 0)).toBe("waiting")
    expect(mark("0/000007/0", "pf", 2)).toBeNull()
  })
})

describe("what is counted", () => {
  const frame = (changes: Partial<Frame>): Frame => ({
    at: 100_000,
    arrived: 42,
    matched: 42,
    looked: 42,
    missed: 0,
    rows: [row(99_990)],
    ids: [],
    cursors: {},
    dead: [],
    ...changes,
  })
  const says = (frames: ReadonlyArray<Frame>, isNarrowed: boolean) =>
    countSays(frames.reduce(add, nothing), 166, isNarrowed)

  it("says how much of it is shown", () => {
    const before = frame({ arrived: 0, rows: [row(1), row(2), row(3)] })
    expect(says([before, frame({}), frame({})], false)).toBe(
      "166 a second, 1 of 42 shown; narrow it down to see every match",
    )
    expect(says([frame({ arrived: 1 })], false)).toBe("166 a second")
    expect(says([frame({ matched: 1 })], true)).toBe("every match is shown, of 166 events a second")
    expect(says([frame({ matched: 50 })], true)).toBe("1 of 50 matches is shown, of 166 events a second")
    expect(says([frame({ matched: 1, missed: 2 })], true)).toContain("2 frames were missed")
  })

  it("is estimated by name from what is shown of the last minute", () => {
    const minute = makeMinute()
    minute.add(frame({ at: 1_000, rows: [row(990, "old")] }))
    minute.add(frame({ arrived: 40, rows: [row(99_990, "a"), row(99_991, "b")] }))
    minute.add(frame({ arrived: 10, rows: [row(99_992, "a")] }))
    expect(minute.names(5)).toEqual([
      ["a", 30],
      ["b", 20],
    ])
  })
})

describe("what leaves", () => {
  const came = { user: { userID: "u", ip: "203.0.113.9" }, metadata: { a: "1" } }

  it("shows what was dropped beside what is left", () => {
    const left = { user: { userID: "hash" }, metadata: { a: "1" } }
    const { value, changes } = leavingOf(left, came, {
      dropped: ["user.ip", "gone.away"],
      hashed: ["user.userID"],
    })
    expect(value).toEqual({ user: { userID: "hash", ip: "203.0.113.9" }, metadata: { a: "1" } })
    expect(changes).toEqual({ "user.ip": "dropped", "gone.away": "dropped", "user.userID": "hashed" })
  })

  it("is no JSON when it was cut", () => {
    expect(parsed('{"a":')).toBeNull()
    expect(parsed("null")).toEqual({ value: null })
  })

  it("hides values, and not ids", () => {
    expect(
      masked({ eventName: "x", value: 3, user: { userID: "u", email: "e", empty: "" }, time: 1 }),
    ).toEqual({
      eventName: "x",
      value: "•••",
      user: { userID: "u", email: "•••", empty: "" },
      time: 1,
    })
  })
})

describe("JSON", () => {
  it("is lines, each with what it is", () => {
    const { lines, total } = linesOf({ a: "x", b: [1, {}], c: null }, { "b.0": "hashed" })
    expect(
      lines.map(
        ({ depth, key, value, tail }) => `${"  ".repeat(depth)}${key ? `${key}: ` : ""}${value}${tail}`,
      ),
    ).toEqual(["{", '  "a": "x",', '  "b": [', "    1,", "    {}", "  ],", '  "c": null', "}"])
    expect([total, lines[3]!.change, lines[1]!.kind, lines[6]!.kind]).toEqual([8, "hashed", "text", "atom"])
  })

  it("is cut where nobody reads on", () => {
    const { lines, total } = linesOf(
      Array.from({ length: 1_000 }, (_, at) => at),
      {},
      200,
    )
    expect([lines.length, total]).toEqual([200, 1_002])
  })
})

describe("a search", () => {
  const backTo = new Date(2026, 10, 15, 14, 26).getTime()
  it("says how far was looked", () => {
    const looked = { looked: 33_184_902, backTo, isAll: true, took: 6_200 }
    expect(lookedSays(looked)).toBe("Looked at 33,184,902 events, back to 15 Nov 14:26, in 6.2 s.")
    expect(notFoundSays(looked)).toBe(
      "All 33,184,902 events kept were looked at, back to 15 Nov 14:26, in 6.2 s. So it has never been accepted, or is older than what is kept.",
    )
    expect(notFoundSays({ ...looked, isAll: false })).toBe(
      "33,184,902 events were looked at, back to 15 Nov 14:26, in 6.2 s. What is older was not.",
    )
  })
})

describe("the find box", () => {
  const { destinations } = statusAt(0, "usual")
  const names = [{ eventName: "checkout_completed", volume: 38_204 }]
  const titles = (text: string) => suggest(text, names, destinations, []).map(({ title }) => title)

  it("guesses what somebody means", () => {
    expect(titles("")).toEqual([])
    expect(titles("9f2c41d0-c4a1-11f1-9b7e-1d2c3b4a5968")).toEqual(["This looks like an event's id"])
    expect(titles("msg_5dd0c94c27b1")).toEqual(["This looks like a webhook-id"])
    expect(titles("u_48213")).toEqual(["Events"])
    expect(titles("check")).toEqual(["Event names", "Events"])
    expect(titles("completed")).toEqual(["Events", "Event names"])
    expect(titles("billing")).toEqual(["Destinations", "Events"])
  })

  it("keeps what was written out of anything but the fragment", () => {
    const [events] = suggest("a&b=c#d", names, [], [])
    expect(events!.items.map(({ href }) => href)).toEqual([
      "#/live?user=a%26b%3Dc%23d",
      "#/live?text=a%26b%3Dc%23d",
    ])
  })
})
