import { Rows } from "@millrace/core/host"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "vitest"
import { actions } from "../../src/admin/AdminApi.ts"
import { hidden, masked } from "../../src/admin/mask.ts"

const secret = "somebody's own"

const event = {
  ...{ eventName: "paid", userID: "u1", timestamp: 1, value: secret, statsigMetadata: { sdkType: "js" } },
  user: { userID: "u1", customIDs: { company: "c1" }, email: secret, custom: { plan: secret, seats: 4 } },
  metadata: { cart: [{ item: secret }] },
  timeUUID: "00000000-0000-1000-8000-000000000001",
}

const shown = {
  ...event,
  value: hidden,
  user: {
    ...event.user,
    email: hidden,
    custom: { plan: hidden, seats: hidden },
  },
  metadata: { cart: [{ item: hidden }] },
}

const letter = (text: string) => ({
  ...{ destination: "hook", eventId: event.timeUUID, reason: "refused", message: "", status: null },
  ...{ deadAt: 1, receivedAt: 1, eventName: "paid", event: text, replayedAt: null },
})

const row = (value: string) => ["0/1/0", 1, "paid", "custom", "u1", value, "js", null, "p"]

describe("of those who may only read, the values of users are hidden", () => {
  test.each([
    ["tail", actions.tail, actions.tail.event, { event }, { event: shown }],
    [
      "a dry run",
      actions.tryFilter,
      actions.tryFilter.output,
      { looked: 1, passed: 1, unexportable: 0, names: [], examples: [event] },
      { looked: 1, passed: 1, unexportable: 0, names: [], examples: [shown] },
    ],
    [
      "dead letters",
      actions.deadLetters,
      actions.deadLetters.output,
      { letters: [letter(JSON.stringify(event))], next: null },
      { letters: [letter(JSON.stringify(shown))], next: null },
    ],
    [
      "a dead letter that was cut",
      actions.deadLetters,
      actions.deadLetters.output,
      { letters: [letter(`{"user":{"email":"${secret}`)], next: null },
      { letters: [letter(JSON.stringify(hidden))], next: null },
    ],
  ])("in %s", (_, action, shape, before, after) => {
    expect(masked(action, before)).toEqual(after)
    expect(JSON.stringify(masked(action, before))).not.toContain(secret)
    // What is left is still what the document says.
    expect(Result.isSuccess(Schema.decodeUnknownResult(shape)(masked(action, before)))).toBe(true)
  })

  test("in a row of a list, a trace and an attempt's request", () => {
    const frame = { frame: { rows: [row(secret)] } }
    const { findEvents } = Rows.eventRows
    expect(masked(findEvents, { row: row(secret) })).toEqual({ row: row(hidden) })
    expect(masked(findEvents, frame)).toEqual({ frame: { rows: [row(hidden)] } })
    const trace = {
      came: JSON.stringify(event),
      places: [{ leaves: JSON.stringify(event), is: { found: secret } }],
    }
    expect(masked(findEvents, trace)).toEqual({
      came: JSON.stringify(shown),
      places: [{ leaves: JSON.stringify(shown), is: { found: hidden } }],
    })
    expect(masked(findEvents, { request: { headers: {}, body: secret } })).toEqual({
      request: { headers: {}, body: hidden },
    })
  })

  test("or what a row says of itself", () => {
    const action = { ...actions.tail, masked: () => "its own" }
    expect(masked(action, { event })).toBe("its own")
  })
})
