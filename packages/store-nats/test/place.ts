import { randomBytes } from "node:crypto"
import { layer } from "@millrace/store-nats"
import { endpointOf, servers, tcpProxy } from "@millrace/test-servers"
import type { FaultyPlace, StorePlace } from "@millrace/testkit"
import { jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type { Options } from "../src/Options.ts"

/** Of the running server, or of another one. */
export const hostOf = (url: string): string => new URL(url).host

export const host = hostOf(servers.nats)

export const newPrefix = (): string => `test_${randomBytes(6).toString("hex")}`

/** Drops everything of a prefix. */
export const removeStreams = async (prefix: string, at = host): Promise<void> => {
  const nats = await connect({ servers: at })
  try {
    const manager = await jetstreamManager(nats)
    for await (const name of manager.streams.names()) {
      if (name.startsWith(`${prefix}_`) || name === `KV_${prefix}`) await manager.streams.delete(name)
    }
  } finally {
    await nats.close()
  }
}

/** Without the warning of what the server's configuration can lose. */
export const quietLayer = (options: Options) => Layer.provide(layer(options), Logger.layer([]))

/** A place on the running server. */
export const newPlace = (partitions = 1): StorePlace => {
  const prefix = newPrefix()
  return {
    open: ({ maxBytes }) =>
      quietLayer({
        servers: host,
        prefix,
        partitions,
        // The cases fill one partition, which has its share of the whole.
        ...(maxBytes === undefined ? {} : { maxBytes: maxBytes * partitions }),
      }),
    remove: () => removeStreams(prefix),
  }
}

/** Of a request, in ms: long for a busy machine, short for a test that waits for it. */
export const patience = 4_000

export const newFaultyPlace = async (): Promise<FaultyPlace> => {
  const prefix = newPrefix()
  const proxy = await tcpProxy(endpointOf(servers.nats))
  return {
    open: (options) =>
      quietLayer({ servers: `127.0.0.1:${proxy.port}`, prefix, timeout: patience, ...options }),
    faults: proxy,
    remove: async () => {
      await proxy.close()
      await removeStreams(prefix)
    },
  }
}
