import { randomBytes } from "node:crypto"
import { servers } from "@millrace/test-servers"
import { Client } from "pg"

/** A connection of the test's own. */
export const withClient = async <A>(
  body: (client: Client) => Promise<A>,
  url = servers.postgres,
): Promise<A> => {
  const client = new Client({ connectionString: url })
  client.on("error", () => {})
  await client.connect()
  try {
    return await body(client)
  } finally {
    await client.end()
  }
}

export const freshSchema = (): string => `test_${randomBytes(8).toString("hex")}`

export const dropSchema = (schema: string, url?: string): Promise<void> =>
  withClient(async (client) => {
    await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
  }, url)
