import { randomBytes } from "node:crypto"
import { servers, withPostgres } from "@millrace/test-servers"
import type { Client } from "pg"

/** A connection of the test's own. */
export const withClient = <A>(body: (client: Client) => Promise<A>, url = servers.postgres): Promise<A> =>
  withPostgres(url, body)

export const freshSchema = (): string => `test_${randomBytes(8).toString("hex")}`

export const dropSchema = (schema: string, url?: string): Promise<void> =>
  withClient(async (client) => {
    await client.query(`DROP SCHEMA IF EXISTS "${schema}" CASCADE`)
  }, url)
