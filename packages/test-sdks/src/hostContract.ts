import { randomBytes } from "node:crypto"
import type { Millrace } from "@millrace/node"
import { describe, expect, it, onTestFinished } from "vitest"
import { expectExactly } from "./arrival.ts"
import type { Host } from "./listening.ts"
import { startReceiving } from "./receiving.ts"
import { defaultUser, type Logged, privateMarker, type Sdk } from "./Sdk.ts"
import { type SdkName, sdks } from "./sdks.ts"

export interface HostOptions {
  /** SDKs whose bodies the host itself refuses before Millrace sees them, each with the reason. */
  readonly refuses?: Partial<Record<SdkName, string>>
}

/**
 * Makes bodies over a megabyte, on the wire too: over the 100 kB that Express's parsers take by
 * default, the 1 MiB of Fastify's, and in many chunks. Each event is below what SDKs cut.
 */
const many = 540
const noise = 500

const logMany = (sdk: Sdk): ReadonlyArray<Logged> =>
  Array.from({ length: many }, (_, index) => {
    const details = {
      id: `bulk-${index}`,
      a: randomBytes(noise).toString("latin1"),
      b: randomBytes(noise).toString("hex"),
    }
    sdk.log("bulk", `${index}`, details)
    return { eventName: "bulk", value: `${index}`, details }
  })

/**
 * Holds a host to what its users may expect: whatever an unmodified SDK sends through it reaches a
 * webhook once, in small bodies and in large ones.
 */
export const hostContract = (
  name: string,
  start: (millrace: Millrace.Millrace) => Promise<Host>,
  { refuses = {} }: HostOptions = {},
): void => {
  describe(name, () => {
    for (const { name: sdkName, start: startSdk } of sdks) {
      const why = (refuses as Partial<Record<string, string>>)[sdkName]
      if (why !== undefined) {
        it.skip(`${sdkName}: every event arrives once (skipped: ${why})`)
        continue
      }
      it(`${sdkName}: every event arrives once, in large bodies too`, async () => {
        const { webhook, millrace } = await startReceiving()
        const host = await start(millrace)
        onTestFinished(host.close)
        const sdk = await startSdk(host.url)

        const few = sdk.work(defaultUser)
        await sdk.flush()
        await webhook.until(few.length)
        const wanted = [...few, ...logMany(sdk)]
        await sdk.shutdown()
        await webhook.until(wanted.length)
        // Closing sends whatever should not have come, too.
        await host.close()
        expect(await millrace.close()).toMatchObject({ drained: true })

        expectExactly(webhook.events, wanted)
        expect(JSON.stringify(webhook.events)).not.toContain(privateMarker)
      })
    }
  })
}
