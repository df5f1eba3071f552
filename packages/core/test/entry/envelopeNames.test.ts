import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as EntryNames from "../../src/entry/envelopeNames.ts"
import { accepted, decodeJson, plainHttp, read, sdk, webhook } from "../support/wire.ts"

const names = fc.array(
  fc.constantFrom("a", "b", 'c,"names":["d"]', "]}", "é", "page_view", "x".repeat(200)),
  {
    minLength: 1,
    maxLength: 30,
  },
)

describe("an entry", () => {
  it("may be wanted when and only when one of its events may be, whatever it was sent as", () => {
    const head = fc.constantFrom(plainHttp, sdk, webhook)
    fc.assert(
      fc.property(head, names, fc.string(), fc.func(fc.boolean()), (head, eventNames, sessionID, wants) => {
        const events = eventNames.map((eventName) => ({ eventName, user: { userID: "u" }, time: 1 }))
        const { entry } = accepted(decodeJson({ ...head, sessionID }, { events }))
        const expected = read(entry!).events.some(({ eventName }) => wants(eventName))
        const isNamed = EntryNames.summaryOf(eventNames) !== undefined
        expect(EntryNames.mayWant(entry!.envelope, wants)).toBe(expected || !isNamed)
      }),
    )
  })

  it("that does not name its events may be wanted by everybody", () => {
    for (const envelope of [
      "{}",
      '{"v":1}',
      '{"v":1,"names":7}',
      '{"v":1,"names":["a"],"later":1}',
      "",
      "]",
    ]) {
      expect(EntryNames.mayWant(envelope, () => false)).toBe(true)
    }
  })
})

describe("the summary", () => {
  it("has every name once, or there is none because they are too many", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }), (eventNames) => {
        const different = [...new Set(eventNames)]
        const fits = different.length <= 8 && different.join("").length <= 256
        expect(EntryNames.summaryOf(eventNames)).toEqual(fits ? different : undefined)
      }),
    )
  })
})
