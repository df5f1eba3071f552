import { StoreError } from "@millrace/core/store"
import type { PoolClient } from "pg"
import { quoted } from "./Database.ts"
import { codeOf, corrupt, incompatible, readOnlyServer, unavailable } from "./errors.ts"
import type { Migration } from "./migrations/index.ts"
import { inTransaction } from "./transaction.ts"

/** The oldest server whose partitions and functions this program can use. */
const oldestServer = 12

/** What it says when somebody else has just made the same thing. */
const madeMeanwhile: ReadonlySet<string> = new Set(["23505", "42P06", "42P07", "XX000"])

const maxTries = 20

interface Found {
  readonly server: number
  readonly encoding: string
  readonly isReadOnly: boolean
  readonly isolation: string
  readonly exists: boolean
  readonly isOurs: boolean
  readonly foreign: string | null
}

/** Reads catalogs only, which everybody may. */
const look = async (client: PoolClient, schema: string): Promise<Found> => {
  const { rows } = await client.query<Found>(
    `SELECT
       current_setting('server_version_num')::int / 10000 AS server,
       current_setting('server_encoding') AS encoding,
       current_setting('transaction_read_only') = 'on' AS "isReadOnly",
       current_setting('transaction_isolation') AS isolation,
       EXISTS (SELECT FROM pg_namespace WHERE nspname = $1) AS exists,
       EXISTS (
         SELECT FROM pg_class WHERE relname = 'millrace_schema' AND relnamespace = n.oid
       ) AS "isOurs",
       (SELECT min(relname) FROM pg_class WHERE relnamespace = n.oid) AS foreign
     FROM (SELECT (SELECT oid FROM pg_namespace WHERE nspname = $1) AS oid) AS n`,
    [schema],
  )
  const [found] = rows
  if (found === undefined) throw new Error("no row")
  return found
}

const checkServer = ({ server, encoding, isReadOnly, isolation }: Found, place: string): void => {
  if (server < oldestServer) {
    throw incompatible(`${place}: PostgreSQL ${server} is too old, ${oldestServer} is needed`)
  }
  if (encoding !== "UTF8") throw incompatible(`${place}: the database's encoding is ${encoding}, not UTF8`)
  if (isReadOnly) throw readOnlyServer(`${place}: the server is read-only: a standby, perhaps`)
  if (isolation !== "read committed") {
    throw unavailable(
      `${place}: default_transaction_isolation is "${isolation}": set it to "read committed" for this user`,
    )
  }
}

const versionOf = async (client: PoolClient, schema: string): Promise<number> => {
  const { rows } = await client.query<{ version: number | null }>(
    `SELECT max(version) AS version FROM ${quoted(schema)}.millrace_schema`,
  )
  return rows[0]?.version ?? 0
}

/** The table that the user may not use whole, if there is one. */
const deniedTable = async (client: PoolClient, schema: string): Promise<string | null> => {
  const { rows } = await client.query<{ relname: string }>(
    `SELECT relname FROM pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE}'::text[]) AS privilege
     WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relkind IN ('r', 'p')
       AND NOT has_table_privilege(oid, privilege)
     UNION ALL
     SELECT relname FROM pg_class
     WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND relname = 'batches'
       AND NOT has_sequence_privilege(oid, 'USAGE')
     LIMIT 1`,
    [schema],
  )
  return rows[0]?.relname ?? null
}

const checkVersion = (version: number, newest: number, schema: string, place: string): void => {
  if (version > newest) {
    throw incompatible(
      `${place}: the schema "${schema}" is of version ${version}, made by a newer Millrace: this one knows ${newest}`,
    )
  }
}

/**
 * A new log may stand in the place of one that others still have open: it is of a generation of its
 * own, so that no position of that one is taken for one of this, nor an epoch. Both are the time,
 * as where a log comes back with less.
 */
const tellApart = (name: string): string => `
DO $do$ DECLARE now bigint := floor(extract(epoch FROM clock_timestamp()) * 1000); BEGIN
  IF to_regclass('${name}.generations') IS NOT NULL THEN
    INSERT INTO ${name}.generations VALUES (now, 0);
    UPDATE ${name}.log SET generation = now;
    UPDATE ${name}.epochs SET last = now;
  END IF;
END $do$`

/** All steps that are missing, in one transaction, one process at a time. */
const migrate = (
  client: PoolClient,
  schema: string,
  place: string,
  migrations: ReadonlyArray<Migration>,
  exists: boolean,
): Promise<void> =>
  inTransaction(client, async () => {
    const name = quoted(schema)
    if (!exists) await client.query(`CREATE SCHEMA ${name}`)
    await client.query(`CREATE TABLE IF NOT EXISTS ${name}.millrace_schema (version integer NOT NULL)`)
    await client.query(`LOCK TABLE ${name}.millrace_schema IN ACCESS EXCLUSIVE MODE`)
    const version = await versionOf(client, schema)
    checkVersion(version, migrations.length, schema, place)
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue
      await client.query(migration(name))
      await client.query(`INSERT INTO ${name}.millrace_schema VALUES ($1)`, [index + 1])
    }
    if (version === 0) await client.query(tellApart(name))
  })

const prepareOnce = async (
  client: PoolClient,
  schema: string,
  place: string,
  migrations: ReadonlyArray<Migration>,
): Promise<void> => {
  const found = await look(client, schema)
  checkServer(found, place)
  if (!found.isOurs && found.foreign !== null) {
    throw corrupt(`${place}: the schema "${schema}" holds "${found.foreign}", which is not Millrace's`)
  }
  const version = found.isOurs ? await versionOf(client, schema) : 0
  checkVersion(version, migrations.length, schema, place)
  if (version < migrations.length) await migrate(client, schema, place, migrations, found.exists)
  const denied = await deniedTable(client, schema)
  if (denied !== null) {
    throw unavailable(
      `${place}: the user lacks a privilege on "${schema}"."${denied}": grant ALL on all tables and sequences of the schema`,
    )
  }
}

/** Whether there is nothing of this name. */
export const isGone = async (client: PoolClient, schema: string): Promise<boolean> => {
  const { exists, foreign } = await look(client, schema)
  return !exists || foreign === null
}

/**
 * Makes the schema what this program works on: with everything there, it needs no right to make
 * anything. Fails with a `StoreError`, or whatever the driver fails with, and has changed nothing
 * then.
 */
export const prepare = async (
  client: PoolClient,
  schema: string,
  place: string,
  migrations: ReadonlyArray<Migration>,
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    try {
      return await prepareOnce(client, schema, place, migrations)
    } catch (error) {
      const again = !(error instanceof StoreError) && madeMeanwhile.has(codeOf(error) ?? "")
      if (!again || tries === maxTries) throw error
    }
  }
}
