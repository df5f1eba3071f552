import { startRedisPair, tcpProxy } from "@millrace/test-servers"
import type { MakeStage } from "./Stage.ts"

const local = (port: number) => ({ host: "127.0.0.1", port })

/**
 * Makes a server and its replica. Redis acknowledges without waiting for a replica. `async` kills
 * the server. `sync` swaps the two in order: it waits for the replica to have everything, and
 * leaves the clients of the old server connected to what is then a replica.
 */
export const redis: MakeStage = async (mode) => {
  const isSync = mode === "sync"
  const pair = await startRedisPair({ appendfsync: "always" })
  const address = await tcpProxy(local(pair.primary.port))
  return {
    url: address.url("redis://127.0.0.1") as `redis://${string}`,
    fallBehind: async () => {
      if (!isSync) await pair.part()
    },
    failOver: async () => {
      if (isSync) await pair.swap()
      else {
        await pair.primary.kill()
        await pair.promote()
      }
      address.moveTo(local(pair.replica.port))
    },
    dispose: async () => {
      await pair.dispose()
      await address.close()
    },
  }
}
