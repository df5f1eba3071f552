import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Readable } from "node:stream"

type Handler = (request: Request, peer: string | undefined) => Response | Promise<Response>

/** Node gives names and values in turn: a name may come twice. */
const headersOf = ({ rawHeaders }: IncomingMessage): Headers => {
  const headers = new Headers()
  for (let at = 0; at < rawHeaders.length; at += 2) headers.append(rawHeaders[at]!, rawHeaders[at + 1]!)
  return headers
}

const hasBody = ({ method, headers }: IncomingMessage): boolean =>
  method !== "GET" &&
  method !== "HEAD" &&
  (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0)

const requestOf = (req: IncomingMessage): Request =>
  new Request(`http://${req.headers.host}${req.url}`, {
    method: req.method!,
    headers: headersOf(req),
    ...(hasBody(req) ? { body: Readable.toWeb(req) as ReadableStream, duplex: "half" } : {}),
  } as RequestInit)

const write = async (response: Response, res: ServerResponse): Promise<void> => {
  res.writeHead(response.status, [...response.headers].flat())
  if (response.body !== null) {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
      if (!res.write(chunk)) await once(res, "drain")
  }
  res.end()
}

/** The least that Node needs to serve what takes a `Request` and gives a `Response`. */
export const serveOnNode = async (handler: Handler) => {
  const server = createServer(async (req, res) => {
    try {
      await write(await handler(requestOf(req), req.socket.remoteAddress), res)
    } catch {
      if (!res.headersSent) res.writeHead(500)
      res.end()
    }
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}
