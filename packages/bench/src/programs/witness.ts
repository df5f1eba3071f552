import { createServer } from "node:http"
import { bystanderEventsIn } from "../attack/bystanderEvent.ts"
import { listen } from "../contestants/Contestant.ts"
import { offer } from "../processes.ts"

/** A healthy receiver that remembers which of the bystander's events have come, and when. */
let delays: Array<number> = []
const arrived = new Set<number>()
let bytes = 0

const server = createServer((req, res) => {
  const chunks: Array<Buffer> = []
  req.on("data", (chunk: Buffer) => chunks.push(chunk))
  req.on("end", () => {
    const now = Date.now()
    const body = Buffer.concat(chunks)
    bytes += body.length
    res.writeHead(200, { "content-length": "0" }).end()
    for (const { number, time } of bystanderEventsIn(body.toString("latin1"))) {
      arrived.add(number)
      delays.push(now - time)
    }
  })
})
const { port } = await listen(server)

const abilities = {
  port: () => port,
  /**
   * Returns ms from the time of each of the bystander's events to its arrival, for those since the
   * last call.
   */
  delays: () => {
    const taken = delays
    delays = []
    return taken
  },
  bytes: () => bytes,
  missing: (acknowledged: ReadonlyArray<number>) => acknowledged.filter((one) => !arrived.has(one)).length,
}

export type WitnessAbilities = typeof abilities

offer(abilities)
