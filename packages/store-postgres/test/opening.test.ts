import { randomBytes } from "node:crypto"
import { Position } from "@millrace/core/store"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import type { Client } from "pg"
import { describe, expect, it, onTestFinished } from "vitest"
import { migrations } from "../src/migrations/index.ts"
import { withClient } from "./support/server.ts"
import { entry, follow, freshOptions, numberOf, open, openingFails, run } from "./support/store.ts"

const password = "not-to-be-seen"

const withUser = (user: string, url = servers.postgres): string => {
  const changed = new URL(url)
  changed.username = user
  changed.password = password
  return changed.href
}

/** Everything that a schema holds, by its name. */
const objectsOf = async (client: Client, schema: string): Promise<ReadonlyArray<string>> => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = $1::text::regnamespace
     UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = $1::text::regnamespace ORDER BY 1`,
    [schema],
  )
  return rows.map(({ name }) => name)
}

const exists = async (client: Client, schema: string): Promise<boolean> =>
  (await client.query("SELECT FROM pg_namespace WHERE nspname = $1", [schema])).rowCount === 1

/** A user of the test's own, who may do nothing but connect. */
const freshUser = async (): Promise<string> => {
  const user = `test_${randomBytes(8).toString("hex")}`
  await withClient((client) => client.query(`CREATE USER ${user} PASSWORD '${password}'`))
  onTestFinished(
    () =>
      withClient(async (client) => {
        await client.query(`DROP OWNED BY ${user} CASCADE`)
        await client.query(`DROP USER ${user}`)
      }),
    60_000,
  )
  return user
}

await describeStore("opening a schema", servers.postgres, () => {
  describe("opening", () => {
    it("makes the schema once, however many open it at the same moment", async () => {
      const options = freshOptions()
      // How long each takes is no matter here: six at once may take a busy machine longer than a
      // call may last.
      const patient = { ...options, connections: 2, requestTimeout: 120_000 } as const
      await run(
        Effect.gen(function* () {
          const opened = yield* Effect.all(
            Array.from({ length: 6 }, () => open(patient)),
            { concurrency: "unbounded" },
          )
          for (const [number, { log }] of opened.entries()) yield* log.append([entry(number)])
          expect((yield* follow(opened[0]!.log, 6)).map(numberOf)).toEqual([0, 1, 2, 3, 4, 5])
        }),
      )
      await withClient(async (client) => {
        const { rows } = await client.query(`SELECT version FROM "${options.schema}".millrace_schema`)
        expect(rows).toEqual(migrations.map((_, index) => ({ version: index + 1 })))
      })
    })

    it("upgrades an older schema, one step after the other, once", async () => {
      const options = freshOptions()
      const next = (schema: string) =>
        `CREATE TABLE ${schema}.added (n integer); INSERT INTO ${schema}.added VALUES (1);`
      const last = (schema: string) => `UPDATE ${schema}.added SET n = n + 1;`
      await run(Effect.flatMap(open(options), ({ log }) => log.append([entry(1)])))
      await run(
        Effect.gen(function* () {
          const newer = { migrations: [...migrations, next, last] }
          const [{ log }] = yield* Effect.all([open(options, newer), open(options, newer)], {
            concurrency: "unbounded",
          })
          yield* log.append([entry(2)])
          expect((yield* follow(log, 2)).map(numberOf)).toEqual([1, 2])
        }),
      )
      await withClient(async (client) => {
        expect((await client.query(`SELECT n FROM "${options.schema}".added`)).rows).toEqual([{ n: 2 }])
      })
    })

    it("leaves everything as it was when a step fails", async () => {
      const options = freshOptions()
      const broken = (schema: string) => `CREATE TABLE ${schema}.added (n integer); SELECT 1 / 0;`
      await run(open(options))
      const before = await withClient((client) => objectsOf(client, options.schema))
      await expect(run(open(options, { migrations: [...migrations, broken] }))).rejects.toThrow()
      expect(await withClient((client) => objectsOf(client, options.schema))).toEqual(before)
      await run(open(options))
    })

    it("refuses a newer schema, and leaves it as it is", async () => {
      const options = freshOptions()
      await run(open(options))
      await withClient(async (client) => {
        await client.query(`INSERT INTO "${options.schema}".millrace_schema VALUES (1000)`)
        const before = await objectsOf(client, options.schema)
        const error = await openingFails(options)
        expect(error.reason._tag).toBe("Incompatible")
        expect(error.message).toMatch(/version 1000, made by a newer Millrace/)
        expect(await objectsOf(client, options.schema)).toEqual(before)
      })
    })

    it("refuses a schema that holds somebody else's tables, and leaves it as it is", async () => {
      const options = freshOptions()
      await withClient(async (client) => {
        await client.query(
          `CREATE SCHEMA "${options.schema}"; CREATE TABLE "${options.schema}".customers (id int)`,
        )
        const error = await openingFails(options)
        expect(error.reason._tag).toBe("Corrupt")
        expect(error.message).toMatch(/holds "customers", which is not Millrace's/)
        expect(await objectsOf(client, options.schema)).toEqual(["customers"])
      })
    })

    it("takes an empty schema that somebody has made for it", async () => {
      const options = freshOptions()
      await withClient((client) => client.query(`CREATE SCHEMA "${options.schema}"`))
      await run(Effect.flatMap(open(options), ({ log }) => log.append([entry(1)])))
    })

    it("says so when tables are missing", async () => {
      const options = freshOptions()
      await run(open(options))
      await withClient((client) => client.query(`DROP TABLE "${options.schema}".log CASCADE`))
      const error = await openingFails(options)
      expect(error.reason._tag).toBe("Corrupt")
    })

    it("fails in one line without a server, a database, a user, or with a wrong password", async () => {
      const base = new URL(servers.postgres)
      base.password = password
      const changed = (change: (url: URL) => void): string => {
        const url = new URL(base)
        change(url)
        return url.href
      }
      for (const [url, message] of [
        [changed((url) => (url.port = "1")), /no connection \(ECONNREFUSED\)/],
        [changed((url) => (url.pathname = "/no_such_database")), /no such database/],
        [changed((url) => (url.username = "no_such_user")), /refuses this user or password/],
      ] as const) {
        const error = await openingFails({ ...freshOptions(), url })
        expect(error.reason._tag).toBe("Unavailable")
        expect(error.message).toMatch(message)
        expect(error.message).not.toMatch(/\n/)
        expect(error.message).not.toContain(password)
      }
    })

    it("says which privilege is missing, and has made nothing", async () => {
      const user = await freshUser()
      const { schema } = freshOptions()
      const options = { url: withUser(user), schema }
      const noCreate = await openingFails(options)
      expect(noCreate.reason._tag).toBe("Unavailable")
      expect(noCreate.message).toMatch(/lacks a privilege .*permission denied for database/)
      await withClient(async (client) => {
        expect(await exists(client, schema)).toBe(false)
        await run(open({ url: servers.postgres, schema }))
        expect((await openingFails(options)).message).toMatch(
          /lacks a privilege .*permission denied for schema/,
        )
        await client.query(`GRANT USAGE ON SCHEMA "${schema}" TO ${user}`)
        await client.query(`GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA "${schema}" TO ${user}`)
        expect((await openingFails(options)).message).toMatch(/lacks a privilege on ".*grant ALL/)
        await client.query(`GRANT ALL ON ALL TABLES IN SCHEMA "${schema}" TO ${user}`)
        await client.query(`GRANT ALL ON ALL SEQUENCES IN SCHEMA "${schema}" TO ${user}`)
      })
      // With everything there it needs to own nothing.
      await run(
        Effect.gen(function* () {
          const { log, cursors, members } = yield* open(options, { segmentBytes: 1 })
          for (let number = 0; number < 20; number++) {
            const [position] = yield* log.append([entry(number)])
            yield* log.trim(0, position!, Number.MAX_SAFE_INTEGER)
          }
          yield* log.append([entry(100)])
          const { tail } = yield* log.bounds(0)
          expect(yield* log.read(0, tail, { maxEntries: 10, maxBytes: 1000 })).toHaveLength(1)
          const { epoch } = yield* cursors.acquire("a/0")
          const record = { position: Position.origin, index: 0, state: "" }
          expect(yield* cursors.save([{ name: "a/0", epoch, record }])).toEqual(["saved"])
          expect(yield* members.beat("a", 1000)).toEqual(["a"])
        }),
      )
    })

    it("asks for the isolation that its statements need", async () => {
      const user = await freshUser()
      const { schema } = freshOptions()
      await withClient((client) =>
        client.query(`ALTER USER ${user} SET default_transaction_isolation = 'serializable'`),
      )
      const error = await openingFails({ url: withUser(user), schema })
      expect(error.reason._tag).toBe("Unavailable")
      expect(error.message).toMatch(/default_transaction_isolation is "serializable"/)
    })

    it("refuses a server that is read-only", async () => {
      const user = await freshUser()
      const { schema } = freshOptions()
      await withClient((client) => client.query(`ALTER USER ${user} SET default_transaction_read_only = on`))
      const error = await openingFails({ url: withUser(user), schema })
      expect(error.reason._tag).toBe("ReadOnly")
      expect(error.message).toMatch(/read-only/)
    })
  })
})
