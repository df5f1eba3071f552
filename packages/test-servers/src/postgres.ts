import { execFile } from "node:child_process"
import { chownSync, existsSync, readFileSync, realpathSync, symlinkSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { freePort } from "./internal/ports.ts"
import { newDirectory } from "./internal/warden.ts"
import { pathOf } from "./location.ts"
import { type Program, required, startServer, type TestServer, type User } from "./server.ts"
import type { SmallDisk } from "./smallDisk.ts"

/** PostgreSQL refuses to run as root. */
const unprivileged = (): User | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
  const found = ["postgres", "nobody"].flatMap((name) => users.filter(([user]) => user === name))[0]
  if (found === undefined)
    throw new Error("PostgreSQL does not run as root, and there is no user to run it as")
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

/**
 * Makes a new cluster in a folder, when there is none, and says how to run it.
 *
 * @param tables the folder of its tables, the write-ahead log staying where it is, when they are to
 * be somewhere else
 */
export const postgresIn = async (
  directory: string,
  port: number,
  settings: Readonly<Record<string, string>> = {},
  tables?: string,
): Promise<Program> => {
  const initdb = required("initdb", pathOf("initdb"))
  const user = unprivileged()
  const data = join(directory, "data")
  if (tables !== undefined) symlinkSync(tables, data)
  if (!existsSync(join(data, "PG_VERSION"))) {
    if (user !== undefined) {
      for (const folder of [directory, tables ?? directory]) chownSync(folder, user.uid, user.gid)
    }
    const elsewhere = tables === undefined ? [] : [`--waldir=${join(directory, "wal")}`]
    await promisify(execFile)(
      initdb,
      [
        ...["-D", data, "--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"],
        ...elsewhere,
      ],
      { cwd: directory, ...user },
    )
  }
  const all = {
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    ...settings,
  }
  return {
    // It may be known to PATH by a link, and its sibling not.
    command: join(dirname(realpathSync(initdb)), "postgres"),
    args: ["-D", data, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    user,
    directory,
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    // A standby accepts those that read only.
    ready: /database system is ready to accept (read.only )?connections/,
    // A fast shutdown, which does not wait for clients to leave.
    stopSignal: "SIGINT",
  }
}

/** A copy of a server that follows it, and can take its place. */
export interface PostgresStandby extends TestServer {
  /** Makes it a server of its own; returns when it takes writes. */
  readonly promote: () => Promise<void>
}

/**
 * A standby of a running server, which it follows by streaming.
 *
 * @param upstream the port of the server, or of a proxy in front of it, on the loopback
 * @param name by which `synchronous_standby_names` knows it
 */
export const startPostgresStandby = async (
  upstream: number,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresStandby> => {
  const bin = dirname(realpathSync(required("initdb", pathOf("initdb"))))
  const user = unprivileged()
  const directory = newDirectory()
  if (user !== undefined) chownSync(directory, user.uid, user.gid)
  const data = join(directory, "data")
  const asUser = { cwd: directory, ...user }
  const from = ["-h", "127.0.0.1", "-p", String(upstream), "-U", "postgres"]
  await promisify(execFile)(
    join(bin, "pg_basebackup"),
    [...from, "-D", data, "-R", "-X", "stream", "--checkpoint=fast", "--no-sync"],
    asUser,
  )
  const server = await startServer(
    await postgresIn(directory, await freePort(), { cluster_name: name, ...settings }),
  )
  return {
    ...server,
    promote: async () => {
      await promisify(execFile)(join(bin, "pg_ctl"), ["promote", "-w", "-D", data], asUser)
    },
  }
}

/**
 * A new PostgreSQL cluster that asks nobody for a password, as user and database `postgres`.
 *
 * @param settings of postgresql.conf, such as `{ max_connections: "10" }`
 * @param disk for its tables, and not for its write-ahead log, without which it ends
 */
export const startPostgres = async (
  settings: Readonly<Record<string, string>> = {},
  disk?: Pick<SmallDisk, "directory">,
): Promise<TestServer> =>
  startServer(await postgresIn(newDirectory(), await freePort(), settings, disk?.directory))
