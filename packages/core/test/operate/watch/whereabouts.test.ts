import { expect, test } from "vitest"
import * as LaneState from "../../../src/deliver/LaneState.ts"
import { type Known, whereabouts } from "../../../src/operate/watch/whereabouts.ts"
import * as Position from "../../../src/ports/Position.ts"

const event = { position: Position.fromNumber(3), index: 1, ordinal: 7, arrivedAt: 1_000 }

const state: LaneState.LaneState = { ...LaneState.initial(0), delivered: 12 }

const cursor = { position: Position.fromNumber(4), index: 0, state: "" }

const known: Known = {
  ...{ stand: { cursor, state, place: null }, reason: null, letter: null, disabled: null, createdAt: 0 },
  ...{ selectionSince: null, beginsNow: true, last: null, maxDelay: 0, rate: 0 },
}

const reason = { _tag: "NotIncluded" as const }

test("what was passed before the filter was changed is not known", () => {
  const changed = { ...known, selectionSince: 2_000 }
  expect(whereabouts(event, changed)).toEqual({ _tag: "PassedBefore", changedAt: 2_000, wouldPass: true })
  expect(whereabouts(event, { ...changed, reason })).toMatchObject({ _tag: "PassedBefore", wouldPass: false })
  expect(whereabouts({ ...event, arrivedAt: 2_001 }, { ...changed, reason })).toEqual({
    _tag: "Filtered",
    reason,
  })
})

test.each([
  ["before its entry", 2, 0, undefined, false],
  ["in its entry, before it", 2, 1, 3, false],
  ["in its entry, behind it", 2, 2, 3, true],
  ["in another entry after the same place", 2, 2, 5, false],
  ["behind its entry", 3, 0, undefined, true],
])("a cursor %s has passed it: %s, %s, %s: %s", (_, number, index, within, isPassed) => {
  const stand = {
    cursor: { position: Position.fromNumber(number), index, state: "" },
    state: within === undefined ? state : { ...state, within: Position.fromNumber(within) },
    place: null,
  }
  expect(whereabouts(event, { ...known, stand })._tag).toBe(isPassed ? "Delivered" : "Queued")
})
