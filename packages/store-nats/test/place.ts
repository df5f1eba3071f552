import { randomBytes } from "node:crypto"
import { layer } from "@millrace/store-nats"
import { servers } from "@millrace/test-servers"
import type { StorePlace } from "@millrace/testkit"
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

/** A place on the running server. */
export const newPlace = (options: Partial<Options> = {}): StorePlace => {
  const prefix = newPrefix()
  return {
    // Without the warning of what this server's configuration can lose.
    open: (given) => Layer.provide(layer({ servers: host, prefix, ...options, ...given }), Logger.layer([])),
    remove: () => removeStreams(prefix),
  }
}
