import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { endpointOf, pathOf, servers } from "@millrace/test-servers"

export const pgbouncer: string | undefined = pathOf("pgbouncer")

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("no port")
  return address.port
}

/** Until it says that it serves. */
const started = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    let output = ""
    child.once("exit", () => reject(new Error(`pgbouncer ended: ${output}`)))
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-10_000)
      if (output.includes("process up")) resolve()
    })
  })

export interface Pooler {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** A pooler in front of the tests' server, which deals its few connections by transaction. */
export const startPgbouncer = async (path: string): Promise<Pooler> => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-pgbouncer-"))
  chmodSync(directory, 0o755)
  const port = await freePort()
  const { host, port: serverPort } = endpointOf(servers.postgres)
  const { username, password } = new URL(servers.postgres)
  const file = join(directory, "pgbouncer.ini")
  writeFileSync(
    file,
    `[databases]
* = host=${host} port=${serverPort} user=${username || "postgres"}${password === "" ? "" : ` password=${decodeURIComponent(password)}`}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
server_round_robin = 1
`,
  )
  // It refuses to run as root.
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : []
  const child = spawn(path, [...user, file], { stdio: ["ignore", "ignore", "pipe"] })
  await started(child)
  const url = new URL(servers.postgres)
  url.host = `127.0.0.1:${port}`
  return {
    url: url.href,
    stop: async () => {
      child.kill("SIGKILL")
      await once(child, "exit")
      rmSync(directory, { recursive: true })
    },
  }
}
