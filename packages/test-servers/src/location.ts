import { accessSync, constants, existsSync, readdirSync } from "node:fs"
import { connect } from "node:net"
import { delimiter, join } from "node:path"

export type Kind = "postgres" | "redis" | "nats"

/** Where the tests look for a server that runs already. */
export const servers: Readonly<Record<Kind, string>> = {
  postgres: process.env["MILLRACE_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres",
  redis: process.env["MILLRACE_TEST_REDIS"] ?? "redis://127.0.0.1:6379",
  nats: process.env["MILLRACE_TEST_NATS"] ?? "nats://127.0.0.1:4222",
}

const standardPorts: Readonly<Record<string, number>> = {
  "postgres:": 5432,
  "postgresql:": 5432,
  "redis:": 6379,
  "rediss:": 6379,
  "nats:": 4222,
  "tls:": 4222,
}

export interface Endpoint {
  /** `redis`: as the URL says it. */
  readonly scheme: string
  readonly host: string
  readonly port: number
}

/**
 * The address of the first server when a URL names several. The URL may hold a password, so no
 * error repeats it.
 */
export const endpointOf = (url: string): Endpoint => {
  const first = url.split(",")[0] ?? ""
  if (!URL.canParse(first)) throw new RangeError("the location of a test server is not a URL")
  const { protocol, hostname, port } = new URL(first)
  return {
    scheme: protocol.slice(0, -1),
    host: hostname.replace(/^\[|\]$/g, ""),
    port: Number(port) || (standardPorts[protocol] ?? 0),
  }
}

/** Whether something accepts connections there. */
export const reachable = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { host, port } = endpointOf(url)
    const socket = connect(port, host)
    const settle = (outcome: boolean) => {
      socket.destroy()
      resolve(outcome)
    }
    socket.setTimeout(5000, () => settle(false))
    socket.once("connect", () => settle(true))
    socket.once("error", () => settle(false))
  })

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Debian keeps PostgreSQL's programs, one folder a version, where no PATH leads. */
const postgresHome = "/usr/lib/postgresql"

const folders = (): ReadonlyArray<string> => [
  ...(process.env["PATH"] ?? "").split(delimiter),
  "/usr/sbin",
  "/usr/local/sbin",
  ...(existsSync(postgresHome)
    ? readdirSync(postgresHome)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(postgresHome, version, "bin"))
    : []),
]

const programs: Readonly<Record<Kind, string>> = {
  postgres: "initdb",
  redis: "redis-server",
  nats: "nats-server",
}

/** The path of a program, or `undefined`. */
export const pathOf = (program: string): string | undefined =>
  folders()
    .map((folder) => join(folder, program))
    .find(isExecutable)

/** How every skipped test says what it has missed: what reads the report looks for it. */
export const missing = (program: string): string => `no ${program} here; start one with node .ci/servers.mjs`

/** Whether a server of the test's own can be started here. */
export const available = (kind: Kind): boolean => pathOf(programs[kind]) !== undefined

/** What keeps a test from starting a server of its own, or `undefined` when nothing does. */
export const lacking = (kind: Kind): string | undefined =>
  available(kind) ? undefined : missing(programs[kind])
