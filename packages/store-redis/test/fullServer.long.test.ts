import { DeadLetters, type EventLog, Position } from "@millrace/core/store"
import { describeServer, startRedis } from "@millrace/test-servers"
import * as Effect from "effect/Effect"
import { expect, it, onTestFinished } from "vitest"
import { withRedis } from "./support/server.ts"
import { entry, open, readAll, run } from "./support/store.ts"

const mebibyte = 1024 * 1024

/** A server that holds some thirty entries of {@link size}. */
const smallServer = async () => {
  const server = await startRedis({
    appendfsync: "always",
    maxmemory: "20mb",
    "maxmemory-policy": "noeviction",
  })
  onTestFinished(() => server.dispose())
  return { url: server.url, maxBytes: 12 * mebibyte }
}

const size = mebibyte / 4

/** Appends until the server takes no more. Returns how many it took. */
const fill = Effect.fnUntraced(function* (log: EventLog.EventLog["Service"], from = 1) {
  for (let number = from; ; number++) {
    const taken = yield* Effect.result(log.append([entry(number, size)]))
    if (taken._tag === "Success") continue
    expect(taken.failure.reason._tag).toBe("Full")
    return number - from
  }
})

const limit = (url: string, maxmemory: string) =>
  Effect.promise(() => withRedis((redis) => redis.config("SET", "maxmemory", maxmemory), url))

const letter = (destination: string): DeadLetters.DeadLetter => ({
  destination,
  eventId: "event",
  reason: "refused",
  message: "422",
  status: 422,
  deadAt: Date.now(),
  receivedAt: 0,
  eventName: "page_view",
  event: "{}",
  replayedAt: null,
})

const patience = 60_000

describeServer("redis", "a server whose memory is smaller than the log's cap", () => {
  it(
    "full of what is pending, can be opened, read and drained, and takes events again",
    async () => {
      const options = { ...(await smallServer()), maxBytes: 1024 * mebibyte }
      await run(
        Effect.gen(function* () {
          const { log, cursors } = yield* open(options)
          const { epoch } = yield* cursors.acquire("a/0")
          const taken = yield* fill(log)
          expect(taken).toBeGreaterThan(20)
          // Whatever its connections give back meanwhile.
          yield* limit(options.url, "10mb")

          // A process that comes now: everything but intake works.
          const later = yield* open(options)
          expect((yield* Effect.flip(later.health.probe)).reason._tag).toBe("Full")
          expect(yield* readAll(later.log)).toHaveLength(taken)
          expect(yield* later.members.beat("me", 60_000)).toEqual(["me"])
          const half = (yield* readAll(later.log))[Math.floor(taken / 2) - 1]?.[1] ?? Position.origin
          const record = { position: half, index: 0, state: "{}" }
          expect(yield* cursors.save([{ name: "a/0", epoch, record }])).toEqual(["saved"])
          const other = yield* later.cursors.acquire("b/0")
          expect(yield* later.cursors.save([{ name: "b/0", epoch: other.epoch, record }])).toEqual(["saved"])
          yield* later.destinations.put({ id: "x", config: null, disabled: null, createdAt: 0 })
          yield* later.deadLetters.put([letter("x")])
          expect(yield* later.deadLetters.markReplayed({}, 1)).toBe(1)
          expect(yield* later.deadLetters.purge({})).toBe(1)
          // What a sender makes of a server that is full is not kept in it.
          expect((yield* Effect.flip(later.deadLetters.put([letter(DeadLetters.intake)]))).reason._tag).toBe(
            "Full",
          )
          yield* later.members.leave("me")

          yield* limit(options.url, "20mb")
          // Kept for replay, but for the room that intake needs.
          yield* later.log.trim(0, half, 0)
          expect((yield* log.bounds(0)).tail).toBe(Position.origin)
          yield* later.health.probe
          const more = yield* fill(log, 1_000)
          expect(more).toBeGreaterThan(5)
          expect((yield* log.bounds(0)).tail).toBe(half)
          expect((yield* readAll(log)).map(([number]) => number)).toEqual([
            ...Array.from(
              { length: taken - Math.floor(taken / 2) },
              (_, at) => Math.floor(taken / 2) + 1 + at,
            ),
            ...Array.from({ length: more }, (_, at) => 1_000 + at),
          ])
        }),
      )
    },
    patience,
  )

  it("is warned of at the start", async () => {
    const options = await smallServer()
    const opened = (maxBytes: number) => run(Effect.asVoid(open({ ...options, maxBytes })))
    expect(await opened(12 * mebibyte)).toEqual([])
    expect(await opened(21 * mebibyte)).toEqual([
      expect.stringMatching(/the log may take 22020096 bytes.*the server has 20971520 in all/),
    ])
  })
})
