import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import * as TraceParent from "../../../src/base/tracing/traceParent.ts"

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const spanId = "00f067aa0ba902b7"

const hexOf = (digits: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: digits, maxLength: digits })

describe("traceparent", () => {
  it("is written as it is read", () => {
    fc.assert(
      fc.property(hexOf(32), hexOf(16), fc.boolean(), (traceId, spanId, sampled) => {
        fc.pre(!/^0+$/.test(traceId) && !/^0+$/.test(spanId))
        const text = `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`
        const span = TraceParent.parse(text)!
        expect(span).toMatchObject({ traceId, spanId, sampled })
        expect(TraceParent.format(span)).toBe(text)
      }),
    )
  })

  it("may be of a later version, and say more", () => {
    expect(TraceParent.parse(`cc-${traceId}-${spanId}-03-what-the-future-has`)).toMatchObject({
      ...{ traceId, spanId, sampled: true },
    })
  })

  it.each([
    "",
    "00",
    `00-${traceId}-${spanId}`,
    `00-${traceId}-${spanId}-01-more`,
    `ff-${traceId}-${spanId}-01`,
    `00-${"0".repeat(32)}-${spanId}-01`,
    `00-${traceId}-${"0".repeat(16)}-01`,
    `00-${traceId.toUpperCase()}-${spanId}-01`,
    ` 00-${traceId}-${spanId}-01`,
    `00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`,
  ])("is none as %j", (text) => {
    expect(TraceParent.parse(text)).toBeNull()
  })

  it("is none that is anything else", () => {
    fc.assert(fc.property(fc.string(), (text) => TraceParent.parse(text) === null))
  })
})
