import { freePort } from "./internal/ports.ts"
import { newDirectory } from "./internal/warden.ts"
import { pathOf } from "./location.ts"
import { type Program, required, startServer, type TestServer } from "./server.ts"

/** How to run a server in a folder. */
export const redisIn = (
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
): Program => {
  const all = {
    port: String(port),
    bind: "127.0.0.1",
    dir: directory,
    appendonly: "yes",
    save: "",
    ...settings,
  }
  return {
    command: required("redis-server", pathOf("redis-server")),
    args: Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
    user: undefined,
    directory,
    port,
    url: `redis://127.0.0.1:${port}`,
    ready: /Ready to accept connections/,
    stopSignal: "SIGTERM",
  }
}

/**
 * A Redis server with an append-only file.
 *
 * @param settings of redis.conf, such as `{ appendfsync: "always", requirepass: "..." }`
 */
export const startRedis = async (settings: Readonly<Record<string, string>> = {}): Promise<TestServer> =>
  startServer(redisIn(newDirectory(), await freePort(), settings))
