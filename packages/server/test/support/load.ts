import { Agent, request } from "node:http"
import { onTestFinished } from "vitest"
import { makeChanges } from "./resources.ts"

export interface Reply {
  readonly status: number
  readonly body: string
}

/** Rejects when the connection breaks before there is a whole reply. */
export const post = (
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string | Uint8Array,
  agent?: Agent,
): Promise<Reply> =>
  new Promise((resolve, reject) => {
    const sending = request(url, { method: "POST", headers, ...(agent === undefined ? {} : { agent }) })
    sending.once("error", reject)
    sending.once("response", (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.once("error", reject)
      response.once("end", () => resolve({ status: response.statusCode!, body: text }))
    })
    sending.end(body)
  })

/** The body of a request that logs one event for each id. */
export const eventsBody = (ids: ReadonlyArray<string>): string =>
  JSON.stringify({
    events: ids.map((id) => ({
      eventName: "load",
      user: { userID: id },
      time: Date.now(),
      metadata: { id },
    })),
  })

export const eventHeaders = (key: string): Readonly<Record<string, string>> => ({
  "statsig-api-key": key,
  "statsig-client-time": String(Date.now()),
})

/** What became of the batches of a load: the ids of their events. */
export interface Load {
  /** Answered 202. */
  readonly acknowledged: ReadonlySet<string>
  /** Never answered: they may have been stored or not. */
  readonly unanswered: ReadonlySet<string>
  /** Answered otherwise. */
  readonly refused: ReadonlySet<string>
  readonly until: (condition: () => boolean) => Promise<void>
  /** Posts batch after batch to a server until `stop` is called or its connection breaks; resolves when all senders are through. */
  readonly send: (url: string) => Promise<void>
  readonly stop: () => void
}

export const makeLoad = (key: string, senders: number): Load => {
  const acknowledged = new Set<string>()
  const unanswered = new Set<string>()
  const refused = new Set<string>()
  const { notify, until } = makeChanges()
  const agent = new Agent({ keepAlive: true, maxSockets: senders })
  onTestFinished(() => agent.destroy())
  let batches = 0
  let stopped = false

  const sendBatches = async (url: string): Promise<void> => {
    while (!stopped) {
      batches += 1
      const ids = Array.from({ length: 1 + (batches % 20) }, (_, index) => `${batches}-${index}`)
      try {
        const { status } = await post(`${url}/v1/log_event`, eventHeaders(key), eventsBody(ids), agent)
        for (const id of ids) (status === 202 ? acknowledged : refused).add(id)
        notify()
      } catch {
        for (const id of ids) unanswered.add(id)
        return
      }
    }
  }
  return {
    acknowledged,
    unanswered,
    refused,
    until,
    send: async (url) => {
      stopped = false
      await Promise.all(Array.from({ length: senders }, () => sendBatches(url)))
    },
    stop: () => {
      stopped = true
    },
  }
}
