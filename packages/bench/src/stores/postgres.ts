import type { EventLog } from "@millrace/core"
import * as Postgres from "@millrace/store-postgres"
import { servers } from "@millrace/test-servers"
import { Client, Pool } from "pg"
import { type Contestant, contestantOn, freshName, levelOf, type Pair } from "./Contestant.ts"
import { groupCommit } from "./groupCommit.ts"

const url = servers.postgres

const once = async <A>(use: (client: Client) => Promise<A>): Promise<A> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

const dropSchema = (schema: string) =>
  once((client) => client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`))

const millrace = (): Promise<Contestant> => {
  const schema = freshName()
  return contestantOn(Postgres.layer({ url, schema }), () => dropSchema(schema))
}

/**
 * Uses two connections, so that one group is sent while the other is committed. The bodies go as
 * bytes, and are compressed as the store has them. In an array for `unnest` they would go as text,
 * at half the rate.
 */
const bare = async (): Promise<Contestant> => {
  const schema = freshName()
  const pool = new Pool({ connectionString: url, max: 2 })
  await pool.query(`
    CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.entries (
      position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id uuid NOT NULL, events integer NOT NULL, envelope text NOT NULL, body bytea COMPRESSION lz4 NOT NULL
    )`)
  const row = (_: EventLog.NewEntry, index: number): string =>
    `(${[1, 2, 3, 4].map((column) => `$${index * 4 + column}`).join(", ")})`
  return {
    append: groupCommit(
      (entries) =>
        pool.query(
          `INSERT INTO ${schema}.entries (id, events, envelope, body) VALUES ${entries.map(row).join(", ")}`,
          entries.flatMap(({ id, events, envelope, body }) => [id, events, envelope, body]),
        ),
      2,
    ),
    close: async () => {
      await pool.end()
      await dropSchema(schema)
    },
  }
}

export const postgres = async (): Promise<Pair> => {
  const setting = async (name: string) =>
    (await once((client) => client.query<Record<string, string>>(`SHOW ${name}`))).rows[0]?.[name]
  const schema = freshName()
  const level = await levelOf(Postgres.layer({ url, schema }))
  await dropSchema(schema)
  return {
    server: `PostgreSQL ${await setting("server_version")}, fsync=${await setting("fsync")}`,
    level,
    description: "one INSERT of many rows for those in flight, on two connections",
    millrace,
    bare,
    close: async () => {},
  }
}
