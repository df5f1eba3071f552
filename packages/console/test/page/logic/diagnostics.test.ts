import { expect, it } from "vitest"
import { diagnosticsOf } from "../../../web/logic/diagnostics.ts"

it("lists the newest first, and leaves out what nothing happened in", () => {
  const none = [null, 0, 0, 0]
  const rows = diagnosticsOf({
    from: 1_000,
    step: 60_000,
    since: 1_000,
    at: 241_000,
    delivered: none,
    failed: [null, 0, 2, 0],
    half: none,
    most: none,
    waiting: none,
    delay: none,
    events: [null, 7, 0, 0],
    forwarded: [null, 5, 0, 0],
    filtered: [null, 2, 0, 0],
    dead: none,
    rateLimited: none,
    error: [null, null, "answered 503", null],
  })
  expect(rows.map(({ at, events, failed, error }) => [at, events, failed, error])).toEqual([
    [121_000, 0, 2, "answered 503"],
    [61_000, 7, 0, null],
  ])
})
