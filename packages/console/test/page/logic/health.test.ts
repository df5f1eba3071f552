import { expect, it } from "vitest"
import { asText, didSays, fullIn, hasPage, sorted, verdict } from "../../../web/logic/health.ts"

const row = { id: "billing", due: 10, delivered: 4, filtered: 3, dead: 1, trimmed: 0, pending: 2 }

const now = (rows: ReadonlyArray<object>, problem: string | null = null) =>
  ({ destinations: rows, store: { problem } }) as unknown as Parameters<typeof verdict>[0]

it("says the worst that holds", () => {
  expect(verdict(now([row]))).toBe("Everything adds up.")
  expect(verdict(now([{ ...row, due: 22 }]))).toBe("The ledger of billing is off by 12: please report this.")
  expect(verdict(now([{ ...row, due: 1_273, trimmed: 1_263 }]))).toBe(
    "billing has lost 1,263 events: the log dropped them untried.",
  )
  expect(verdict(now([{ ...row, due: 22 }], "disk I/O error"))).toBe("The store does not answer.")
})

it("says how long there is room at this rate, and nothing where nobody can tell", () => {
  const filling = (store: object, rate: number) =>
    fullIn({ store, intake: { rate } } as unknown as Parameters<typeof fullIn>[0])
  const store = { bytes: 500, cap: 1_000, events: 50 }
  expect(filling(store, 10)).toBe(5_000)
  expect(filling({ ...store, cap: null }, 10)).toBeNull()
  expect(filling(store, 0)).toBeNull()
  expect(filling({ ...store, events: 0 }, 10)).toBeNull()
})

it("puts what is wrong first, and writes it as the command does", () => {
  const checks = [
    { name: "store", level: "ok", message: "fine" },
    { name: "keys", level: "wrong", message: "none" },
    { name: "rest", level: "note", message: "so so" },
  ] as const
  expect(sorted(checks).map(({ name }) => name)).toEqual(["keys", "rest", "store"])
  expect(asText(checks).split("\n")[1]).toBe("wrong keys: none")
})

it("says in words what was done, and what has a page", () => {
  expect(didSays("destinations/disable")).toBe("paused")
  expect(didSays("constructor")).toBe("constructor")
  expect(["keys/revoke", "send", "jobs/stop", "destinations/add"].filter(hasPage)).toEqual([
    "destinations/add",
  ])
})
