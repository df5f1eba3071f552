import type { Rows } from "@millrace/core/host"
import { describe, expect, it } from "vitest"
import {
  choicesOf,
  chooseCause,
  chooseLetter,
  countOf,
  destinationsOf,
  inWords,
  isChosen,
  jobSays,
  none,
} from "../../../web/logic/letters.ts"

const cause = (destination: string, count: number, pattern = "answered 422: …"): Rows.Cause => ({
  destination,
  reason: "refused",
  pattern,
  status: 422,
  count,
  replayed: 0,
  first: 1,
  last: 2,
  names: ["checkout_completed"],
})

const crm = cause("crm", 198)
const crmToo = cause("crm", 4, "answered 400: …")
const billing = cause("billing", 3)
const causes = [crm, crmToo, billing]

describe("choosing letters", () => {
  it("counts whole causes and single letters", () => {
    const chosen = chooseLetter(chooseCause(none, crm, true), billing, "b1", true, ["b1", "b2", "b3"])
    expect(countOf(chosen, causes)).toBe(199)
    expect(destinationsOf(chosen, causes)).toEqual(["crm", "billing"])
  })

  it("takes all letters of a cause, one by one, for the cause", () => {
    const chosen = ["b1", "b2", "b3"].reduce((so, id) => chooseLetter(so, billing, id, true, []), none)
    expect(choicesOf(chosen, causes)).toEqual([
      { destination: "billing", cause: { reason: "refused", pattern: "answered 422: …", status: 422 } },
    ])
  })

  it("leaves of a whole cause those that were shown, when one is taken out", () => {
    const chosen = chooseLetter(chooseCause(none, crm, true), crm, "c2", false, ["c1", "c2", "c3"])
    expect(countOf(chosen, causes)).toBe(2)
    expect(isChosen(chosen, crm, "c1")).toBe(true)
    expect(isChosen(chosen, crm, "c9")).toBe(false)
  })

  it("asks for the letters of one destination together, and for nothing of another", () => {
    const one = chooseLetter(none, crm, "c1", true, [])
    const chosen = chooseLetter(one, crmToo, "d1", true, [])
    expect(choicesOf(chosen, causes)).toEqual([{ destination: "crm", eventIds: ["c1", "d1"] }])
  })

  it("is nothing again when the last one goes", () => {
    expect(chooseLetter(chooseLetter(none, crm, "c1", true, []), crm, "c1", false, []).size).toBe(0)
  })
})

it("names whose letters they are", () => {
  expect(inWords(["crm"])).toBe("crm")
  expect(inWords(["intake", "crm"])).toBe("those rejected on arrival and crm")
})

it("tells how a replay goes, and how it went", () => {
  const job: Rows.Job = {
    name: "letters-1",
    kind: "letters",
    destination: "crm",
    total: 198,
    looked: 110,
    delivered: 106,
    filtered: 0,
    failed: 4,
    startedAt: 1,
    endedAt: null,
    stopped: null,
  }
  expect(jobSays(job)).toBe("106 delivered, 4 refused again, 88 left.")
  expect(jobSays({ ...job, looked: 198, delivered: 194, endedAt: 2 })).toBe("194 delivered, 4 refused again.")
})
