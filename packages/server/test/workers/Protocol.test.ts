import { Ingest } from "@millrace/core"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { bytesEach } from "../../src/workers/Protocol.ts"

test("workers share out what may be in memory, and each can take the largest body", () => {
  const { bodyBytes, inFlightBytes } = Ingest.defaultLimits
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), (workers) => {
      const each = bytesEach(workers, Ingest.defaultLimits)
      expect(each).toBeGreaterThanOrEqual(bodyBytes)
      if (each > bodyBytes) expect(each * workers).toBeLessThanOrEqual(inFlightBytes)
    }),
  )
})
