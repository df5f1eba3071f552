import type { IncomingMessage } from "node:http"
import { PassThrough } from "node:stream"
import { setImmediate } from "node:timers/promises"
import type { HttpIngest } from "@millrace/core"
import { bodyLimits } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import { openExchange } from "../src/request.ts"

const second = 1_000
const megabyte = 1024 * 1024

/** A body that a test sends, what is read of it, and what became of that. */
const open = (share: HttpIngest.BodyShare, maxBufferedBytes = 10 * megabyte) => {
  const limits = bodyLimits({ maxBufferedBytes })
  const stream = new PassThrough({ highWaterMark: megabyte })
  const req = Object.assign(stream, { method: "POST", url: "/", headers: {} }) as unknown as IncomingMessage
  const { request, release } = openExchange(req, limits)
  const outcomes: Array<string> = []
  const body = Effect.match(request.body(10 * megabyte, share), {
    onSuccess: ({ bytes }) => outcomes.push(`${bytes.length} bytes`),
    onFailure: ({ reason }) => outcomes.push(reason),
  })
  const reading = Effect.runPromise(body)
  const send = async (bytes: number) => {
    stream.write(Buffer.alloc(bytes, " "))
    await setImmediate()
  }
  return { outcomes, send, reading, release, end: () => void stream.end() }
}

describe("a slow body", () => {
  /** Sends so many bytes each second; returns after which of them it was over, and how. */
  const over = async (each: ReadonlyArray<number>) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    onTestFinished(() => void vi.useRealTimers())
    const { outcomes, send } = open("keyed")
    for (const [past, bytes] of each.entries()) {
      if (bytes > 0) await send(bytes)
      vi.advanceTimersByTime(second)
      await setImmediate()
      if (outcomes.length > 0) return [past + 1, outcomes]
    }
    return [each.length, outcomes]
  }
  const always = (bytes: number) => Array.from({ length: 60 }, () => bytes)

  it("is given up after ten seconds in which less than a kilobyte a second has come", async () => {
    expect(await over(always(1_023))).toEqual([10, ["TimedOut"]])
    expect(await over(always(0))).toEqual([10, ["TimedOut"]])
    // However much came before.
    const once = [500_000, ...always(1_000)]
    expect(await over(once)).toEqual([20, ["TimedOut"]])
  })

  it("of a kilobyte a second, with pauses of seconds, has all the time that a body has", async () => {
    expect(await over(always(1_024))).toEqual([30, ["TimedOut"]])
    const pausing = always(0).map((_, second) => (second % 5 === 0 ? 5 * 1_024 : 0))
    expect(await over(pausing)).toEqual([30, ["TimedOut"]])
  })
})

describe("a body that nobody keeps", () => {
  it("is counted and forgotten: it takes no room, and gets some where there is none", async () => {
    const { outcomes, send, reading, end } = open("unkept", 1)
    for (let sent = 0; sent < 8; sent++) await send(64 * 1024)
    end()
    await reading
    expect(outcomes).toEqual(["0 bytes"])
  })

  it("is bounded all the same", async () => {
    const { outcomes, send, reading } = open("unkept")
    for (let sent = 0; sent < 161; sent++) await send(64 * 1024)
    await reading
    expect(outcomes).toEqual(["TooLarge"])
  })
})
