import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { freePort } from "./internal/ports.ts"
import { newDirectory } from "./internal/warden.ts"
import { pathOf } from "./location.ts"
import { type Program, required, startServer, type TestServer } from "./server.ts"

export interface NatsOptions {
  /** Further lines of the configuration file: `max_payload: 64KB`. */
  readonly conf?: string
  /** Further lines of its `jetstream` block: `max_file_store: 1GB`. */
  readonly jetstream?: string
  /** Further lines of its `cluster` block: `no_advertise: true`. */
  readonly cluster?: string
}

/** How to run a server in a folder. */
export const natsIn = (
  directory: string,
  port: number,
  { conf = "", jetstream = "" }: NatsOptions = {},
  name = "single",
): Program => {
  const file = join(directory, "nats.conf")
  writeFileSync(
    file,
    `server_name: ${name}
listen: "127.0.0.1:${port}"
jetstream {
  store_dir: "${directory}"
  ${jetstream}
}
${conf}
`,
  )
  return {
    command: required("nats-server", pathOf("nats-server")),
    args: ["-c", file],
    user: undefined,
    directory,
    port,
    url: `nats://127.0.0.1:${port}`,
    ready: /Server is ready/,
    stopSignal: "SIGTERM",
  }
}

/** A NATS server with JetStream on a file store. */
export const startNats = async (options: NatsOptions = {}): Promise<TestServer> =>
  startServer(natsIn(newDirectory(), await freePort(), options))

export interface NatsCluster {
  readonly nodes: ReadonlyArray<TestServer>
  /** The URLs of every node. */
  readonly urls: ReadonlyArray<string>
  /**
   * Returns when these nodes (all by default) agree on a leader and have caught up with it, so that
   * streams can be made on them.
   */
  readonly settled: (nodes?: ReadonlyArray<TestServer>) => Promise<void>
  readonly dispose: () => Promise<void>
}

const isHealthy = async (monitor: number): Promise<boolean> => {
  try {
    return (await fetch(`http://127.0.0.1:${monitor}/healthz`)).ok
  } catch {
    return false
  }
}

/** A JetStream cluster on the loopback interface, ready for streams with as many replicas. */
export const startNatsCluster = async (size: number, options: NatsOptions = {}): Promise<NatsCluster> => {
  const freePorts = () => Promise.all(Array.from({ length: size }, freePort))
  const [clients, routes, monitors] = [await freePorts(), await freePorts(), await freePorts()]
  const nodes = await Promise.all(
    clients.map((port, index) => {
      const conf = `http: "127.0.0.1:${monitors[index]}"
cluster {
  name: millrace
  listen: "127.0.0.1:${routes[index]}"
  routes: [${routes.map((route) => `"nats://127.0.0.1:${route}"`).join(", ")}]
  ${options.cluster ?? ""}
}
${options.conf ?? ""}`
      return startServer(natsIn(newDirectory(), port, { ...options, conf }, `node-${index}`))
    }),
  )
  const monitorOf = new Map(nodes.map((node, index) => [node, monitors[index] ?? 0]))
  const settled = async (of: ReadonlyArray<TestServer> = nodes) => {
    for (const node of of) {
      while (!(await isHealthy(monitorOf.get(node) ?? 0))) await delay(50)
    }
  }
  await settled()
  return {
    nodes,
    urls: nodes.map(({ url }) => url),
    settled,
    dispose: async () => {
      await Promise.all(nodes.map((node) => node.dispose()))
    },
  }
}
