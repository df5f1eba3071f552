import { type Destination, Store } from "@millrace/core"
import { Millrace } from "@millrace/node"
import * as Effect from "effect/Effect"
import { key } from "./requests.ts"

/** A Millrace on the memory store, fed without HTTP: what is measured is what comes after intake. */
export const pipeline = async (
  destinations: ReadonlyArray<Destination.DestinationOptions>,
  transport?: Millrace.MakeOptions["transport"],
) => {
  const millrace = await Millrace.make({
    keys: { server: [key] },
    store: Store.layerMemory({ maxBytes: 4 * 1024 ** 3 }),
    destinations,
    ...(transport === undefined ? { allowPrivateDestinations: true } : { transport }),
  })
  const post = async (body: Uint8Array): Promise<void> => {
    const reply = await millrace.handle({
      method: "POST",
      url: "/v1/log_event",
      headers: {
        "statsig-api-key": key,
        "statsig-client-time": String(Date.now()),
        "statsig-sdk-type": "statsig-node",
      },
      body: () => Effect.succeed({ bytes: body, inflated: false }),
    })
    if (reply.status !== 202) throw new Error(`refused: ${reply.status} ${reply.body}`)
  }
  const delivered = async (): Promise<number> =>
    (await millrace.destinations()).reduce((sum, row) => sum + row.delivered + row.filtered, 0)
  return { millrace, post, delivered }
}

export const bodyOf = (events: ReadonlyArray<unknown>): Uint8Array =>
  Buffer.from(JSON.stringify({ events, statsigMetadata: { sdkType: "statsig-node" } }))

export const event = (n: number, name = "page_view") => ({
  eventName: name,
  user: { userID: `user-${n}`, country: "NZ", custom: { plan: "gold", seats: 3 } },
  time: Date.now(),
  value: "home",
  metadata: { page: "/products/42", referrer: "https://example.com/", position: String(n) },
})
