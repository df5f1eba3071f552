import { randomBytes } from "node:crypto"
import { Client } from "pg"

/** The server that tests share. Each has a schema of its own there. */
export const serverUrl =
  process.env["MILLRACE_TEST_POSTGRES"] ?? "postgres://postgres@127.0.0.1:5432/postgres"

/** A connection of the test's own. */
export const withClient = async <A>(body: (client: Client) => Promise<A>, url = serverUrl): Promise<A> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 })
  client.on("error", () => {})
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.end()
  }
}

export const freshSchema = (): string => `test_${randomBytes(8).toString("hex")}`

export const dropSchema = (schema: string): Promise<void> =>
  withClient(async (client) => {
    await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
  })

/** Why the server cannot be used; `null` when it can. */
export const whyNot = async (): Promise<string | null> => {
  try {
    await withClient((client) => client.query("SELECT 1"))
    return null
  } catch {
    const { host } = new URL(serverUrl)
    return `no PostgreSQL at ${host}; start one with node .ci/servers.mjs`
  }
}
