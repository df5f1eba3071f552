import {
  endpointOf,
  type Kind,
  startNatsCluster,
  startPostgres,
  startRedis,
  type TcpProxy,
  type TestServer,
  tcpProxy,
} from "@millrace/test-servers"
import { onTestFinished } from "vitest"

/** A way to the servers that a test can take away. */
export interface Network {
  /** What `--store` says to go this way. */
  readonly store: string
  /** Drops what there is and lets nothing through. */
  readonly cut: () => Promise<void>
  /** Takes everything and passes nothing on. */
  readonly stall: () => void
  readonly restore: () => Promise<void>
}

/** Where events are kept, on servers of this test's own. */
export interface Engine {
  /** What `--store` says. */
  readonly store: string
  readonly network: () => Promise<Network>
  /** Whether the store works on while what `kill` takes is away. */
  readonly outlives: boolean
  /** `kill -9` of so much of it as an acknowledged event survives, another part every time. */
  readonly kill: () => Promise<void>
  /** Starts again what was killed; returns when it serves. */
  readonly start: () => Promise<void>
}

export interface EngineOptions {
  /** ms that a call to the servers may take. */
  readonly timeout?: number
}

/** A store on a server that the command can have, and how to get one. */
export interface EngineKind {
  readonly kind: Kind
  readonly name: string
  readonly start: (options?: EngineOptions) => Promise<Engine>
}

const networkOf = async (
  urls: ReadonlyArray<string>,
  storeAt: (urls: ReadonlyArray<string>) => string,
): Promise<Network> => {
  const proxies: ReadonlyArray<TcpProxy> = await Promise.all(urls.map((url) => tcpProxy(endpointOf(url))))
  onTestFinished(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()))
  })
  return {
    store: storeAt(proxies.map((proxy, index) => proxy.url(urls[index]!))),
    cut: async () => {
      await Promise.all(proxies.map((proxy) => proxy.cut()))
    },
    stall: () => {
      for (const proxy of proxies) proxy.stall()
    },
    restore: async () => {
      await Promise.all(proxies.map((proxy) => proxy.restore()))
    },
  }
}

const single =
  (start: () => Promise<TestServer>): EngineKind["start"] =>
  async ({ timeout = 10_000 } = {}) => {
    const server = await start()
    onTestFinished(server.dispose)
    const storeAt = (urls: ReadonlyArray<string>) => {
      const url = new URL(urls[0]!)
      url.searchParams.set("requestTimeout", String(timeout))
      return url.toString()
    }
    return {
      store: storeAt([server.url]),
      network: () => networkOf([server.url], storeAt),
      outlives: false,
      kill: server.kill,
      start: server.start,
    }
  }

const natsCluster =
  (parameters: string): EngineKind["start"] =>
  async ({ timeout = 10_000 } = {}) => {
    // Its clients would learn of ways to it other than the network they were given.
    const cluster = await startNatsCluster(3, { cluster: "no_advertise: true" })
    onTestFinished(cluster.dispose)
    const storeAt = (urls: ReadonlyArray<string>) => {
      const hosts = urls.map((url) => new URL(url).host)
      return `nats://${hosts.join(",")}?replicas=3&requestTimeout=${timeout}${parameters}`
    }
    let kills = 0
    let killed: TestServer | undefined
    return {
      store: storeAt(cluster.urls),
      network: () => networkOf(cluster.urls, storeAt),
      outlives: true,
      kill: async () => {
        killed = cluster.nodes[kills++ % cluster.nodes.length]
        await killed?.kill()
      },
      start: async () => {
        await killed?.start()
        await cluster.settled()
      },
    }
  }

/** Each as safe as it can be had. */
export const engines: ReadonlyArray<EngineKind> = [
  { kind: "postgres", name: "PostgreSQL", start: single(startPostgres) },
  {
    kind: "redis",
    name: "Redis",
    start: single(() => startRedis({ appendfsync: "always" })),
  },
  { kind: "nats", name: "a NATS cluster", start: natsCluster("") },
]

/** Every destination has a lane in each partition. */
export const partitioned: EngineKind & { readonly partitions: number } = {
  kind: "nats",
  partitions: 3,
  name: "a NATS cluster in three partitions",
  start: natsCluster("&partitions=3"),
}
