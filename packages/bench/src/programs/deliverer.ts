import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Sqlite from "@millrace/store-sqlite"
import type { StoreName } from "../contestants/millrace.ts"
import { pipeline } from "../pipeline.ts"
import { givenOptions, offer, usage } from "../processes.ts"
import { body } from "../requests.ts"

/** Millrace with one destination, whose events wait until they are asked for. */
export interface DelivererOptions {
  readonly store: StoreName
  readonly url: string
  readonly maxEvents: number
  readonly compress: "gzip" | null
}

const perRequest = 100
const id = "sink"

const { store, url, maxEvents, compress } = givenOptions<DelivererOptions>()
const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
const { millrace, post } = await pipeline({
  destinations: [{ id, url, compress, batch: { maxEvents, maxBytes: 64 * 1024 ** 2 } }],
  ...(store === "memory:" ? {} : { store: Sqlite.layer({ path: join(directory, "events.db") }) }),
})
await millrace.disable(id)
const request = body(perRequest)

const abilities = {
  usage,
  /** Takes in so many events, for a destination that is disabled. */
  fill: async (events: number) => {
    // A copy of the bytes each: what was sent lies all over the memory.
    for (let sent = 0; sent < events; sent += perRequest) {
      const rest = events - sent
      await post(rest < perRequest ? body(rest) : Buffer.from(request))
    }
  },
  enable: () => millrace.enable(id),
  disable: () => millrace.disable(id),
}

export type DelivererAbilities = typeof abilities

offer(abilities, () => rmSync(directory, { recursive: true, force: true }))
