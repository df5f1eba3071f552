import { connect, type Socket } from "node:net"

export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** The latency of every request, in ms, ascending. */
  readonly latencies: Float64Array
}

export interface LoadOptions {
  readonly connections: number
  /** For how long requests begin; without end by default. */
  readonly seconds?: number
  /** How many begin; any number by default. */
  readonly requests?: number
}

/** A connection that sends one request at a time. */
export interface Client {
  /** Must not be called before the reply to the last one is there. */
  readonly send: (request: Buffer, onReply: () => void) => void
  readonly close: () => void
}

const blankLine = Buffer.from("\r\n\r\n")

/** @param onError gets a reply that is no success, too */
const open = (port: number, onError: (error: Error) => void): Promise<Client> =>
  new Promise((resolve, reject) => {
    const socket: Socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let received: Buffer = Buffer.alloc(0)
    let answered: () => void = () => {}
    socket.on("data", (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      const headEnd = received.indexOf(blankLine)
      if (headEnd < 0) return
      const head = received.toString("latin1", 0, headEnd)
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (received.length < headEnd + 4 + length) return
      if (!head.startsWith("HTTP/1.1 2"))
        return onError(new Error(`unexpected reply: ${received.toString()}`))
      received = Buffer.alloc(0)
      answered()
    })
    socket.once("error", (error) => {
      reject(error)
      onError(error)
    })
    const onClose = () => onError(new Error("the server has closed a connection"))
    socket.once("close", onClose)
    socket.once("connect", () =>
      resolve({
        send: (request, onReply) => {
          answered = onReply
          socket.write(request)
        },
        close: () => {
          socket.off("close", onClose)
          socket.destroy()
        },
      }),
    )
  })

/** Clients, for as long as they are used; rejects with what the first of them fails with. */
export const withClients = <A>(
  port: number,
  connections: number,
  use: (clients: ReadonlyArray<Client>) => Promise<A>,
): Promise<A> =>
  new Promise((resolve, reject) => {
    const all = Promise.all(Array.from({ length: connections }, () => open(port, reject)))
    all
      .then(async (clients) => {
        const result = await use(clients)
        for (const client of clients) client.close()
        resolve(result)
      })
      .catch(reject)
  })

/** Keeps every connection busy with one request at a time, and waits for the last replies. */
export const load = (
  port: number,
  request: Buffer,
  { connections, seconds = Number.POSITIVE_INFINITY, requests = Number.POSITIVE_INFINITY }: LoadOptions,
): Promise<LoadResult> =>
  withClients(port, connections, async (clients) => {
    const latencies: Array<number> = []
    const started = performance.now()
    const end = started + seconds * 1000
    let begun = 0
    await Promise.all(
      clients.map(
        ({ send }) =>
          new Promise<void>((resolve) => {
            let sentAt = 0
            const onReply = () => {
              const now = performance.now()
              latencies.push(now - sentAt)
              if (now < end) begin()
              else resolve()
            }
            const begin = () => {
              if (begun >= requests) return resolve()
              begun += 1
              sentAt = performance.now()
              send(request, onReply)
            }
            begin()
          }),
      ),
    )
    return {
      requests: latencies.length,
      seconds: (performance.now() - started) / 1000,
      latencies: Float64Array.from(latencies).sort(),
    }
  })
