import { createServer } from "node:http"
import { gunzipSync } from "node:zlib"
import { type Contestant, listen } from "./Contestant.ts"

interface SentEvent {
  readonly eventName: string
  readonly user: { readonly userID: string; readonly country: string; readonly custom: Record<string, never> }
  readonly time: number
  readonly metadata: Record<string, string>
}

/**
 * walkerOS's collector, given each event of a request in its own form. Its destination does
 * nothing, so that the collector's own cost shows. It does less than all the others: it stores
 * nothing, validates no event against Statsig's format, and asks for no key.
 */
export const walkerOS: Contestant = {
  description:
    "node:http + JSON.parse + walkerOS's collector, which hands each event to a destination that does nothing",
  durability: "none",
  start: async () => {
    const { startFlow } = await import("@walkeros/collector")
    const { collector } = await startFlow({
      destinations: { nowhere: { code: { type: "nowhere", config: {}, push: () => {} } } },
    })
    const server = createServer((req, res) => {
      const chunks: Array<Buffer> = []
      req.on("data", (chunk: Buffer) => chunks.push(chunk))
      req.on("end", async () => {
        const sent = Buffer.concat(chunks)
        const body = req.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent
        const { events } = JSON.parse(body.toString()) as { readonly events: ReadonlyArray<SentEvent> }
        for (const { eventName, user, time, metadata } of events) {
          await collector.push({
            name: eventName.replace("_", " "),
            data: metadata,
            user: { id: user.userID, country: user.country },
            custom: user.custom,
            timestamp: time,
          })
        }
        res.writeHead(202, { "content-type": "application/json", "content-length": "16" })
        res.end('{"success":true}')
      })
    })
    return listen(server)
  },
}
