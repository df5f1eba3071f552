import { fork } from "node:child_process"
import { createServer } from "node:http"
import { fileURLToPath } from "node:url"

/** How a receiver behaves. */
export interface Behaviour {
  /** ms until it answers. */
  readonly delay?: number
  /** Resets every second connection. */
  readonly flaky?: boolean
}

export interface Receiver {
  readonly url: string
  /** How many events came so far, and how long each took from its `time` to its arrival, in ms. */
  readonly report: () => Promise<{ readonly events: number; readonly delays: ReadonlyArray<number> }>
  readonly stop: () => void
}

const countOf = (text: string): ReadonlyArray<number> =>
  Array.from(text.matchAll(/"timestamp":(\d+)/g), (match) => Number(match[1]))

const serve = ({ delay = 0, flaky = false }: Behaviour): void => {
  let events = 0
  let connections = 0
  const delays: Array<number> = []
  const server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      const answer = () => {
        const now = Date.now()
        for (const sentAt of countOf(Buffer.concat(chunks).toString())) {
          events += 1
          if (delays.length < 1_000_000) delays.push(now - sentAt)
        }
        res.writeHead(200, { "content-length": "0" }).end()
      }
      if (delay > 0) setTimeout(answer, delay)
      else answer()
    })
  })
  server.on("connection", (socket) => {
    connections += 1
    if (flaky && connections % 2 === 0) socket.resetAndDestroy()
  })
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    process.send?.({ port: typeof address === "object" ? address?.port : 0 })
  })
  process.on("message", () => process.send?.({ events, delays }))
  process.on("disconnect", () => process.exit(0))
}

/** Starts a receiver in a process of its own. */
export const receiver = async (behaviour: Behaviour = {}): Promise<Receiver> => {
  const child = fork(fileURLToPath(import.meta.url), ["receiver", JSON.stringify(behaviour)], {
    execArgv: process.execArgv,
    serialization: "advanced",
  })
  const message = <A>() => new Promise<A>((resolve) => child.once("message", (value) => resolve(value as A)))
  const { port } = await message<{ readonly port: number }>()
  return {
    url: `http://127.0.0.1:${port}/`,
    report: () => {
      const answer = message<{ readonly events: number; readonly delays: ReadonlyArray<number> }>()
      child.send("report")
      return answer
    },
    stop: () => child.disconnect(),
  }
}

if (process.argv[2] === "receiver") serve(JSON.parse(process.argv[3] ?? "{}") as Behaviour)
