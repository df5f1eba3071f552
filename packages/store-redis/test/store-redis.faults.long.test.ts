import { randomUUID } from "node:crypto"
import { layer } from "@millrace/store-redis"
import { available, describeStore, servers, startRedis, tcpProxy } from "@millrace/test-servers"
import {
  accountingContract,
  type EmptiablePlace,
  type FaultyPlace,
  type RewindablePlace,
  type StoreBinding,
  type StorePlace,
  storeFaultsContract,
} from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"
import { removeKeys, withRedis } from "./support/server.ts"

/** For a request, in ms: long for a busy machine, short for a test that waits for it. */
const patience = 4_000

const faultyPlace = async (): Promise<FaultyPlace> => {
  const prefix = `test-${randomUUID()}`
  const { hostname, port } = new URL(servers.redis)
  const proxy = await tcpProxy({ host: hostname, port: Number(port) || 6379 })
  return {
    open: (options) => layer({ url: proxy.url(servers.redis), prefix, requestTimeout: patience, ...options }),
    faults: proxy,
    remove: async () => {
      await proxy.close()
      await removeKeys(prefix)
    },
  }
}

/** Snapshots only: a server that is killed comes back with what its last one has. */
const rewindablePlace = async (): Promise<RewindablePlace> => {
  const server = await startRedis({ appendonly: "no" })
  return {
    open: (options) => layer({ url: server.url, ...options }),
    keep: () =>
      withRedis(async (redis) => {
        await redis.save()
      }, server.url),
    comeBack: async () => {
      await server.kill()
      await server.start()
    },
    remove: () => server.dispose(),
  }
}

const smallPlace = async (): Promise<StorePlace> => {
  const server = await startRedis({
    appendfsync: "always",
    maxmemory: "20mb",
    "maxmemory-policy": "noeviction",
  })
  return {
    open: () => layer({ url: server.url }),
    remove: () => server.dispose(),
  }
}

const emptiablePlace = async (level: "memory" | "disk"): Promise<EmptiablePlace> => {
  const server = await startRedis(level === "disk" ? { appendfsync: "always" } : { appendonly: "no" })
  return {
    open: (options) => layer({ url: server.url, ...options }),
    empty: () =>
      withRedis(async (redis) => {
        await redis.flushall()
      }, server.url),
    remove: () => server.dispose(),
  }
}

await describeStore("redis", servers.redis, () => {
  const binding: StoreBinding = {
    place: () => newPlace(3),
    faultyPlace,
    ...(available("redis") ? { rewindablePlace, emptiablePlace, smallPlace } : {}),
    reopens: true,
    shared: true,
    capped: true,
    probesRoom: true,
    partitioned: true,
  }
  storeFaultsContract("redis", binding)
  // A pipeline's order is that of one partition.
  accountingContract("redis", { ...binding, place: () => newPlace(1) }, { runs: 3 })
})
