import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** A request as the stand-in for Statsig got it. */
export interface Got {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export type Answer = (got: Got, res: ServerResponse) => void

/** A server on loopback in the place of Statsig's hosts, which answers as the test says. */
export const standIn = async (answer: Answer) => {
  const got: Array<Got> = []
  let answering = answer
  const server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      const body = Buffer.concat(chunks).toString("latin1")
      const one = { method: req.method ?? "", url: req.url ?? "", headers: req.headers, body }
      got.push(one)
      answering(one, res)
    })
    req.on("error", () => {})
    res.on("error", () => {})
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    answer: (next: Answer) => {
      answering = next
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const json =
  (body: string | Uint8Array, headers: Readonly<Record<string, string>> = {}, status = 200): Answer =>
  (_, res) => {
    res.writeHead(status, { "content-type": "application/json", ...headers })
    res.end(body)
  }
