import { setTimeout as delay } from "node:timers/promises"
import { Redis } from "ioredis"
import { startRedis } from "./redis.ts"
import type { TestServer } from "./server.ts"

/** A Redis server and its replica. Which of the two takes writes changes with a fail-over. */
export interface RedisPair {
  readonly primary: TestServer
  readonly replica: TestServer
  /** Returns when the replica has all that the primary has. */
  readonly synced: () => Promise<void>
  /** Stops the replication, as a network between the two that breaks: the replica stays one. */
  readonly part: () => Promise<void>
  /** Makes the replica a primary of its own; what it has not received is not on it. */
  readonly promote: () => Promise<void>
  /**
   * Swaps the two in order: the old primary becomes the replica, and keeps its clients'
   * connections.
   */
  readonly swap: () => Promise<void>
  readonly dispose: () => Promise<void>
}

const asking = async <A>(server: TestServer, body: (redis: Redis) => Promise<A>): Promise<A> => {
  const redis = new Redis(server.url)
  try {
    return await body(redis)
  } finally {
    redis.disconnect()
  }
}

const replicationOf = (server: TestServer): Promise<ReadonlyMap<string, string>> =>
  asking(server, async (redis) => {
    const lines = (await redis.info("replication")).split("\r\n")
    return new Map(lines.map((line) => line.split(":", 2) as [string, string]))
  })

const until = async (server: TestServer, holds: (facts: ReadonlyMap<string, string>) => boolean) => {
  while (!holds(await replicationOf(server))) await delay(20)
}

/** @param settings of redis.conf, for both */
export const startRedisPair = async (settings: Readonly<Record<string, string>> = {}): Promise<RedisPair> => {
  const both = { "repl-diskless-sync-delay": "0", ...settings }
  const [primary, replica] = await Promise.all([startRedis(both), startRedis(both)])
  await asking(replica, (redis) => redis.replicaof("127.0.0.1", primary.port))
  await until(replica, (facts) => facts.get("master_link_status") === "up")
  return {
    primary,
    replica,
    synced: async () => {
      const offset = (await replicationOf(primary)).get("master_repl_offset")
      await until(replica, (facts) => Number(facts.get("slave_repl_offset")) >= Number(offset))
    },
    // A master at which nobody listens.
    part: () =>
      asking(replica, async (redis) => {
        await redis.replicaof("127.0.0.1", 1)
      }),
    promote: () =>
      asking(replica, async (redis) => {
        await redis.replicaof("NO", "ONE")
      }),
    swap: async () => {
      await asking(primary, (redis) => redis.call("FAILOVER"))
      await until(primary, (facts) => facts.get("role") === "slave")
      await until(replica, (facts) => facts.get("role") === "master")
    },
    dispose: async () => {
      await Promise.all([primary.dispose(), replica.dispose()])
    },
  }
}
