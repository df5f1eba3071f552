/**
 * The header that carries a trace from one program to the next:
 * https://www.w3.org/TR/trace-context/
 */
import * as Tracer from "effect/Tracer"

export const headerName = "traceparent"

/** What a later version adds stands behind the flags. */
const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.{0,256})?$/

const sampledFlag = 1

/** `null` for what is none, or not as it should be: then a trace begins here. */
export const parse = (text: string): Tracer.ExternalSpan | null => {
  const [, version, traceId = "", spanId = "", flags = "", more] = pattern.exec(text) ?? []
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  const sampled = (Number.parseInt(flags, 16) & sampledFlag) !== 0
  return Tracer.externalSpan({ traceId, spanId, sampled })
}

export const format = ({ traceId, spanId, sampled }: Tracer.AnySpan): string =>
  `00-${traceId.padStart(32, "0")}-${spanId.padStart(16, "0")}-${sampled ? "01" : "00"}`
