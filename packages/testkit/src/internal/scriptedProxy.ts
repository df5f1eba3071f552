import { once } from "node:events"
import { createServer, request as forward, type IncomingMessage } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"

/** What a proxy was asked for: `CONNECT host:port`, or `POST http://host/path`. */
export interface ProxyRequest {
  readonly line: string
  readonly authorization: string | undefined
}

export interface ScriptedProxy {
  /** `http://127.0.0.1:PORT`, `https:` with a certificate. */
  readonly url: string
  readonly requests: ReadonlyArray<ProxyRequest>
  /** Every connection there was, in order. */
  readonly sockets: ReadonlyArray<Socket>
  readonly close: () => Promise<void>
}

export interface ScriptedProxyOptions {
  /** In place of doing what it is asked for. */
  readonly status?: number
  /** The same, in bytes: the connection is closed behind them. */
  readonly reply?: string
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** An HTTP proxy on loopback, for requests as they are and for tunnels. */
export const scriptedProxy = async ({
  status,
  reply,
  tls,
}: ScriptedProxyOptions = {}): Promise<ScriptedProxy> => {
  const requests: Array<ProxyRequest> = []
  const sockets: Array<Socket> = []
  const keep = (socket: Socket): void => {
    sockets.push(socket)
    socket.on("error", () => {})
  }
  const note = ({ method, url, headers }: IncomingMessage): void => {
    requests.push({ line: `${method} ${url}`, authorization: headers["proxy-authorization"] })
  }
  const server = tls === undefined ? createServer() : createTlsServer(tls)
  server.on("connection", keep)
  server.on("connect", (req: IncomingMessage, socket: Socket) => {
    note(req)
    socket.on("error", () => {})
    if (reply !== undefined) return socket.end(reply)
    if (status !== undefined) return socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`)
    const [, host, port] = /^(.+):(\d+)$/.exec(req.url ?? "") ?? []
    const onward = connect({ host: host!.replace(/^\[|\]$/g, ""), port: Number(port) }, () => {
      socket.write("HTTP/1.1 200 Connected\r\nvia: 1.1 proxy\r\n\r\n")
      onward.pipe(socket)
      socket.pipe(onward)
    })
    keep(onward)
    onward.on("error", () => socket.destroy())
    socket.on("close", () => onward.destroy())
  })
  server.on("request", (req, res) => {
    note(req)
    if (status !== undefined) return res.writeHead(status).end()
    const { "proxy-authorization": _, ...headers } = req.headers
    const onward = forward(req.url!, { method: req.method!, headers }, (answer) => {
      res.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(res)
    })
    onward.on("error", () => res.destroy())
    req.pipe(onward)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http${tls === undefined ? "" : "s"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    sockets,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}
