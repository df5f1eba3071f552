import { createServer } from "node:http"
import type { Arrived } from "./arrival.ts"
import { type Host, listening } from "./listening.ts"
import { type Named, waitingFor } from "./waitingFor.ts"

/** A receiver that takes everything. */
export interface Webhook extends Host {
  readonly events: ReadonlyArray<Arrived>
  /** Resolves once this many events have arrived, of a name if one is given. */
  readonly until: (count: number, named?: Named) => Promise<void>
}

export const startWebhook = async (): Promise<Webhook> => {
  const events: Array<Arrived> = []
  const { arrived, until } = waitingFor(() => events)
  const { url, close } = await listening(
    createServer(async (req, res) => {
      let body = ""
      for await (const chunk of req.setEncoding("utf8")) body += chunk
      events.push(...(JSON.parse(body) as ReadonlyArray<Arrived>))
      res.end()
      arrived()
    }),
  )
  return {
    url: `${url}/`,
    events,
    until,
    close,
  }
}
