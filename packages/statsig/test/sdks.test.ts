import {
  type EvaluatingSdk,
  evaluatingSdks,
  keys,
  type Reading,
  startStandIn,
  users,
} from "@millrace/test-sdks"
import { describe, expect, it, onTestFinished } from "vitest"
import { startFront } from "./support/sdkFront.ts"

const readAll = async (sdk: EvaluatingSdk): Promise<ReadonlyArray<Reading>> => {
  const readings: Array<Reading> = []
  for (const user of users) readings.push(await sdk.read(user))
  await sdk.shutdown()
  return readings
}

/** What SDKs have their gates by. */
const asksForGates = ({ path }: { readonly path: string }) => /initialize|download_config_specs/.test(path)

describe.each(evaluatingSdks)("$name, with its whole api at Millrace", ({ start }) => {
  it("has the same gates, experiments and layers as straight from Statsig", async () => {
    const straight = await startStandIn({ keys })
    onTestFinished(straight.close)
    const { standIn, url } = await startFront()
    const wanted = await readAll(await start(straight.url))
    expect(JSON.stringify(await readAll(await start(url)))).toBe(JSON.stringify(wanted))

    // What was asked for here and what was asked for straight is the same, too.
    const asked = (requests: typeof standIn.requests) =>
      requests.filter(asksForGates).map(({ method, path, key, status }) => ({ method, path, key, status }))
    expect(standIn.requests.filter(asksForGates).length).toBeGreaterThan(0)
    expect(new Set(asked(standIn.requests).map((one) => JSON.stringify(one)))).toEqual(
      new Set(asked(straight.requests).map((one) => JSON.stringify(one))),
    )
  })
})
