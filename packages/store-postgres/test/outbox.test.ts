import { Entry } from "@millrace/core/host"
import { outboxInsert } from "@millrace/store-postgres"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import type { Client } from "pg"
import { describe, expect, it, onTestFinished } from "vitest"
import { Database } from "../src/Database.ts"
import { settingsOf } from "../src/Options.ts"
import { checkRow } from "../src/outboxRow.ts"
import { log } from "../src/tables/Log.ts"
import { outbox } from "../src/tables/Outbox.ts"
import { withClient } from "./support/server.ts"
import { entry, follow, freshOptions, idOf, numberOf, open, run } from "./support/store.ts"

const decoded = (stored: Parameters<typeof Entry.decode>[0]) => Result.getOrThrow(Entry.decode(stored))

const eventNames = (stored: Parameters<typeof Entry.decode>[0]) =>
  decoded(stored).events.map(({ eventName }) => eventName)

/** In the outbox, by plain SQL. */
const put = async (client: Client, schema: string, ...numbers: ReadonlyArray<number>): Promise<void> => {
  for (const number of numbers) {
    const body = `{"events":[{"eventName":"n","value":${number}}]}`
    await client.query(
      `INSERT INTO "${schema}".outbox (entry_id, body) VALUES ($1, convert_to($2, 'UTF8'))`,
      [idOf(number), body],
    )
  }
}

const left = async (client: Client, schema: string): Promise<number> => {
  const { rows } = await client.query<{ left: number }>(
    `SELECT count(*)::int AS left FROM "${schema}".outbox`,
  )
  return rows[0]?.left ?? 0
}

const limits = { durability: "disk", maxBytes: 1_000_000_000, segmentBytes: 1_000_000 } as const

type Move = (owner: string, held?: number) => Promise<number>

