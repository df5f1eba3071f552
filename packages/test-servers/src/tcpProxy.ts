import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { freePort } from "./internal/ports.ts"
import type { Endpoint } from "./location.ts"

/**
 * A TCP proxy in front of a server, to take the network away: the `faults` of a place of
 * `storeContract`.
 */
export interface TcpProxy {
  readonly port: number
  /** The URL of the server, through the proxy. */
  readonly url: (base: string) => string
  /** Drops the connections there are and refuses new ones. */
  readonly cut: () => Promise<void>
  /** Accepts connections, keeps those there are, and passes nothing on. */
  readonly stall: () => void
  /** Passes everything on again, what was sent while it stalled included. */
  readonly restore: () => Promise<void>
  /**
   * From now on new connections go to another server, as behind an address that moves; those there
   * are stay where they are.
   */
  readonly moveTo: (upstream: Pick<Endpoint, "host" | "port">) => void
  /** How many are open now. */
  readonly connections: () => number
  readonly close: () => Promise<void>
}

interface Connection {
  readonly client: Socket
  readonly upstream: Socket
}

/** `await tcpProxy(endpointOf(servers.redis))` */
export const tcpProxy = async (server: Pick<Endpoint, "host" | "port">): Promise<TcpProxy> => {
  let target = server
  const open = new Set<Connection>()
  let stalled = false

  const drop = (connection: Connection) => {
    open.delete(connection)
    connection.client.destroy()
    connection.upstream.destroy()
  }

  const join = (connection: Connection) => {
    for (const [from, to] of [
      [connection.client, connection.upstream],
      [connection.upstream, connection.client],
    ] as const) {
      from.on("data", (bytes) => {
        if (!to.write(bytes)) from.pause()
      })
      to.on("drain", () => {
        if (!stalled) from.resume()
      })
      from.on("end", () => to.end())
      from.on("error", () => drop(connection))
      from.on("close", () => {
        // The other side may still be told what came before an orderly end.
        if (!from.readableEnded || to.destroyed) drop(connection)
      })
    }
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const connection = {
      client,
      upstream: connect({ ...target, allowHalfOpen: true, noDelay: true }),
    }
    open.add(connection)
    join(connection)
    if (stalled) {
      client.pause()
      connection.upstream.pause()
    }
  })

  const port = await freePort()
  const listen = async () => {
    listener.listen({ port, host: "127.0.0.1", exclusive: true })
    await once(listener, "listening")
    listener.unref()
  }
  const cut = async () => {
    const closed = listener.listening ? once(listener, "close") : undefined
    listener.close()
    for (const connection of open) drop(connection)
    await closed
  }
  await listen()

  return {
    port,
    url: (base) => {
      const url = new URL(base)
      url.host = `127.0.0.1:${port}`
      return url.toString()
    },
    cut,
    stall: () => {
      stalled = true
      for (const { client, upstream } of open) {
        client.pause()
        upstream.pause()
      }
    },
    restore: async () => {
      stalled = false
      for (const { client, upstream } of open) {
        client.resume()
        upstream.resume()
      }
      if (!listener.listening) await listen()
    },
    moveTo: ({ host, port: upstreamPort }) => {
      target = { host, port: upstreamPort }
    },
    connections: () => open.size,
    close: cut,
  }
}
