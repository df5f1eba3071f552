import { createServer } from "node:http"
import type { Arrived } from "./arrival.ts"
import { type Host, listening } from "./listening.ts"

/** A receiver that takes everything. */
export interface Webhook extends Host {
  readonly events: ReadonlyArray<Arrived>
  /** Resolves once this many events have arrived. */
  readonly until: (count: number) => Promise<void>
}

export const startWebhook = async (): Promise<Webhook> => {
  const events: Array<Arrived> = []
  const waiting = new Set<() => void>()
  const { url, close } = await listening(
    createServer(async (req, res) => {
      let body = ""
      for await (const chunk of req.setEncoding("utf8")) body += chunk
      events.push(...(JSON.parse(body) as ReadonlyArray<Arrived>))
      res.end()
      for (const look of [...waiting]) look()
    }),
  )
  return {
    url: `${url}/`,
    events,
    until: (count) =>
      new Promise((resolve) => {
        const look = () => {
          if (events.length < count) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    close,
  }
}
