import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Arrived } from "./arrival.ts"

/** A receiver that takes everything. */
export interface Webhook {
  readonly url: string
  readonly events: ReadonlyArray<Arrived>
  /** Resolves once this many events have arrived. */
  readonly until: (count: number) => Promise<void>
  readonly close: () => Promise<void>
}

export const startWebhook = async (): Promise<Webhook> => {
  const events: Array<Arrived> = []
  const waiting = new Set<() => void>()
  const server = createServer(async (req, res) => {
    let body = ""
    for await (const chunk of req.setEncoding("utf8")) body += chunk
    events.push(...(JSON.parse(body) as ReadonlyArray<Arrived>))
    res.end()
    for (const look of [...waiting]) look()
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
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
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
