import { connect, type Socket } from "node:net"

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Of every request, in ms, ascending. */
  readonly latencies: Float64Array
}

const blankLine = Buffer.from("\r\n\r\n")

/** Keeps every connection busy with one request at a time, until the time is up and the last replies are there. */
export const load = async (
  port: number,
  request: Buffer,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<LoadResult> => {
  const latencies: Array<number> = []
  const started = performance.now()
  const end = started + seconds * 1000

  const drive = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let received: Buffer = Buffer.alloc(0)
      let sentAt = 0
      const send = () => {
        sentAt = performance.now()
        socket.write(request)
      }
      socket.on("data", (chunk: Buffer) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
        const headEnd = received.indexOf(blankLine)
        if (headEnd < 0) return
        const head = received.toString("latin1", 0, headEnd)
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
        if (received.length < headEnd + 4 + length) return
        if (!head.startsWith("HTTP/1.1 202")) {
          reject(new Error(`unexpected reply: ${received.toString()}`))
          return
        }
        received = Buffer.alloc(0)
        const now = performance.now()
        latencies.push(now - sentAt)
        if (now < end) send()
        else {
          socket.destroy()
          resolve()
        }
      })
      socket.on("error", reject)
      send()
    })

  await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true })
      await drive(socket)
    }),
  )
  return {
    requests: latencies.length,
    seconds: (performance.now() - started) / 1000,
    latencies: Float64Array.from(latencies).sort(),
  }
}
