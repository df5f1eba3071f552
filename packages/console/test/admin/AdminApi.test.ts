import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "vitest"
import { actions } from "../../src/admin/AdminApi.ts"

const times = [1e24, 1e300, -1e300, 2 ** 53 + 2, Number.MAX_VALUE, -1, 0, 1_795_296_100_000]

const carries = (schema: Schema.ConstraintDecoder<unknown>, value: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(schema)(JSON.parse(JSON.stringify(value))))

describe.each(times)("what a store holds with the time %s", (time) => {
  const event = {
    ...{
      eventName: "x",
      user: {},
      userID: "",
      timestamp: time,
      value: "",
      metadata: {},
      statsigMetadata: {},
    },
    timeUUID: "00000000-0000-1000-8000-000000000001",
  }

  test("is shown as it comes", () => {
    expect(carries(actions.tail.event, { event })).toBe(true)
  })

  test("is shown by a dry run", () => {
    const report = { looked: 1, passed: 1, unexportable: 0, names: [], examples: [event] }
    expect(carries(actions.tryFilter.output, report)).toBe(true)
  })

  test("is listed as a dead letter", () => {
    const letter = {
      ...{ destination: "hook", eventId: event.timeUUID, reason: "refused", message: "", status: null },
      ...{ deadAt: time, receivedAt: time, eventName: "x", event: JSON.stringify(event), replayedAt: time },
    }
    expect(carries(actions.deadLetters.output, { letters: [letter], next: null })).toBe(true)
  })
})
