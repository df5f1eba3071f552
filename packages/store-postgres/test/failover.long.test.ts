import { Position } from "@millrace/core/store"
import {
  describeServer,
  type PostgresStandby,
  startPostgres,
  startPostgresStandby,
  type TestServer,
  tcpProxy,
} from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect, it, onTestFinished } from "vitest"
import { withClient } from "./support/server.ts"
import { entry, follow, numberOf, open, run } from "./support/store.ts"

const local = ({ port }: { readonly port: number }) => ({ host: "127.0.0.1", port })

/** A server and its standby, the way between them, and an address for whoever uses them. */
const startPair = async () => {
  const primary = await startPostgres()
  onTestFinished(() => primary.dispose(), 60_000)
  const replication = await tcpProxy(local(primary))
  const standby = await startPostgresStandby(replication.port, "standby")
  onTestFinished(() => standby.dispose(), 60_000)
  const address = await tcpProxy(local(primary))
  onTestFinished(async () => {
    await replication.close()
    await address.close()
  }, 60_000)
  return { primary, standby, replication, address, url: address.url(primary.url) }
}

/** Until the standby has all that the server has. */
const caughtUp = async (primary: TestServer, standby: PostgresStandby) => {
  const asked = (url: string, what: string) =>
    withClient(async (client) => {
      const { rows } = await client.query<{ done: boolean }>(`SELECT ${what} AS done`)
      return rows[0]?.done
    }, url)
  const lsn = await withClient(async (client) => {
    const { rows } = await client.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn")
    return rows[0]!.lsn
  }, primary.url)
  while ((await asked(standby.url, `pg_last_wal_replay_lsn() >= '${lsn}'::pg_lsn`)) !== true) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const all = { maxEntries: 1000, maxBytes: 1 << 24 }

describeServer("postgres", "a standby that takes over", () => {
  it("was behind: no position is given again, and who waits behind its end hears of it", async () => {
    const { primary, standby, replication, address, url } = await startPair()
    await run(
      Effect.gen(function* () {
        const { log, cursors } = yield* open({ url })
        const survivors = yield* log.append(Array.from({ length: 10 }, (_, index) => entry(index + 1)))
        const owner = yield* cursors.acquire("a/0")
        yield* Effect.promise(() => caughtUp(primary, standby))
        yield* Effect.promise(() => replication.cut())
        const lost = yield* log.append(Array.from({ length: 5 }, (_, index) => entry(index + 11)))
        const late = yield* cursors.acquire("a/0")
        const waiter = yield* Effect.forkChild(Effect.ignore(log.wait(0, lost.at(-1)!)), {
          startImmediately: true,
        })
        yield* Effect.promise(() => primary.kill())
        yield* Effect.promise(() => standby.promote())
        address.moveTo(local(standby))
        // Nobody asks for anything: the store finds out by itself.
        yield* Fiber.join(waiter)

        const added = yield* Effect.retry(log.append([entry(21), entry(22)]), { times: 100 })
        const error = yield* Effect.flip(log.read(0, lost[0]!, all))
        expect(error.reason).toMatchObject({ _tag: "OutOfRange", resumeAt: survivors.at(-1) })
        const found = yield* follow(log, 12)
        expect(found.map(numberOf)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 21, 22])
        expect(found.map(({ position }) => position)).toEqual([...survivors, ...added])
        expect(added[0]! > lost.at(-1)!).toBe(true)

        // The epoch that was lost is given to nobody again.
        const next = yield* cursors.acquire("a/0")
        expect([owner.epoch, late.epoch]).not.toContain(next.epoch)
        expect(next.epoch).toBeGreaterThan(late.epoch)
      }),
    )
  }, 120_000)

  it("is not appended to before it has been entered, by whatever program", async () => {
    const { primary, standby, address, url } = await startPair()
    await run(
      Effect.gen(function* () {
        const { log } = yield* open({ url })
        yield* log.append([entry(1)])
        yield* Effect.promise(() => caughtUp(primary, standby))
        yield* Effect.promise(() => primary.kill())
        yield* Effect.promise(() => standby.promote())
        yield* Effect.promise(() =>
          withClient(async (client) => {
            await expect(client.query("SELECT millrace.entered(0, 0, true)")).rejects.toMatchObject({
              code: "ML005",
            })
          }, standby.url),
        )
        address.moveTo(local(standby))
        const [position] = yield* Effect.retry(log.append([entry(2)]), { times: 100 })
        // Nothing was lost: what the log has given stays as it is.
        expect((yield* follow(log, 2)).map(numberOf)).toEqual([1, 2])
        expect(Position.parse(position!)).toMatchObject({ number: 2 })
        expect(Position.parse(position!)?.generation).toBeGreaterThan(0)
      }),
    )
  }, 120_000)
})

describeServer("postgres", "a server that is read-only", () => {
  it("costs its connections: behind the address another one may stand by now", async () => {
    const { primary, standby, address, url } = await startPair()
    await run(
      Effect.gen(function* () {
        const { log, health } = yield* open({ url })
        yield* log.append([entry(1)])
        yield* health.probe
        yield* Effect.promise(() => caughtUp(primary, standby))
        address.moveTo(local(standby))
        yield* Effect.promise(() => address.cut())
        yield* Effect.promise(() => address.restore())
        // Several connections lead to the standby, and stay open.
        const outcomes = yield* Effect.forEach(
          Array.from({ length: 8 }, (_, index) => index + 2),
          (number) => Effect.flip(log.append([entry(number)])),
          { concurrency: "unbounded" },
        )
        expect(outcomes.map(({ reason }) => reason._tag)).not.toContain("Corrupt")
        let refused = yield* Effect.flip(log.append([entry(20)]))
        while (refused.reason._tag === "Unavailable") refused = yield* Effect.flip(log.append([entry(20)]))
        expect(refused.reason._tag).toBe("ReadOnly")
        expect((yield* Effect.flip(health.probe)).reason._tag).toBe("ReadOnly")
        address.moveTo(local(primary))
        yield* log.append([entry(30)])
        expect((yield* follow(log, 2)).map(numberOf)).toEqual([1, 30])
      }),
    )
  }, 120_000)
})
