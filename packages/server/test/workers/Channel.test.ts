import { type EventLog, StoreError, type StoreReason } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Channel from "../../src/workers/Channel.ts"
import { socketPair } from "../support/socketPair.ts"

type Calls = {
  readonly echo: readonly [unknown, unknown]
  readonly fail: readonly [{ readonly reason: StoreReason; readonly message: string }, never]
  readonly die: readonly [string, never]
  readonly hang: readonly [null, never]
}

type None = Record<never, never>

const context = Context.empty()

/** @param onAppends of the far side */
const connected = async (onAppends?: (appends: ReadonlyArray<Channel.Append>) => void) => {
  const [near, far] = await socketPair()
  const closed = { near: Deferred.makeUnsafe<void>(), far: Deferred.makeUnsafe<void>() }
  const end = (side: keyof typeof closed) => () => {
    Deferred.doneUnsafe(closed[side], Effect.void)
  }
  Channel.make<Calls, None>(far, {
    context,
    handlers: {
      echo: (input) => Effect.succeed(input),
      fail: (error) => Effect.fail(new StoreError(error)),
      die: (message) => Effect.die(new Error(message)),
      hang: () => Effect.never,
    },
    ...(onAppends === undefined ? {} : { onAppends }),
    onClose: end("far"),
  })
  const channel = Channel.make<None, Calls>(near, { context, handlers: {}, onClose: end("near") })
  return { channel, near, far, closed }
}

const entry: fc.Arbitrary<EventLog.NewEntry> = fc.record({
  id: fc.stringMatching(/^[0-9a-f]{32}$/),
  events: fc.integer({ min: 0, max: 10_000 }),
  envelope: fc.string({ unit: "binary", maxLength: 300 }),
  // Around the size from which on a body is written by itself.
  body: fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.integer({ min: 4_090, max: 4_100 }).map((length) => new Uint8Array(length).fill(length % 251)),
    fc.constant(new Uint8Array(300_000).fill(7)),
  ),
})

const positionOf = (n: number) => Position.fromNumber(n + 1)

describe("appends", () => {
  test("arrive in order, byte for byte, and each gets its own answer", async () => {
    let seen: Array<Omit<Channel.Append, "answer">> = []
    const { channel } = await connected((appends) => {
      for (const { answer, ...append } of appends) {
        seen.push(append)
        answer(Exit.succeed(positionOf(seen.length - 1)))
      }
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(entry, fc.integer({ min: 0, max: 40 })), { minLength: 1, maxLength: 20 }),
        async (sent) => {
          seen = []
          const positions = await Effect.runPromise(
            Effect.forEach(sent, ([one, partition]) => channel.append(one, partition), {
              concurrency: "unbounded",
            }),
          )
          expect(positions).toEqual(sent.map((_, index) => positionOf(index)))
          expect(
            seen.map(({ entry: { body, ...rest }, partition }) => ({
              partition,
              ...rest,
              body: Buffer.from(body).toString("base64"),
            })),
          ).toEqual(
            sent.map(([{ body, ...rest }, partition]) => ({
              partition,
              // What is no text, lone surrogates, is none in UTF-8 either.
              ...rest,
              envelope: Buffer.from(rest.envelope).toString(),
              body: Buffer.from(body).toString("base64"),
            })),
          )
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe("calls", () => {
  test("give back any JSON", async () => {
    const { channel } = await connected()
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (value) => {
        const sent: unknown = JSON.parse(JSON.stringify(value))
        expect(await Effect.runPromise(channel.call("echo", sent))).toEqual(sent)
      }),
    )
  })

  test.each<StoreReason>([
    { _tag: "Full" },
    { _tag: "Unavailable" },
    { _tag: "Corrupt" },
    { _tag: "Incompatible" },
    {
      _tag: "OutOfRange",
      tail: Position.fromNumber(1),
      head: Position.fromNumber(2),
      resumeAt: Position.fromNumber(1),
    },
    { _tag: "Closed" },
  ])("a store's failure keeps its reason and message: $_tag", async (reason) => {
    const { channel } = await connected()
    const error = await Effect.runPromise(Effect.flip(channel.call("fail", { reason, message: "why" })))
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ reason, message: "why" })
  })

  test("a mistake of ours stays one", async () => {
    const { channel } = await connected()
    await expect(Effect.runPromise(channel.call("die", "oh no"))).rejects.toThrow("oh no")
  })
})

describe("the end", () => {
  const closedError = { _tag: "StoreError", reason: { _tag: "Closed" } }

  test("of the other process fails what waits for it, and what is asked after it", async () => {
    const { channel, far, closed } = await connected()
    const hanging = Effect.runPromise(Effect.flip(channel.call("hang", null)))
    await Effect.runPromise(channel.call("echo", 1))
    far.destroy()
    expect(await hanging).toMatchObject(closedError)
    await Effect.runPromise(Deferred.await(closed.near))
    expect(await Effect.runPromise(Effect.flip(channel.call("echo", 1)))).toMatchObject(closedError)
  })

  test("is known on both sides, and comes after what was sent before it", async () => {
    let arrived = 0
    const { channel, closed } = await connected((appends) => {
      arrived += appends.length
    })
    const one = { id: "0".repeat(32), events: 1, envelope: "{}", body: new Uint8Array(1_000_000) }
    const unanswered = Effect.runPromise(Effect.flip(channel.append(one, 0)))
    channel.end()
    await Effect.runPromise(Effect.all([Deferred.await(closed.near), Deferred.await(closed.far)]))
    expect(await unanswered).toMatchObject(closedError)
    expect(arrived).toBe(1)
  })

  test("is what comes of bytes that nobody has sent", async () => {
    const { near, closed } = await connected()
    near.write(Buffer.alloc(64, 0xff))
    await Effect.runPromise(Effect.all([Deferred.await(closed.near), Deferred.await(closed.far)]))
  })
})