/** What an open store does now and then, by connections of its own. */
const mover = async (options: Parameters<typeof open>[0]): Promise<Move> => {
  const database = new Database(settingsOf(options), "here")
  onTestFinished(() => database.close())
  await database.run((client) => database.lineage.enter(client))
  const { move } = outbox(database, log(database))
  return async (owner, held = 60_000) => (await move(owner, 0, limits, held)).count
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
      const move = await mover(options)
      await withClient((late) =>
        withClient(async (client) => {
          await late.query("BEGIN")
          await put(late, options.schema, 1)
          await put(client, options.schema, 2, 3)
          expect(await move("a")).toBe(2)
          await late.query("COMMIT")
          await put(client, options.schema, 4)
          expect(await move("a")).toBe(2)
        }),
      )
      expect((await stored(options, 4)).map(numberOf)).toEqual([2, 3, 1, 4])
    })

    it("loses and doubles nothing when whoever moves dies in between", async () => {
      const options = await made()
      const move = await mover(options)
      await withClient(async (client) => {
        await put(client, options.schema, 1, 2, 3)
        // Before its commit.
        await withClient(async (dying) => {
          await dying.query("BEGIN")
          const { rows: taken } = await dying.query(
            `SELECT * FROM "${options.schema}".take_outbox('a', 0, 10, 1000000)`,
          )
          expect(taken).toHaveLength(3)
          await dying.query(`DELETE FROM "${options.schema}".outbox`)
          const { rows } = await dying.query<{ pid: number }>("SELECT pg_backend_pid() AS pid")
          await client.query("SELECT pg_terminate_backend($1)", [rows[0]?.pid])
        })
        expect(await left(client, options.schema)).toBe(3)
        expect(await move("b", 0)).toBe(3)
        // After it, before anybody heard of it: somebody puts the same again.
        await put(client, options.schema, 2, 4, 4)
        while ((await left(client, options.schema)) > 0) await move("c", 0)
      })
      expect((await stored(options, 4)).map(numberOf)).toEqual([1, 2, 3, 4])
    })

    it("is moved by one process at a time, and by another when its lease has ended", async () => {
      const options = await made()
      const move = await mover(options)
      await withClient(async (client) => {
        await put(client, options.schema, 1)
        expect(await move("a")).toBe(1)
        await put(client, options.schema, 2)
        expect(await move("b")).toBe(0)
        expect(await move("a", 0)).toBe(1)
        await put(client, options.schema, 3)
        expect(await move("b")).toBe(1)
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
        ["a", "b", "c"].map(async (owner) => {
          const move = await mover(options)
          await withClient(async (client) => {
            while ((await left(client, options.schema)) > 0) await move(owner, 0)
          })
        }),
      )
      const found = await stored(options, count)
      expect(found.map(numberOf)).toEqual(Array.from({ length: count }, (_, index) => index))
    })

    it("keeps what finds the log full until there is room", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log, health } = yield* open({ ...options, maxBytes: 500 })
          yield* health.probe
          const positions = yield* log.append([entry(1, 460)])
          expect((yield* Effect.flip(health.probe)).reason._tag).toBe("Full")
          yield* Effect.promise(() => withClient((client) => put(client, options.schema, 2)))
          expect((yield* Effect.flip(log.append([entry(3)]))).reason._tag).toBe("Full")
          yield* log.trim(0, positions[0]!, 0)
          expect((yield* follow(log, 1, positions[0])).map(numberOf)).toEqual([2])
        }),
      ))

    it("cleans, counts and checks what plain SQL puts there, and nothing waits behind what cannot be read", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log, deadLetters } = yield* open(options)
          const secret = "SECRET"
          const bodies: ReadonlyArray<readonly [events: number, body: string]> = [
            [1, `not JSON, but ${secret}`],
            [7, `{"events":[{"eventName":"counted","user":{"userID":"42"}}]}`],
            [
              1,
              `{"events":[{"eventName":"private","user":{"userID":"u","privateAttributes":{"ssn":"${secret}"},"custom":{"privateAttributes":{"x":"${secret}"}}}}]}`,
            ],
            [2, `{"events":[{"eventName":"good"},{"user":{"privateAttributes":"${secret}"}}]}`],
            [1, `{"events":[]}`],
            [1, `{"events":[{"eventName":"last"}]}`],
          ]
          yield* Effect.promise(() =>
            withClient(async (client) => {
              const into = `INSERT INTO "${options.schema}".outbox`
              await client.query(
                `${into} (envelope, body) VALUES ('{"v":99}', convert_to('{"events":[{"eventName":"e"}]}', 'UTF8'))`,
              )
              for (const [events, body] of bodies) {
                await client.query(`${into} (events, body) VALUES ($1, convert_to($2, 'UTF8'))`, [
                  events,
                  body,
                ])
              }
            }),
          )
          const found = yield* follow(log, 4)
          expect(found.map(eventNames)).toEqual([["counted"], ["private"], ["good"], ["last"]])
          expect(found.map(({ events }) => events)).toEqual([1, 1, 1, 1])
          expect((yield* log.stats(0, found.at(-1)!.position)).events).toBe(4)
          const { letters } = yield* deadLetters.list({})
          expect(letters.map(({ destination, reason, message }) => [destination, reason, message])).toEqual(
            expect.arrayContaining([
              ["intake", "invalid", expect.stringMatching(/^outbox: envelope/)],
              ["intake", "invalid", expect.stringMatching(/^outbox: body: not JSON/)],
              ["intake", "invalid", expect.stringMatching(/^outbox: events\[1\]/)],
            ]),
          )
          expect(letters).toHaveLength(3)
          const kept = JSON.stringify([letters, found.map(({ body }) => Buffer.from(body).toString())])
          expect(kept).not.toContain(secret)
          yield* Effect.promise(() =>
            withClient(async (client) => expect(await left(client, options.schema)).toBe(0)),
          )
        }),
      ))

    it("leaves as it is what outboxInsert has written", () => {
      fc.assert(
        fc.property(
          fc.array(
            fc.record({
              event: fc.string({ minLength: 1 }),
              value: fc.integer(),
              user: fc.record({ userID: fc.string() }),
            }),
            { minLength: 1 },
          ),
          (events) => {
            const [id, count, envelope, body] = outboxInsert(events).values as [
              string,
              number,
              string,
              Uint8Array,
            ]
            const { entry: moved, letters } = checkRow({ number: 1, id, envelope, body }, 0)
            expect(letters).toEqual([])
            expect(moved).toMatchObject({ id, events: count, envelope })
            expect(Buffer.from(moved!.body).toString()).toBe(Buffer.from(body).toString())
          },
        ),
      )
    })

    it("refuses events that are none", () => {
      expect(() => outboxInsert([])).toThrow(RangeError)
      expect(() => outboxInsert([{ event: "" }])).toThrow(/event/)
      expect(() => outboxInsert([{ event: "x".repeat(11 * 1024 * 1024) }])).toThrow(RangeError)
    })
  })
})
