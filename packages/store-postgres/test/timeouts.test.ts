import type { StoreError } from "@millrace/core/store"
import { describeStore, servers } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { withClient } from "./support/server.ts"
import { entry, follow, freshOptions, numberOf, open, run } from "./support/store.ts"

await describeStore("calls that take too long", servers.postgres, () => {
  describe("a call that takes too long", () => {
    it("fails, and leaves nothing behind on the server", () =>
      run(
        Effect.gen(function* () {
          const options = freshOptions()
          const { log, cursors } = yield* open({ ...options, requestTimeout: 4000 })
          yield* log.append([entry(1)])
          yield* Effect.promise(() =>
            withClient(async (client) => {
              await client.query("BEGIN")
              await client.query(`LOCK TABLE "${options.schema}".log, "${options.schema}".epochs`)
              const calls: ReadonlyArray<Effect.Effect<unknown, StoreError>> = [
                log.append([entry(2)]),
                cursors.acquire("a/0"),
                log.bounds(0),
              ]
              const errors = await run(Effect.forEach(calls, Effect.flip, { concurrency: "unbounded" }))
              for (const { reason, message } of errors) {
                expect(reason._tag).toBe("Unavailable")
                expect(message).toMatch(/no answer within 4000 ms/)
              }
              // The lock is still held: whoever waits for it has been told to stop.
              const waiting = async () => {
                const { rows } = await client.query<{ waiting: number }>(
                  `SELECT count(*)::int AS waiting FROM pg_stat_activity
                   WHERE wait_event_type = 'Lock' AND query LIKE $1 AND query NOT LIKE '%move_outbox%'`,
                  [`%${options.schema}%`],
                )
                return rows[0]?.waiting
              }
              while ((await waiting()) !== 0) {}
              await client.query("COMMIT")
            }),
          )
          yield* log.append([entry(3)])
          expect((yield* follow(log, 2)).map(numberOf)).toEqual([1, 3])
        }),
      ))
  })
})
