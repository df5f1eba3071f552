import * as Nats from "@millrace/store-nats"
import { servers } from "@millrace/test-servers"
import { jetstream, jetstreamManager, StorageType } from "@nats-io/jetstream"
import { connect, type NatsConnection } from "@nats-io/transport-node"
import { type Contestant, contestantOn, freshName, levelOf, type Pair } from "./Contestant.ts"

const host = new URL(servers.nats).host

const once = async <A>(use: (connection: NatsConnection) => Promise<A>): Promise<A> => {
  const connection = await connect({ servers: host })
  try {
    return await use(connection)
  } finally {
    await connection.close()
  }
}

const removeStreams = (prefix: string): Promise<void> =>
  once(async (connection) => {
    const manager = await jetstreamManager(connection)
    for await (const { config } of manager.streams.list()) {
      if (config.name.includes(prefix)) await manager.streams.delete(config.name)
    }
  })

const millrace = (): Promise<Contestant> => {
  const prefix = freshName()
  return contestantOn(Nats.layer({ servers: host, prefix }), () => removeStreams(prefix))
}

/** A message an entry, each published at once: as many are under way as there are callers. */
const bare = async (): Promise<Contestant> => {
  const name = freshName()
  const connection = await connect({ servers: host })
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name, subjects: [name], storage: StorageType.File, num_replicas: 1 })
  const client = jetstream(connection)
  return {
    append: ({ body }) => client.publish(name, body),
    close: async () => {
      await connection.close()
      await removeStreams(name)
    },
  }
}

export const nats = async (): Promise<Pair> => {
  const version = await once(async (connection) => connection.info?.version)
  const prefix = freshName()
  const level = await levelOf(Nats.layer({ servers: host, prefix }))
  await removeStreams(prefix)
  return {
    server: `NATS ${version} JetStream, file storage, 1 replica`,
    level,
    description: "a publish an entry, all in flight at once",
    millrace,
    bare,
    close: async () => {},
  }
}
