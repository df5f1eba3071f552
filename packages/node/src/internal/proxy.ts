import type { Socket } from "node:net"
import { Transport as Port } from "@millrace/core"
import { connectionMessage, isCertificateError } from "./connectionError.ts"
import { basicOf } from "./credentials.ts"

/** A proxy for HTTP, over which others are reached. */
export interface HttpProxy {
  readonly protocol: "http:" | "https:"
  readonly origin: string
  readonly hostname: string
  /** With the port, unless it is the usual one. */
  readonly host: string
  /** `""` for the usual one. */
  readonly port: string
  /** The header that says who asks; `null` when the URL has no credentials. */
  readonly authorization: string | null
}

/** `null` when the text is not the URL of a proxy that we can use. */
export const parseProxy = (text: string): HttpProxy | null => {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  const { protocol, origin, hostname, host, port } = url
  return protocol === "http:" || protocol === "https:"
    ? { protocol, origin, hostname, host, port, authorization: basicOf(url) }
    : null
}

/** Bytes. What a proxy says before it connects is a line and a few headers. */
const maxHead = 16 * 1024

/** What its status says of why a proxy does not connect, without who asked for what. */
export const refusedBy = (status: number): Port.TransportError => {
  const reason =
    status === 407
      ? "the proxy refuses: it wants other credentials"
      : status === 403
        ? "the proxy refuses to connect there"
        : "the proxy could not connect"
  return new Port.TransportError({ reason: "ConnectionFailed", message: `${reason} (${status})` })
}

const broken = (message: string): Port.TransportError =>
  new Port.TransportError({ reason: "ConnectionFailed", message })

/** Says of a failure on the way to a proxy that it was the proxy's. */
export const ofProxy = (error: Error): Port.TransportError => {
  if (error instanceof Port.TransportError) {
    const { reason, message } = error
    return reason === "AddressRefused"
      ? new Port.TransportError({ reason, message: `the proxy ${message}` })
      : error
  }
  const reason = isCertificateError(error) ? "CertificateRefused" : "ConnectionFailed"
  return new Port.TransportError({ reason, message: `on the way to the proxy: ${connectionMessage(error)}` })
}

/** What a proxy has answered, as far as it has come; `null` while that says nothing yet. */
const verdictOn = (bytes: Buffer, headLength: number): Port.TransportError | "connected" | null => {
  if (headLength < 0) return bytes.length > maxHead ? broken("the proxy's reply is too long") : null
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(bytes.toString("latin1", 0, headLength))?.[1]
  if (status === undefined) return broken("the proxy's reply is not HTTP")
  return status.startsWith("2") ? "connected" : refusedBy(Number(status))
}

/**
 * Asks a proxy to connect a socket to somebody else. What it says before is read to its end, and
 * nothing of what comes behind it.
 *
 * @param authority host and port of the one that is to be reached
 * @param done told once
 */
export const openTunnel = (
  socket: Socket,
  { authorization }: HttpProxy,
  authority: string,
  done: (error: Port.TransportError | null) => void,
): void => {
  let received = Buffer.alloc(0)
  const end = (error: Port.TransportError | null): void => {
    socket.off("readable", onReadable)
    socket.off("close", onClose)
    done(error)
  }
  const onClose = () => end(broken("the proxy has closed the connection"))
  const onReadable = (): void => {
    let verdict: ReturnType<typeof verdictOn> = null
    while (verdict === null) {
      const chunk: Buffer | null = socket.read()
      if (chunk === null) return
      received = Buffer.concat([received, chunk])
      const headLength = received.indexOf("\r\n\r\n")
      verdict = verdictOn(received, headLength)
      if (verdict !== "connected") continue
      const rest = received.subarray(headLength + 4)
      if (rest.length > 0) socket.unshift(rest)
    }
    end(verdict === "connected" ? null : verdict)
  }
  socket.on("readable", onReadable)
  socket.on("close", onClose)
  const who = authorization === null ? "" : `proxy-authorization: ${authorization}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n${who}\r\n`)
}
