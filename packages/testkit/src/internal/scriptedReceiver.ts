import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { createServer as createTlsServer, type TlsOptions } from "node:tls"

/** One request as it came, in latin1: a character is a byte. */
export interface RawReceived {
  readonly head: string
  readonly body: string
}

export interface ScriptedReceiver {
  /** `http://127.0.0.1:PORT`, `https:` with a certificate. */
  readonly url: string
  /** Every connection there was, in order. */
  readonly sockets: ReadonlyArray<Socket>
  readonly requests: ReadonlyArray<RawReceived>
  readonly close: () => Promise<void>
}

export interface ScriptedReceiverOptions {
  readonly tls?: TlsOptions
  /** Runs the script once a request's head has come, without waiting for its body. */
  readonly early?: boolean
  /** Sent to whoever connects, before anything is asked, and then the connection is ended. */
  readonly greeting?: string
}

/**
 * A server of bytes on loopback: `script` is called for each request, and writes to the socket what
 * it likes.
 */
export const scriptedReceiver = async (
  script: (socket: Socket, request: RawReceived, index: number) => void,
  { tls, early = false, greeting }: ScriptedReceiverOptions = {},
): Promise<ScriptedReceiver> => {
  const sockets: Array<Socket> = []
  const requests: Array<RawReceived> = []
  const serve = (socket: Socket) => {
    let text = ""
    socket.setEncoding("latin1")
    socket.on("data", (chunk: string) => {
      text += chunk
      const headEnd = text.indexOf("\r\n\r\n")
      if (headEnd === -1) return
      const length = early ? 0 : Number(/^content-length: *(\d+)/im.exec(text)?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (text.length < end) return
      const request = { head: text.slice(0, headEnd), body: text.slice(headEnd + 4, end) }
      text = text.slice(end)
      requests.push(request)
      script(socket, request, requests.length - 1)
    })
  }
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve)
  server.on("connection", (socket: Socket) => {
    sockets.push(socket)
    socket.on("error", () => {})
    if (greeting !== undefined) socket.end(greeting)
  })
  server.on("tlsClientError", () => {})
  server.on("secureConnection", (socket: Socket) => socket.on("error", () => {}))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http${tls === undefined ? "" : "s"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    requests,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, "close")
    },
  }
}

/** A reply as it stands on the wire. */
export const rawReply = (status: number, body = "", headers = ""): string =>
  `HTTP/1.1 ${status} Status\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
