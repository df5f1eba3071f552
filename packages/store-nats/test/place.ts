import { randomBytes } from "node:crypto"
import { cpSync, rmSync } from "node:fs"
import { join } from "node:path"
import { layer, type Options, optionsFromUrl } from "@millrace/store-nats"
import { endpointOf, servers, startNats, tcpProxy } from "@millrace/test-servers"
import type { EmptiablePlace, FaultyPlace, RewindablePlace, StorePlace } from "@millrace/testkit"
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream"
import { connect } from "@nats-io/transport-node"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import { onTestFinished } from "vitest"

/** Options of the running server. */
export const running: Options = Result.getOrThrow(optionsFromUrl(servers.nats))

export const hostOf = (url: string): string => {
  const { host, port } = endpointOf(url)
  return `${host}:${port}`
}

export const newPrefix = (): string => `test_${randomBytes(6).toString("hex")}`

/** A connection past the store. */
export const withJetStream = async <A>(
  { servers: hosts, user, password, token }: Options,
  use: (manager: JetStreamManager, jetstream: JetStreamClient) => Promise<A>,
): Promise<A> => {
  const nats = await connect({
    servers: typeof hosts === "string" ? hosts : [...hosts],
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { pass: password }),
    ...(token === undefined ? {} : { token }),
  })
  try {
    return await use(await jetstreamManager(nats), jetstream(nats))
  } finally {
    await nats.close()
  }
}

/** What there is of a prefix. */
export const streamsOf = (prefix: string, at = running): Promise<ReadonlyArray<string>> =>
  withJetStream(at, async (manager) => {
    const found: Array<string> = []
    for await (const name of manager.streams.names()) {
      if (name.startsWith(`${prefix}_`) || name === `KV_${prefix}`) found.push(name)
    }
    return found.sort()
  })

/** Drops everything of a prefix. */
export const removeStreams = async (prefix: string, at = running): Promise<void> => {
  const names = await streamsOf(prefix, at)
  await withJetStream(at, async (manager) => {
    for (const name of names) await manager.streams.delete(name)
  })
}

/** A new one, of which nothing is left when the test that asks for it has ended. */
export const newPrefixOfTest = (): string => {
  const prefix = newPrefix()
  onTestFinished(() => removeStreams(prefix))
  return prefix
}

/** Without the warning of what the server's configuration can lose. */
export const quietLayer = (options: Options) => Layer.provide(layer(options), Logger.layer([]))

/** A place on the running server. */
export const newPlace = (partitions = 1): StorePlace => {
  const prefix = newPrefix()
  return {
    open: ({ maxBytes }) =>
      quietLayer({
        ...running,
        prefix,
        partitions,
        // The cases fill one partition, which has its share of the whole.
        ...(maxBytes === undefined ? {} : { maxBytes: maxBytes * partitions }),
      }),
    remove: () => removeStreams(prefix),
  }
}

/** For a request, in ms: long for a busy machine, short for a test that waits for it. */
export const patience = 4_000

export const newFaultyPlace = async (): Promise<FaultyPlace> => {
  const prefix = newPrefix()
  const proxy = await tcpProxy(endpointOf(servers.nats))
  return {
    open: (options) =>
      quietLayer({
        ...running,
        servers: `127.0.0.1:${proxy.port}`,
        prefix,
        requestTimeout: patience,
        ...options,
      }),
    faults: proxy,
    remove: async () => {
      await proxy.close()
      await removeStreams(prefix)
    },
  }
}

/** A server of its own, whose folder is put back. */
export const newRewindablePlace = async (): Promise<RewindablePlace> => {
  const server = await startNats()
  const prefix = newPrefix()
  const kept = `${server.directory}-kept`
  return {
    open: (options) => quietLayer({ servers: hostOf(server.url), prefix, ...options }),
    keep: async () => {
      // What a crash would leave: whoever is connected stays so.
      await server.pause()
      rmSync(kept, { recursive: true, force: true })
      cpSync(server.directory, kept, { recursive: true })
      server.resume()
    },
    comeBack: async () => {
      await server.kill()
      rmSync(server.directory, { recursive: true })
      cpSync(kept, server.directory, { recursive: true })
      await server.start()
    },
    remove: async () => {
      await server.dispose()
      rmSync(kept, { recursive: true, force: true })
    },
  }
}

/** A place on a server of its own that has little room. */
export const newSmallPlace = async (): Promise<StorePlace> => {
  const server = await startNats({ jetstream: "max_file_store: 24MB" })
  return {
    open: () => quietLayer({ servers: hostOf(server.url) }),
    remove: () => server.dispose(),
  }
}

/** A server of its own, that is started again without its data. */
export const newEmptiablePlace = async (level: "memory" | "disk"): Promise<EmptiablePlace> => {
  const server = await startNats()
  const sync = level === "disk" ? "always" : "interval"
  return {
    open: (options) => quietLayer({ servers: hostOf(server.url), sync, ...options }),
    empty: async () => {
      await server.kill()
      rmSync(join(server.directory, "jetstream"), { recursive: true })
      await server.start()
    },
    remove: () => server.dispose(),
  }
}
