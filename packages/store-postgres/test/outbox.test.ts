import { Entry } from "@millrace/core"
import { outboxInsert } from "@millrace/store-postgres"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Client } from "pg"
import { describe, expect, it } from "vitest"
import { withClient } from "./support/server.ts"
import { entry, follow, freshOptions, numberOf, open, run } from "./support/store.ts"

const decoded = (stored: Parameters<typeof Entry.decode>[0]) => Result.getOrThrow(Entry.decode(stored))

const eventNames = (stored: Parameters<typeof Entry.decode>[0]) =>
  decoded(stored).events.map(({ eventName }) => eventName)

/** In the outbox, by plain SQL. */
const put = async (client: Client, schema: string, ...numbers: ReadonlyArray<number>): Promise<void> => {
  for (const number of numbers) {
    const { id, events, envelope, body } = entry(number)
    await client.query(
      `INSERT INTO "${schema}".outbox (entry_id, events, envelope, body) VALUES ($1, $2, $3, $4)`,
      [id, events, envelope, body],
    )
  }
}

const left = async (client: Client, schema: string): Promise<number> => {
  const { rows } = await client.query<{ left: number }>(
    `SELECT count(*)::int AS left FROM "${schema}".outbox`,
  )
  return rows[0]?.left ?? 0
}

/** What an open store does now and then. */
const move = async (client: Client, schema: string, owner: string, lease = 60_000): Promise<number> => {
  const { rows } = await client.query<{ moved: string }>(
    `SELECT moved FROM "${schema}".move_outbox($1, $2, 10, 1000000, 'disk', 1000000000, 1000000, 0)`,
    [owner, lease],
  )
  return Number(rows[0]?.moved)
}

/** Makes the schema; nobody moves anything afterwards but the test. */
const made = async () => {
  const options = freshOptions()
  await run(open(options))
  return options
}

const stored = (options: Parameters<typeof open>[0], count: number) =>
  run(Effect.flatMap(open(options), ({ log }) => follow(log, count)))

await describeStore("the outbox", servers.postgres, () => {
  describe("the outbox", () => {
    it("delivers what was committed with other data, and nothing of what was rolled back", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log } = yield* open(options)
          const statement = (event: string) =>
            outboxInsert([{ event, user: { userID: "42", privateAttributes: { email: "a@b.c" } } }], options)
          yield* Effect.promise(() =>
            withClient(async (client) => {
              await client.query(`CREATE TABLE "${options.schema}".orders (id integer)`)
              for (const end of ["ROLLBACK", "COMMIT"]) {
                await client.query("BEGIN")
                await client.query(`INSERT INTO "${options.schema}".orders VALUES (1)`)
                await client.query(statement(end))
                await client.query(end)
              }
              await client.query(statement("alone"))
            }),
          )
          const found = yield* follow(log, 2)
          expect(found.map(eventNames)).toEqual([["COMMIT"], ["alone"]])
          expect(decoded(found[0]!).events[0]).toMatchObject({ user: { userID: "42" }, value: null })
          expect(Buffer.from(found[0]!.body).includes("a@b.c")).toBe(false)
        }),
      ))

    it("takes what plain SQL puts there", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log } = yield* open(options)
          yield* Effect.promise(() =>
            withClient((client) =>
              client.query(
                `INSERT INTO "${options.schema}".outbox (events, body)
                 VALUES (2, convert_to('{"events":[{"eventName":"a"},{"eventName":"ß","user":{"userID":"42"}}]}', 'UTF8'))`,
              ),
            ),
          )
          const [found] = yield* follow(log, 1)
          expect(eventNames(found!)).toEqual(["a", "ß"])
          expect(Math.abs(decoded(found!).receivedAt - Date.now())).toBeLessThan(24 * 60 * 60 * 1000)
        }),
      ))

    it("moves a row that is committed late later, and waits for nobody", async () => {
      const options = await made()
      await withClient((late) =>
        withClient(async (client) => {
          await late.query("BEGIN")
          await put(late, options.schema, 1)
          await put(client, options.schema, 2, 3)
          expect(await move(client, options.schema, "a")).toBe(2)
          await late.query("COMMIT")
          await put(client, options.schema, 4)
          expect(await move(client, options.schema, "a")).toBe(2)
        }),
      )
      expect((await stored(options, 4)).map(numberOf)).toEqual([2, 3, 1, 4])
    })

    it("loses and doubles nothing when whoever moves dies in between", async () => {
      const options = await made()
      await withClient(async (client) => {
        await put(client, options.schema, 1, 2, 3)
        // Before its commit.
        await withClient(async (dying) => {
          await dying.query("BEGIN")
          expect(await move(dying, options.schema, "a", 0)).toBe(3)
          const { rows } = await dying.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")
          await client.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid])
        })
        expect(await left(client, options.schema)).toBe(3)
        expect(await move(client, options.schema, "b", 0)).toBe(3)
        // After it, before anybody heard of it: somebody puts the same again.
        await put(client, options.schema, 2, 4, 4)
        while ((await left(client, options.schema)) > 0) await move(client, options.schema, "c", 0)
      })
      expect((await stored(options, 4)).map(numberOf)).toEqual([1, 2, 3, 4])
    })

    it("is moved by one process at a time, and by another when its lease has ended", async () => {
      const options = await made()
      await withClient(async (client) => {
        await put(client, options.schema, 1)
        expect(await move(client, options.schema, "a")).toBe(1)
        await put(client, options.schema, 2)
        expect(await move(client, options.schema, "b")).toBe(0)
        expect(await move(client, options.schema, "a", 0)).toBe(1)
        await put(client, options.schema, 3)
        expect(await move(client, options.schema, "b")).toBe(1)
      })
      expect((await stored(options, 3)).map(numberOf)).toEqual([1, 2, 3])
    })

    it("is moved once by many processes that try at once, in order", async () => {
      const options = await made()
      const count = 200
      await withClient((client) =>
        put(client, options.schema, ...Array.from({ length: count }, (_, index) => index)),
      )
      await Promise.all(
        ["a", "b", "c"].map((owner) =>
          withClient(async (client) => {
            while ((await left(client, options.schema)) > 0) await move(client, options.schema, owner, 0)
          }),
        ),
      )
      const found = await stored(options, count)
      expect(found.map(numberOf)).toEqual(Array.from({ length: count }, (_, index) => index))
    })

    it("keeps what finds the log full until there is room", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log } = yield* open({ ...options, maxBytes: 500 })
          const positions = yield* log.append([entry(1, 400)])
          yield* Effect.promise(() => withClient((client) => put(client, options.schema, 2)))
          expect((yield* Effect.flip(log.append([entry(3)]))).reason._tag).toBe("Full")
          yield* log.trim(0, positions[0]!, 0)
          expect((yield* follow(log, 1, positions[0])).map(numberOf)).toEqual([2])
        }),
      ))

    it("refuses events that are none", () => {
      expect(() => outboxInsert([])).toThrow(RangeError)
      expect(() => outboxInsert([{ event: "" }])).toThrow(/event/)
      expect(() => outboxInsert([{ event: "x".repeat(11 * 1024 * 1024) }])).toThrow(RangeError)
    })
  })
})
