import { fdatasync, openSync, write } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { type Contestant, listen } from "./Contestant.ts"

/** An append to a file, with one `fdatasync` for all that wait for it. */
export const groupCommit = (path: string): ((bytes: Buffer, done: () => void) => void) => {
  const file = openSync(path, "a")
  let waiting: Array<{ readonly bytes: Buffer; readonly done: () => void }> = []
  let committing = false
  const commit = () => {
    if (committing || waiting.length === 0) return
    committing = true
    const group = waiting
    waiting = []
    write(file, Buffer.concat(group.map(({ bytes }) => bytes)), (writeError) => {
      if (writeError) throw writeError
      fdatasync(file, (syncError) => {
        if (syncError) throw syncError
        committing = false
        for (const { done } of group) done()
        commit()
      })
    })
  }
  return (bytes, done) => {
    waiting.push({ bytes, done })
    commit()
  }
}

/** `gunzipSync`, since `gunzip` takes several times its CPU time: both run on the same core. */
export const limit: Contestant = {
  description: "node:http + JSON.parse (gunzipSync before it) + group-committed append with fdatasync",
  durability: "disk",
  start: (directory) => {
    const append = groupCommit(join(directory, "log"))
    const server = createServer((req, res) => {
      const chunks: Array<Buffer> = []
      req.on("data", (chunk: Buffer) => chunks.push(chunk))
      req.on("end", () => {
        const sent = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
        const body = req.headers["content-encoding"] === "gzip" ? gunzipSync(sent) : sent
        const { events } = JSON.parse(body.toString()) as { readonly events: ReadonlyArray<unknown> }
        if (!Array.isArray(events)) throw new Error("no events")
        append(body, () => {
          res.writeHead(202, { "content-type": "application/json", "content-length": "16" })
          res.end('{"success":true}')
        })
      })
    })
    return listen(server)
  },
}
