import { createHash } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import express from "express"
import { listen } from "../contestants/Contestant.ts"
import type { StoreName } from "../contestants/millrace.ts"
import type { Order, Receipt } from "../orders.ts"
import { givenOptions, offer, usage } from "../processes.ts"
import { key } from "../requests.ts"

/** How Millrace is mounted in the app. */
export interface Guest {
  readonly store: StoreName
  /** The webhook its events go to. */
  readonly url: string
  readonly collectYoungMemory: boolean
}

/** An Express app with work of its own. */
export interface HostOptions {
  /**
   * What stands before the app's own route: Millrace; a middleware that does nothing, where
   * Millrace is not even loaded; or nothing at all.
   */
  readonly guest: Guest | "a middleware" | null
}

const { guest } = givenOptions<HostOptions>()
const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
const app = express()
app.disable("x-powered-by")

const mount = async ({ store, url, collectYoungMemory }: Guest): Promise<void> => {
  const { Store } = await import("@millrace/core")
  const { expressHandler } = await import("@millrace/express")
  const { Millrace } = await import("@millrace/node")
  const Sqlite = await import("@millrace/store-sqlite")
  const millrace = await Millrace.make({
    keys: { server: [key] },
    store: store === "memory:" ? Store.layerMemory() : Sqlite.layer({ path: join(directory, "events.db") }),
    destinations: [{ id: "sink", url }],
    allowPrivateDestinations: true,
    collectYoungMemory,
  })
  app.use(expressHandler(millrace))
}
if (guest === "a middleware") app.use((_req, _res, next) => next())
else if (guest !== null) await mount(guest)

/** How often a line is hashed: together with the JSON it makes a request of some 0.3 ms. */
const hashings = 8

const fingerprintOf = (text: string): string => {
  let digest = text
  for (let turn = 0; turn < hashings; turn++) digest = createHash("sha256").update(digest).digest("hex")
  return digest
}

app.use(express.json())
app.post("/orders", (req, res) => {
  const { buyer, lines } = req.body as Order
  const priced = lines
    .map((line) => ({ ...line, total: line.price * line.count, fingerprint: fingerprintOf(line.article) }))
    .sort((a, b) => b.total - a.total || a.article.localeCompare(b.article))
  const total = priced.reduce((sum, line) => sum + line.total, 0)
  res.json({ buyer, total, lines: priced } satisfies Receipt)
})

const { port } = await listen(createServer(app))

const abilities = { port: () => port, usage }

export type HostAbilities = typeof abilities

offer(abilities, () => rmSync(directory, { recursive: true, force: true }))
