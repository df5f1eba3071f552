import { closeSync, fdatasync, mkdtempSync, openSync, rmSync, write } from "node:fs"
import { createServer, type Server } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Store } from "@millrace/core"
import { Millrace, nodeHandler } from "@millrace/node"
import * as Sqlite from "@millrace/store-sqlite"
import { key } from "./requests.ts"

export interface Contestant {
  /** What it does, and at which durability. */
  readonly description: string
  readonly start: (directory: string) => Promise<Server>
}

/** node:http, `JSON.parse`, and one `fdatasync` for all requests that wait for it: what the hardware and Node allow. */
const limit = async (directory: string): Promise<Server> => {
  const file = openSync(join(directory, "log"), "a")
  let waiting: Array<{ readonly body: Buffer; readonly done: () => void }> = []
  let committing = false
  const commit = () => {
    if (committing || waiting.length === 0) return
    committing = true
    const group = waiting
    waiting = []
    write(file, Buffer.concat(group.map(({ body }) => body)), (writeError) => {
      if (writeError) throw writeError
      fdatasync(file, (syncError) => {
        if (syncError) throw syncError
        committing = false
        for (const { done } of group) done()
        commit()
      })
    })
  }
  const server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
      const { events } = JSON.parse(body.toString()) as { readonly events: ReadonlyArray<unknown> }
      if (!Array.isArray(events)) throw new Error("no events")
      waiting.push({
        body,
        done: () => {
          res.writeHead(202, { "content-type": "application/json", "content-length": "16" })
          res.end('{"success":true}')
        },
      })
      commit()
    })
  })
  server.on("close", () => closeSync(file))
  return server
}

const millrace = async (store: Millrace.MakeOptions["store"]): Promise<Server> => {
  const running = await Millrace.make({
    keys: { server: [key] },
    ...(store === undefined ? {} : { store }),
  })
  const server = createServer(nodeHandler(running))
  server.on("close", () => void running.close())
  return server
}

export const contestants: Readonly<Record<string, Contestant>> = {
  limit: { description: "node:http + JSON.parse + group-committed fdatasync", start: limit },
  "millrace memory:": {
    description: "Millrace on node:http, memory store (durability: memory)",
    start: () => millrace(Store.layerMemory()),
  },
  "millrace sqlite:": {
    description: "Millrace on node:http, SQLite store, WAL, synchronous=FULL (durability: disk)",
    start: (directory) => millrace(Sqlite.layer({ path: join(directory, "events.db") })),
  },
}

/** Run as a process of its own: starts one contestant, and answers each line on standard input with its CPU time. */
export const serve = async (name: string): Promise<void> => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-bench-"))
  const server = await contestants[name]!.start(directory)
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    process.stdout.write(`${JSON.stringify({ port: typeof address === "object" ? address?.port : 0 })}\n`)
  })
  process.stdin.on("data", () => {
    const { user, system } = process.cpuUsage()
    process.stdout.write(`${JSON.stringify({ cpu: user + system, rss: process.memoryUsage.rss() })}\n`)
  })
  process.stdin.on("end", () => {
    rmSync(directory, { recursive: true, force: true })
    process.exit(0)
  })
}
