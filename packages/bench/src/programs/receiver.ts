import { createServer } from "node:http"
import { listen } from "../contestants/Contestant.ts"
import { givenOptions, offer } from "../processes.ts"

/** A webhook's receiver as it may be: slow, or with connections that break. */
export interface ReceiverOptions {
  /** ms until it answers. */
  readonly delay?: number
  /** Resets every second connection. */
  readonly flaky?: boolean
}

const { delay = 0, flaky = false } = givenOptions<ReceiverOptions>()

/** ms from each event's time to its arrival. */
const delays: Array<number> = []
let connections = 0

const timesOf = (text: string): ReadonlyArray<number> =>
  Array.from(text.matchAll(/"timestamp":(\d+)/g), (match) => Number(match[1]))

const server = createServer((req, res) => {
  const chunks: Array<Buffer> = []
  req.on("data", (chunk: Buffer) => chunks.push(chunk))
  req.on("end", () => {
    const answer = () => {
      const now = Date.now()
      for (const sentAt of timesOf(Buffer.concat(chunks).toString())) delays.push(now - sentAt)
      res.writeHead(200, { "content-length": "0" }).end()
    }
    if (delay > 0) setTimeout(answer, delay)
    else answer()
  })
})
server.on("connection", (socket) => {
  connections += 1
  if (flaky && connections % 2 === 0) socket.resetAndDestroy()
})
const { port } = await listen(server)

const abilities = { port: () => port, delays: () => delays }

export type ReceiverAbilities = typeof abilities

offer(abilities)
