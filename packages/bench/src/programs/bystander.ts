import { Agent, request } from "undici"
import { bystanderEvent } from "../attack/bystanderEvent.ts"
import { makeRandom } from "../attack/random.ts"
import { givenOptions, offer } from "../processes.ts"

/**
 * An honest sender beside the attack: it sends small requests with a server key, at random times
 * that do not depend on the replies.
 */
export interface BystanderOptions {
  readonly port: number
  readonly key: string
  readonly requestsPerSecond: number
  readonly eventsPerRequest: number
}

const { port, key, requestsPerSecond, eventsPerRequest } = givenOptions<BystanderOptions>()
const dispatcher = new Agent({ connections: 16 })
const url = `http://127.0.0.1:${port}/v1/log_event`
const random = makeRandom(7)

/** ms, from when a request was due. */
let latencies: Array<number> = []
/** Requests by status; 0 for one that got no reply. */
const statuses = new Map<number, number>()
/** Numbers of the events that were acknowledged. */
const acknowledged: Array<number> = []
let next = 0
/** Requests without a reply yet. */
const underWay = new Set<Promise<void>>()
let isOver = false

const send = async (due: number): Promise<void> => {
  const first = next
  next += eventsPerRequest
  const now = Date.now()
  const body = JSON.stringify({
    events: Array.from({ length: eventsPerRequest }, (_, index) => bystanderEvent(first + index, now)),
    statsigMetadata: { sdkType: "statsig-node", sdkVersion: "6.5.2" },
  })
  const headers = {
    "statsig-api-key": key,
    "statsig-client-time": String(now),
    "statsig-sdk-type": "statsig-node",
  }
  let status = 0
  try {
    const reply = await request(url, { method: "POST", body, headers, dispatcher })
    await reply.body.dump()
    status = reply.statusCode
  } catch {
    // No reply: counted as status 0.
  }
  latencies.push(performance.now() - due)
  statuses.set(status, (statuses.get(status) ?? 0) + 1)
  if (status === 202) for (let index = 0; index < eventsPerRequest; index++) acknowledged.push(first + index)
}

let due = performance.now()
const goOn = (): void => {
  if (isOver) return
  while (due <= performance.now()) {
    const sending = send(due)
    underWay.add(sending)
    void sending.then(() => underWay.delete(sending))
    due += -Math.log(1 - random.below(1_000_000) / 1_000_000) * (1000 / requestsPerSecond)
  }
  setTimeout(goOn, Math.max(due - performance.now(), 0))
}
goOn()

const abilities = {
  /** Those since it was last asked. */
  latencies: () => {
    const taken = latencies
    latencies = []
    return taken
  },
  statuses: () => Object.fromEntries(statuses),
  /** Sends nothing more; resolves to what was acknowledged, once the last reply is there. */
  end: async () => {
    isOver = true
    await Promise.all(underWay)
    return acknowledged
  },
}

export type BystanderAbilities = typeof abilities

offer(abilities)
