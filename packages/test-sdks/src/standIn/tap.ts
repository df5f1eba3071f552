import { createServer, request } from "node:http"
import { listening } from "../listening.ts"
import { readBody, textOf } from "./requestBody.ts"
import type { SentEvent } from "./StandIn.ts"

/** What an SDK has sent through a tap. */
export interface Tapped {
  readonly key: string | undefined
  readonly events: ReadonlyArray<SentEvent>
  readonly statsigMetadata: Readonly<Record<string, unknown>>
}

interface Body {
  readonly events: ReadonlyArray<SentEvent>
  readonly statsigMetadata?: Readonly<Record<string, unknown>>
}

const isOfEvents = (path: string) => /(?:log_event|rgstr|my-product-data)(?:\?|$)/.test(path)

/** The same events by a clock that is ahead, in JSON. */
const ahead = ({ events, ...rest }: Body, millis: number): string =>
  JSON.stringify({ ...rest, events: events.map((one) => ({ ...one, time: (one.time ?? 0) + millis })) })

/**
 * Stands between an SDK and a server, and keeps what the SDK sends.
 *
 * @param skew by how much the SDK's clock is ahead, in milliseconds
 */
export const startTap = async (target: string, skew = 0) => {
  const tapped: Array<Tapped> = []
  const host = await listening(
    createServer(async (req, res) => {
      const { host: _, "content-length": __, "transfer-encoding": ___, ...headers } = req.headers
      const url = new URL(req.url!, target)
      let body = await readBody(req)
      if (req.method === "POST" && isOfEvents(req.url!)) {
        const decoded = JSON.parse(await textOf(body)) as Body
        const key =
          (headers["statsig-api-key"] as string | undefined) ?? url.searchParams.get("k") ?? undefined
        tapped.push({ key, events: decoded.events, statsigMetadata: decoded.statsigMetadata ?? {} })
        if (skew !== 0) {
          body = Buffer.from(ahead(decoded, skew))
          delete headers["content-encoding"]
          url.searchParams.delete("gz")
          if (url.searchParams.has("t"))
            url.searchParams.set("t", `${Number(url.searchParams.get("t")) + skew}`)
          const time = headers["statsig-client-time"]
          if (time !== undefined) headers["statsig-client-time"] = `${Number(time) + skew}`
        }
      }
      const sending = request(url, {
        method: req.method!,
        headers: { ...headers, "content-length": body.length },
      })
      sending.once("error", () => res.destroy())
      sending.once("response", (reply) => {
        res.writeHead(reply.statusCode!, reply.headers)
        reply.pipe(res)
      })
      sending.end(body)
    }),
  )
  return { ...host, tapped }
}
