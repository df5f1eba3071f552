import { createServer } from "node:http"
import { consoleHandler } from "@millrace/console"
import { Millrace, nodeHandler } from "@millrace/node"
import { listen } from "../contestants/Contestant.ts"
import { givenOptions, offer, usage } from "../processes.ts"
import { key } from "../requests.ts"

/** A Millrace that people look at. */
export interface WatchedOptions {
  readonly adminToken: string
}

const { adminToken } = givenOptions<WatchedOptions>()
const millrace = await Millrace.make({
  keys: { server: [key] },
  // It looks at everything and wants nothing: sending would cost more than what is measured.
  destinations: [{ id: "none", url: "http://127.0.0.1:9/", filter: { include: ["none of them"] } }],
  // It has its process to itself, as `millrace serve` does.
  collectYoungMemory: true,
})
const page = consoleHandler(millrace, { adminToken })
const intake = nodeHandler(millrace)
const { port } = await listen(
  createServer((req, res) => (req.url?.startsWith("/console/") ? page(req, res) : intake(req, res))),
)

const abilities = { port: () => port, usage }

export type WatchedAbilities = typeof abilities

offer(abilities)
