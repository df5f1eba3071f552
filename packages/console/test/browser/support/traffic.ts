import { Agent, request } from "node:http"
import { onTestFinished } from "vitest"
import { key } from "./console.ts"

/** Events of one request, as a busy SDK batches them. */
const perRequest = 100

/** ms between two looks at whether a request is due. */
const tick = 5

/** Requests that may be under way: past it the sender falls behind, and says so. */
const atOnce = 32

const names = ["page_view", "search", "add_to_cart", "checkout_completed", "video_played"]

const body = Buffer.from(
  JSON.stringify({
    events: Array.from({ length: perRequest }, (_, at) => ({
      eventName: names[at % names.length],
      user: { userID: `user-${at % 37}`, country: "NZ", custom: { plan: "gold" } },
      value: at,
      metadata: { page: `/products/${at}`, referrer: "https://shop.example/" },
    })),
    statsigMetadata: { sdkType: "statsig-node", sdkVersion: "6.5.2" },
  }),
)

export interface Traffic {
  /** Events a second from now on; those of requests that are due and not answered yet come late. */
  readonly at: (rate: number) => void
  /** Events that were stored so far. */
  readonly stored: () => number
}

/** Sends events over kept connections, evenly, until the test is over. */
export const startTraffic = (origin: string): Traffic => {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  let rate = 0
  let due = 0
  let last = performance.now()
  let underWay = 0
  let stored = 0
  const send = (): void => {
    underWay += 1
    const sending = request(`${origin}/v1/log_event`, {
      agent,
      method: "POST",
      headers: {
        "content-type": "application/json",
        "content-length": body.length,
        "statsig-api-key": key,
        "statsig-sdk-type": "statsig-node",
      },
    })
    const ended = (): void => {
      underWay -= 1
    }
    sending.once("error", ended)
    sending.once("response", (response) => {
      response.resume().once("end", ended)
      if (response.statusCode === 202) stored += perRequest
    })
    sending.end(body)
  }
  const timer = setInterval(() => {
    const now = performance.now()
    due += ((now - last) * rate) / 1000
    last = now
    while (due >= perRequest && underWay < atOnce) {
      due -= perRequest
      send()
    }
    // What could not be sent for two seconds is not sent at all: this is no catching up.
    due = Math.min(due, rate * 2)
  }, tick)
  onTestFinished(() => {
    clearInterval(timer)
    agent.destroy()
  })
  return {
    at: (next) => {
      rate = next
      due = 0
      last = performance.now()
    },
    stored: () => stored,
  }
}
