import { cpSync, rmSync } from "node:fs"
import { startNats, startNatsCluster } from "@millrace/test-servers"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import type { MakeStage, Stage } from "./Stage.ts"

/** Three servers, of which the one that leads the log dies. */
const cluster = async (): Promise<Stage> => {
  const { nodes, urls, dispose } = await startNatsCluster(3)
  const hosts = urls.map((url) => url.replace("nats://", ""))
  const leader = async () => {
    const nats = await connect({ servers: hosts })
    const manager = await jetstreamManager(nats)
    const { cluster: info } = await manager.streams.info("millrace_LOG_0")
    await nats.close()
    const index = nodes.findIndex((_, number) => info?.leader === `node-${number}`)
    if (index === -1) throw new Error("the log has no leader")
    return nodes[index]!
  }
  return {
    url: `nats://${hosts.join(",")}?replicas=3`,
    fallBehind: async () => {},
    failOver: async () => {
      const dead = await leader()
      await dead.kill()
    },
    dispose,
  }
}

/**
 * Makes one server, which loses its last writes with its machine: it comes back with what its disk
 * had.
 */
const single = async (): Promise<Stage> => {
  const server = await startNats()
  const kept = `${server.directory}-kept`
  return {
    url: server.url as `nats://${string}`,
    fallBehind: async () => {
      await server.pause()
      cpSync(server.directory, kept, { recursive: true })
      server.resume()
    },
    failOver: async () => {
      await server.kill()
      rmSync(server.directory, { recursive: true })
      cpSync(kept, server.directory, { recursive: true })
      await server.start()
    },
    dispose: async () => {
      await server.dispose()
      rmSync(kept, { recursive: true, force: true })
    },
  }
}

export const nats: MakeStage = (mode) => (mode === "sync" ? cluster() : single())
