import { layer } from "@millrace/store-postgres"
import { servers } from "@millrace/test-servers"
import type { RewindablePlace } from "@millrace/testkit"
import type { Client } from "pg"
import { dropSchema, freshSchema, withClient } from "./server.ts"

/** The tables of a schema that hold rows, and not those that are made of others. */
const tablesOf = async (client: Client, schema: string): Promise<ReadonlyArray<string>> => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class
     WHERE relnamespace = $1::regnamespace AND relkind = 'r' AND relname <> 'millrace_schema' ORDER BY relname`,
    [schema],
  )
  return rows.map(({ name }) => name)
}

/**
 * A schema whose tables can be put back to what they held, under the feet of whoever has it open,
 * as `pg_restore` does.
 */
export const rewindablePlace = (): RewindablePlace => {
  const schema = freshSchema()
  const copies = `${schema}_copy`
  return {
    open: (options) => layer({ url: servers.postgres, schema, ...options }),
    keep: () =>
      withClient(async (client) => {
        await client.query(`DROP SCHEMA IF EXISTS ${copies} CASCADE; CREATE SCHEMA ${copies}`)
        await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for (const name of await tablesOf(client, schema)) {
          await client.query(`CREATE TABLE ${copies}.${name} AS TABLE ${schema}.${name}`)
        }
        await client.query("COMMIT")
      }),
    comeBack: () =>
      withClient(async (client) => {
        const names = await tablesOf(client, schema)
        await client.query("BEGIN")
        await client.query(`TRUNCATE ${names.map((name) => `${schema}.${name}`).join(", ")}`)
        for (const name of names) {
          await client.query(
            `INSERT INTO ${schema}.${name} OVERRIDING SYSTEM VALUE SELECT * FROM ${copies}.${name}`,
          )
        }
        await client.query("COMMIT")
      }),
    remove: async () => {
      await dropSchema(schema)
      await dropSchema(copies)
    },
  }
}
