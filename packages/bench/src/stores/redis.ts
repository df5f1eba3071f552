import * as RedisStore from "@millrace/store-redis"
import { available, servers, startRedis } from "@millrace/test-servers"
import { Redis } from "ioredis"
import { type Contestant, contestantOn, freshName, levelOf, type Pair } from "./Contestant.ts"
import { groupCommit } from "./groupCommit.ts"

/**
 * Starts a server that syncs its file before it answers, for this benchmark only, if the program is
 * there.
 */
const server = async () => {
  if (!available("redis")) return { url: servers.redis, dispose: async () => {} }
  // Nothing but appends is to be measured, and what each round leaves is gone before the next.
  return startRedis({ appendfsync: "always", "auto-aof-rewrite-percentage": "0" })
}

const removeKeys = async (url: string, prefix: string): Promise<void> => {
  const redis = new Redis(url)
  for (let cursor = "0"; ; ) {
    const [next, keys] = await redis.scan(cursor, "MATCH", `{${prefix}}:*`, "COUNT", 1000)
    if (keys.length > 0) await redis.unlink(...keys)
    cursor = next
    if (cursor === "0") break
  }
  await redis.quit()
}

const millrace = (url: string): Promise<Contestant> => {
  const prefix = freshName()
  return contestantOn(RedisStore.layer({ url, prefix }), () => removeKeys(url, prefix))
}

/**
 * Sends the XADDs in flight in one transaction: outside of one, the server syncs its file after
 * each.
 */
const bare = async (url: string): Promise<Contestant> => {
  const prefix = freshName()
  const stream = `{${prefix}}:entries`
  const redis = new Redis(url)
  return {
    append: groupCommit((entries) => {
      const transaction = redis.multi()
      for (const { id, events, envelope, body } of entries) {
        const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
        transaction.xadd(stream, "*", "id", id, "events", events, "envelope", envelope, "body", bytes)
      }
      return transaction.exec()
    }, 2),
    close: async () => {
      await redis.quit()
      await removeKeys(url, prefix)
    },
  }
}

export const redis = async (): Promise<Pair> => {
  const { url, dispose } = await server()
  const client = new Redis(url)
  const version = /redis_version:(\S+)/.exec(await client.info("server"))?.[1]
  const [, appendfsync] = (await client.config("GET", "appendfsync")) as ReadonlyArray<string>
  await client.quit()
  const prefix = freshName()
  const level = await levelOf(RedisStore.layer({ url, prefix }))
  await removeKeys(url, prefix)
  return {
    server: `Redis ${version}, appendfsync=${appendfsync}`,
    level,
    description: "an XADD an entry, those in flight in one pipelined transaction",
    millrace: () => millrace(url),
    bare: () => bare(url),
    close: dispose,
  }
}
