import { servers } from "@millrace/test-servers"
import { Redis } from "ioredis"

/** A connection of the test's own. */
export const withRedis = async <A>(body: (redis: Redis) => Promise<A>, url = servers.redis): Promise<A> => {
  const redis = new Redis(url)
  try {
    return await body(redis)
  } finally {
    redis.disconnect()
  }
}

/** Takes a test's keys away again, and nobody else's. */
export const removeKeys = (prefix: string, url?: string): Promise<void> =>
  withRedis(async (redis) => {
    for await (const keys of redis.scanStream({ match: `{${prefix}}:*`, count: 1000 })) {
      if (keys.length > 0) await redis.unlink(...keys)
    }
  }, url)
