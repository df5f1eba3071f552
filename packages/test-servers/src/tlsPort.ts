import { once } from "node:events"
import { connect } from "node:net"
import { Transform } from "node:stream"
import { createServer } from "node:tls"
import { certificate } from "./internal/certificate.ts"
import { freePort } from "./internal/ports.ts"
import type { Endpoint } from "./location.ts"

/**
 * A port on which a server is reached by TLS from the first byte, as behind a proxy that ends it.
 */
export interface TlsPort {
  readonly port: number
  /** The URL of the server, by this port. @param scheme instead of its own */
  readonly url: (base: string, scheme?: string) => string
  /** What a client has to trust. */
  readonly authority: string
  readonly close: () => Promise<void>
}

/** A server of NATS that is greeted by TLS says so when it introduces itself. */
const sayingTls = (): Transform => {
  let isFirst = true
  return new Transform({
    transform: (bytes: Buffer, _, done) => {
      const text = isFirst ? bytes.toString("latin1") : ""
      done(null, text.startsWith("INFO {") ? text.replace("{", '{"tls_required":true,') : bytes)
      isFirst = false
    },
  })
}

/** `await tlsPort(endpointOf(servers.redis))` */
export const tlsPort = async ({ host, port: target }: Pick<Endpoint, "host" | "port">): Promise<TlsPort> => {
  const open = new Set<{ readonly destroy: () => unknown }>()
  const listener = createServer({ ...certificate, noDelay: true }, (client) => {
    const upstream = connect({ host, port: target, noDelay: true })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        open.delete(from)
        to.destroy()
      })
    }
    client.pipe(upstream)
    upstream.pipe(sayingTls()).pipe(client)
  })
  // A client that does not speak TLS is dropped.
  listener.on("tlsClientError", (_, socket) => socket.destroy())
  const port = await freePort()
  listener.listen({ port, host: "127.0.0.1", exclusive: true })
  await once(listener, "listening")
  return {
    port,
    url: (base, scheme) => {
      const url = new URL(base)
      url.host = `127.0.0.1:${port}`
      return scheme === undefined ? url.toString() : url.toString().replace(/^[a-z]+:/, `${scheme}:`)
    },
    authority: certificate.cert,
    close: async () => {
      const closed = once(listener, "close")
      listener.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
