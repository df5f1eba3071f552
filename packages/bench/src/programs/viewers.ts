import { connect, type Socket } from "node:net"
import { offer, usage } from "../processes.ts"

/**
 * People who have the live view open: connections that ask for the stream as the page does, and
 * read it as fast as it comes.
 */
export interface OpenOptions {
  readonly port: number
  readonly views: number
  /** How many of them are narrowed down, each to something else: 50 at most. */
  readonly narrowed: number
  readonly token: string
}

const requestWith = (token: string, live: object): string => {
  const asked = JSON.stringify({ topics: ["status", "live"], live })
  return [
    "POST /console/admin/v1/stream HTTP/1.1",
    "host: 127.0.0.1",
    "content-type: application/json",
    "accept: text/event-stream",
    `authorization: Bearer ${token}`,
    `content-length: ${asked.length}`,
    "",
    asked,
  ].join("\r\n")
}

const frameBegin = '{"frame":'

/** Several come at once where the reader was late. */
const framesIn = (chunk: Buffer): number => {
  let count = 0
  for (let at = chunk.indexOf(frameBegin); at >= 0; at = chunk.indexOf(frameBegin, at + 1)) count += 1
  return count
}

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
      const begun = framesIn(chunk)
      frames += begun
      if (begun > 0) resolve(socket)
    })
  })

const abilities = {
  /** Opens so many, and waits until each of them has been told something. */
  open: async ({ port, views, narrowed, token }: OpenOptions): Promise<void> => {
    const liveOf = (at: number): object =>
      at < narrowed ? { user: `user-${String(at).padStart(6, "0")}` } : {}
    sockets = await Promise.all(
      Array.from({ length: views }, (_, at) => view(port, requestWith(token, liveOf(at)))),
    )
  },
  close: (): void => {
    for (const socket of sockets) socket.destroy()
    sockets = []
  },
  /** What has come so far. */
  told: () => ({ bytes, frames }),
  usage,
}

export type ViewersAbilities = typeof abilities

offer(abilities)
