import { type Destination, Store } from "@millrace/core"
import { Millrace } from "@millrace/node"
import * as Effect from "effect/Effect"
import { key } from "./requests.ts"

export interface PipelineOptions {
  readonly destinations?: ReadonlyArray<Destination.DestinationOptions>
  readonly transport?: Millrace.MakeOptions["transport"]
  /** One in memory by default, with room for 4 GiB. */
  readonly store?: Millrace.MakeOptions["store"]
}

/** A Millrace that is fed without HTTP. */
export const pipeline = async ({
  destinations = [],
  transport,
  store = Store.layerMemory({ maxBytes: 4 * 1024 ** 3 }),
}: PipelineOptions = {}) => {
  const millrace = await Millrace.make({
    keys: { server: [key] },
    store,
    destinations,
    // It disables its destinations by the hundred.
    log: "silent",
    // Each program has its process to itself, as `millrace serve` does.
    collectYoungMemory: true,
    ...(transport === undefined ? { allowPrivateDestinations: true } : { transport }),
  })
  const headers = {
    "statsig-api-key": key,
    "statsig-client-time": String(Date.now()),
    "statsig-sdk-type": "statsig-node",
  }
  const post = async (body: Uint8Array): Promise<void> => {
    const reply = await millrace.handle({
      method: "POST",
      url: "/v1/log_event",
      headers,
      body: () => Effect.succeed({ bytes: body, inflated: false }),
    })
    if (reply.status !== 202) throw new Error(`refused: ${reply.status} ${reply.body}`)
  }
  return { millrace, post }
}
