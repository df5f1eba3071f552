import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import { Redis } from "ioredis"
import { Client } from "pg"

/** What a person does to a server beside the program that uses it. */

export const withRedis = async <A>(url: string, body: (redis: Redis) => Promise<A>): Promise<A> => {
  const redis = new Redis(url)
  redis.on("error", () => {})
  try {
    return await body(redis)
  } finally {
    redis.disconnect()
  }
}

export const withPostgres = async <A>(url: string, body: (client: Client) => Promise<A>): Promise<A> => {
  const client = new Client({ connectionString: url })
  client.on("error", () => {})
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.end()
  }
}

/** @param urls of the servers, any of which will do */
export const withJetStream = async <A>(
  urls: ReadonlyArray<string>,
  body: (manager: JetStreamManager) => Promise<A>,
): Promise<A> => {
  const nats = await connect({ servers: urls.map((url) => new URL(url).host) })
  try {
    return await body(await jetstreamManager(nats))
  } finally {
    await nats.close()
  }
}
