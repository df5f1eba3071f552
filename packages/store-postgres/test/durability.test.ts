import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { outboxInsert } from "@millrace/store-postgres"
import { describeServer, startPostgres } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import type { Client } from "pg"
import { expect, it, onTestFinished } from "vitest"
import { withClient } from "./support/server.ts"
import { entry, follow, numberOf, open, openingFails, run } from "./support/store.ts"

/** A server of the test's own. */
const start = async (settings: Readonly<Record<string, string>> = {}) => {
  const server = await startPostgres(settings)
  onTestFinished(server.dispose, 60_000)
  return server
}

/** Changes settings of a server, and waits until they hold. */
const change = (url: string, settings: Readonly<Record<string, string>>): Promise<void> =>
  withClient(async (client: Client) => {
    for (const [name, value] of Object.entries(settings)) {
      await client.query(`ALTER SYSTEM SET ${name} = '${value}'`)
    }
    await client.query("SELECT pg_reload_conf()")
    for (const [name, value] of Object.entries(settings)) {
      const current = () =>
        withClient((other) => other.query("SELECT current_setting($1) AS value", [name]), url)
      while ((await current()).rows[0].value !== value) {}
    }
  }, url)

/** What is logged meanwhile. */
const logged = () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ message }) => {
    lines.push(String(message))
  })
  return { lines, logging: Logger.layer([logger]) }
}

const levelOf = (url: string) => run(Effect.map(open({ url }), ({ log }) => log.durability))

describeServer("postgres", "what an acknowledged append has survived", () => {
  it("is what the server's settings say", async () => {
    const { url } = await start()
    expect(await levelOf(url)).toBe("disk")
    await change(url, { synchronous_commit: "off" })
    expect(await levelOf(url)).toBe("disk")
    // Only read here: a commit would wait for a standby that is not there.
    await change(url, { synchronous_standby_names: "standby" })
    expect(await levelOf(url)).toBe("replicated")
    for (const setting of ["remote_write", "local"]) {
      await change(url, { synchronous_commit: setting })
      expect(await levelOf(url)).toBe("disk")
    }
    await change(url, { synchronous_commit: "remote_apply" })
    expect(await levelOf(url)).toBe("replicated")
  }, 120_000)

  it("is more than an asynchronous commit, whatever the session says", async () => {
    const { url } = await start({ synchronous_commit: "off" })
    await run(open({ url }))
    await withClient(async (client) => {
      await client.query("BEGIN")
      await client.query("SELECT millrace.require_durability('disk')")
      expect((await client.query("SHOW synchronous_commit")).rows).toEqual([{ synchronous_commit: "on" }])
      await client.query("COMMIT")
      expect((await client.query("SHOW synchronous_commit")).rows).toEqual([{ synchronous_commit: "off" }])
    }, url)
  }, 120_000)

  it("is nothing without fsync, and opening says so once", async () => {
    const { url } = await start({ fsync: "off" })
    const { lines, logging } = logged()
    const level = await run(
      Effect.provide(
        Effect.map(open({ url }), ({ log }) => log.durability),
        logging,
      ),
    )
    expect(level).toBe("memory")
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/fsync/)
  }, 120_000)

  it("never gets less unnoticed: appends fail until it is as declared again, and the outbox waits", async () => {
    const { url } = await start()
    const { lines, logging } = logged()
    await run(
      Effect.gen(function* () {
        const { log, health } = yield* open({ url })
        yield* log.append([entry(1)])
        yield* health.probe
        yield* Effect.promise(() => change(url, { fsync: "off" }))
        expect((yield* Effect.flip(health.probe)).reason._tag).toBe("LevelTooLow")
        const error = yield* Effect.flip(log.append([entry(2)]))
        expect(error.reason._tag).toBe("LevelTooLow")
        expect(error.message).toMatch(/no longer give .* but memory/)
        yield* Effect.promise(() => withClient((client) => client.query(outboxInsert([{ event: "a" }])), url))
        while (lines.length === 0) yield* log.bounds(0)
        expect(lines[0]).toMatch(/outbox .* no longer give/)
        expect((yield* follow(log, 1)).map(numberOf)).toEqual([1])
        yield* Effect.promise(() => change(url, { fsync: "on" }))
        yield* log.append([entry(2)])
        expect(yield* follow(log, 3)).toHaveLength(3)
      }).pipe(Effect.provide(logging)),
    )
    expect(lines).toHaveLength(1)
  }, 120_000)
})

describeServer("postgres", "a server that dies", () => {
  it("has everything that was acknowledged, and the store goes on by itself", async () => {
    const server = await start()
    await run(
      Effect.gen(function* () {
        const { log } = yield* open({ url: server.url, requestTimeout: 20_000 })
        const acknowledged = new Set<number>()
        let next = 0
        for (let round = 0; round < 2; round++) {
          const wanted = acknowledged.size + 40
          let killed = false
          const append = Effect.gen(function* () {
            while (!killed) {
              const number = next++
              const answer = yield* Effect.result(log.append([entry(number, 5000)]))
              if (answer._tag === "Success") acknowledged.add(number)
              else expect(answer.failure.reason._tag).toBe("Unavailable")
            }
          })
          const kill = Effect.gen(function* () {
            while (acknowledged.size < wanted) yield* log.bounds(0)
            yield* Effect.promise(server.kill)
            killed = true
          })
          yield* Effect.all([kill, ...Array.from({ length: 4 }, () => append)], { concurrency: "unbounded" })
          expect((yield* Effect.flip(log.bounds(0))).reason._tag).toBe("Unavailable")
          yield* Effect.promise(server.start)
          yield* Effect.eventually(log.bounds(0))
        }
        yield* log.append([entry(next)])
        const { head } = yield* log.bounds(0)
        const { entries } = yield* log.stats(0, head)
        const found = (yield* follow(log, entries)).map(numberOf)
        for (const number of acknowledged) expect(found).toContain(number)
        expect(new Set(found).size).toBe(found.length)
        expect(found.at(-1)).toBe(next)
      }),
    )
  }, 120_000)
})

describeServer("postgres", "a password", () => {
  it("that is wrong or missing is said in one line, without the one given", async () => {
    const server = await start()
    await withClient(
      (client) =>
        client.query("SET password_encryption = 'scram-sha-256'; CREATE USER keeper PASSWORD 'right'"),
      server.url,
    )
    const rules = ["host all keeper 127.0.0.1/32 scram-sha-256", "host all all 127.0.0.1/32 trust", ""]
    writeFileSync(join(server.directory, "data", "pg_hba.conf"), rules.join("\n"))
    await withClient((client) => client.query("SELECT pg_reload_conf()"), server.url)
    for (const [password, message] of [
      ["not-to-be-seen", /refuses this user or password/],
      ["", /asks for a password/],
    ] as const) {
      const url = new URL(server.url)
      url.username = "keeper"
      url.password = password
      const error = await openingFails({ url: url.href })
      expect(error.reason._tag).toBe("Unavailable")
      expect(error.message).toMatch(message)
      expect(error.message).not.toMatch(/not-to-be-seen|\n/)
    }
  }, 120_000)
})
