import { startPostgres, startPostgresStandby, tcpProxy } from "@millrace/test-servers"
import type { MakeStage } from "./Stage.ts"

const local = (port: number) => ({ host: "127.0.0.1", port })

/**
 * Makes a server and its standby. With `sync` there is a second standby, for which the one that
 * takes over waits in its turn: an acknowledgement is worth as much after the fail-over as before.
 */
export const postgres: MakeStage = async (mode) => {
  const isSync = mode === "sync"
  const primary = await startPostgres({
    cluster_name: "first",
    // An acknowledgement waits for nobody before there is anybody.
    synchronous_standby_names: isSync ? "second" : "",
  })
  /** By which standbys follow, and which stays in front of whoever is in charge. */
  const replication = await tcpProxy(local(primary.port))
  const address = await tcpProxy(local(primary.port))
  const standby = await startPostgresStandby(replication.port, "second", {
    synchronous_standby_names: isSync ? "third" : "",
  })
  const third = isSync
    ? await startPostgresStandby(replication.port, "third", { wal_retrieve_retry_interval: "200ms" })
    : undefined
  return {
    url: address.url("postgres://postgres@127.0.0.1/postgres") as `postgres://${string}`,
    fallBehind: async () => {
      if (!isSync) await replication.cut()
    },
    failOver: async () => {
      await primary.kill()
      await standby.promote()
      replication.moveTo(local(standby.port))
      address.moveTo(local(standby.port))
    },
    dispose: async () => {
      await Promise.all([primary, standby, third].map((server) => server?.dispose()))
      await Promise.all([replication.close(), address.close()])
    },
  }
}
