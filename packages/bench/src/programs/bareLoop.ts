import { Agent, request } from "undici"
import { givenOptions, offer, usage } from "../processes.ts"

/** What one writes without Millrace: `JSON.stringify` and undici, one request after the other. */
export interface BareLoopOptions {
  readonly url: string
}

const { url } = givenOptions<BareLoopOptions>()
const dispatcher = new Agent()
const headers = { "content-type": "application/json" }
let events: ReadonlyArray<unknown> = []

const abilities = {
  usage,
  /** What each request sends, as JSON. */
  load: (batch: string) => {
    events = JSON.parse(batch) as ReadonlyArray<unknown>
  },
  send: async (requests: number) => {
    for (let sent = 0; sent < requests; sent++) {
      const { statusCode, body } = await request(url, {
        method: "POST",
        headers,
        body: JSON.stringify(events),
        dispatcher,
      })
      if (statusCode !== 200) throw new Error(`unexpected status ${statusCode}`)
      await body.dump()
    }
  },
}

export type BareLoopAbilities = typeof abilities

offer(abilities)
