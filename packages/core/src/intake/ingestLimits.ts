import type { OptionProblem } from "../base/InvalidOptions.ts"
import type * as Wire from "./Wire.ts"

export interface IngestLimits extends Wire.WireLimits {
  /**
   * Bytes of decompressed bodies that wait for the store at once: what a store that hangs can cost
   * in memory. 256 MB holds 25 requests of the largest size, and 10,000 of the usual 26 KB.
   */
  readonly inFlightBytes: number
}

export const defaultLimits: IngestLimits = {
  bodyBytes: 10 * 1024 * 1024,
  events: 10_000,
  nesting: 64,
  sentBytes: 32 * 1024 * 1024,
  inFlightBytes: 256 * 1024 * 1024,
}

export const limitProblems = (limits: IngestLimits): ReadonlyArray<OptionProblem> => [
  ...(["bodyBytes", "events", "nesting", "sentBytes", "inFlightBytes"] as const).flatMap((name) =>
    Number.isSafeInteger(limits[name]) && limits[name] > 0
      ? []
      : [{ path: `limits.${name}`, message: "expected a positive integer" }],
  ),
  ...(limits.inFlightBytes < limits.bodyBytes
    ? [{ path: "limits.inFlightBytes", message: "expected room for one body of limits.bodyBytes at least" }]
    : []),
]

/** With what a user does not say. */
export const limitsOf = (limits?: Partial<IngestLimits>): IngestLimits => {
  const bodyBytes = limits?.bodyBytes ?? defaultLimits.bodyBytes
  // A host that takes larger bodies wants them sent as well.
  const sentBytes = Math.max(defaultLimits.sentBytes, bodyBytes * 3)
  return { ...defaultLimits, sentBytes, ...limits }
}
