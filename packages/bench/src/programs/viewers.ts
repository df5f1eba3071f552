import { connect, type Socket } from "node:net"
import { offer } from "../processes.ts"

/**
 * People who have the live view open: connections that ask for the stream as the page does, and
 * read it as fast as it comes.
 */
export interface OpenOptions {
  readonly port: number
  readonly views: number
  readonly token: string
}

const asked = JSON.stringify({ topics: ["status", "live"], live: {} })

const requestWith = (token: string): string =>
  [
    "POST /console/admin/v1/stream HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    "accept: text/event-stream",
    `authorization: Bearer ${token}`,
    `content-length: ${asked.length}`,
    "",
    asked,
  ].join("\r\n")

let sockets: ReadonlyArray<Socket> = []
let bytes = 0
let frames = 0

/** Resolves with the first frame. */
const view = (port: number, request: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let isAnswered = false
    socket.once("connect", () => socket.write(request))
    socket.once("error", reject)
    socket.on("data", (chunk: Buffer) => {
      if (!isAnswered && !chunk.toString("latin1", 0, 12).endsWith("200"))
        reject(new Error(`unexpected reply: ${chunk.toString()}`))
      isAnswered = true
      bytes += chunk.length
      if (!chunk.includes('{"frame":')) return
      frames += 1
      resolve(socket)
    })
  })

const abilities = {
  /** Opens so many, and waits until each of them has been told something. */
  open: async ({ port, views, token }: OpenOptions): Promise<void> => {
    const request = requestWith(token)
    sockets = await Promise.all(Array.from({ length: views }, () => view(port, request)))
  },
  close: (): void => {
    for (const socket of sockets) socket.destroy()
    sockets = []
  },
  /** What has come so far. */
  told: () => ({ bytes, frames }),
}

export type ViewersAbilities = typeof abilities

offer(abilities)
