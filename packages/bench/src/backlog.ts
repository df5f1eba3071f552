import { statfsSync } from "node:fs"
import { tmpdir } from "node:os"
import type { Destination } from "@millrace/core"
import { load } from "./load.ts"
import { progress } from "./report.ts"
import { request } from "./requests.ts"
import type { RunningContestant } from "./running.ts"

/** Nobody listens there: what is accepted for it waits. */
export const deadDestination: Destination.DestinationOptions = { id: "dead", url: "http://127.0.0.1:9/" }

/** Enabled, and never gets anything that the benchmarks send. */
export const idleDestinations = (count: number): ReadonlyArray<Destination.DestinationOptions> =>
  Array.from({ length: count }, (_, n) => ({
    id: `idle-${n}`,
    url: `http://127.0.0.1:9/${n}`,
    filter: { include: [`nobody_sends_this_${n}`] },
  }))

const perRequest = 1000
const perStep = 200

/**
 * Bytes of a store's files that one event of the benchmarks takes, the write-ahead log included.
 */
const bytesPerEvent = 400

/** Throws when the folder for temporary files has no room for so many events. */
export const requireRoom = (events: number): void => {
  const { bavail, bsize } = statfsSync(tmpdir())
  const needed = events * bytesPerEvent
  if (bavail * bsize < needed) {
    throw new RangeError(`${tmpdir()}: ${Math.ceil(needed / 1e9)} GB are needed for ${events} events`)
  }
}

/** Takes in so many events, a thousand a request, and sees that they wait. */
export const fill = async (name: string, { ask, port }: RunningContestant, events: number): Promise<void> => {
  const content = request(perRequest)
  const requests = Math.ceil(events / perRequest)
  for (let sent = 0; sent < requests; sent += perStep) {
    progress(
      `filling ${name}: ${((sent * perRequest) / 1e6).toFixed(1)} of ${(events / 1e6).toFixed(1)} million events`,
    )
    await load(port, content, { connections: 8, requests: Math.min(perStep, requests - sent) })
  }
  const pending = await ask("pending")
  if (pending < events) throw new Error(`${name}: only ${pending} of ${events} events are pending`)
}
