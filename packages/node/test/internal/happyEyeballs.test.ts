import { EventEmitter } from "node:events"
import type { NetConnectOpts, Socket } from "node:net"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { connectFirst, inTurns } from "../../src/internal/happyEyeballs.ts"

const at = (address: string) => ({ address, family: address.includes(":") ? 6 : 4 })

class FakeSocket extends EventEmitter {
  destroyed = false
  destroy(): void {
    this.destroyed = true
  }
}

const setUp = (...addresses: ReadonlyArray<string>) => {
  const opened = new Map<string, FakeSocket>()
  const outcomes: Array<string> = []
  const attempt = connectFirst(
    addresses.map(at),
    443,
    (error, socket) => {
      const winner = [...opened].find(([, one]) => (one as unknown) === socket)?.[0]
      outcomes.push(error?.message ?? winner ?? "nobody")
    },
    (options: NetConnectOpts) => {
      const socket = new FakeSocket()
      opened.set((options as { host: string }).host, socket)
      return socket as unknown as Socket
    },
  )
  return {
    attempt,
    outcomes,
    opened: () => [...opened.keys()],
    left: () => [...opened].flatMap(([address, { destroyed }]) => (destroyed ? [] : [address])),
    fail: (address: string) => opened.get(address)!.emit("error", new Error(`${address} refuses`)),
    connect: (address: string) => opened.get(address)!.emit("connect"),
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe("connecting to the first of several addresses", () => {
  it("that is slow, after a family without a way there: it has all the time there is", () => {
    const { fail, connect, opened, outcomes } = setUp("2001:db8::1", "10.0.0.4")
    fail("2001:db8::1")
    expect(opened()).toEqual(["2001:db8::1", "10.0.0.4"])
    vi.advanceTimersByTime(9_000)
    expect(outcomes).toEqual([])
    connect("10.0.0.4")
    expect(outcomes).toEqual(["10.0.0.4"])
  })

  it("begins the next after a quarter of a second, gives up none before one has won, and then the others", () => {
    const { connect, opened, left, outcomes } = setUp("2001:db8::1", "2001:db8::2", "10.0.0.1")
    expect(opened()).toEqual(["2001:db8::1"])
    vi.advanceTimersByTime(249)
    expect(opened()).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(opened()).toEqual(["2001:db8::1", "10.0.0.1"])
    vi.advanceTimersByTime(250)
    expect(left()).toEqual(["2001:db8::1", "10.0.0.1", "2001:db8::2"])
    connect("2001:db8::1")
    expect(outcomes).toEqual(["2001:db8::1"])
    expect(left()).toEqual(["2001:db8::1"])
    vi.advanceTimersByTime(10_000)
    expect(opened()).toHaveLength(3)
  })

  it("fails when all have, with what was wrong first, and never twice", () => {
    const { fail, outcomes, opened } = setUp("10.0.0.1", "10.0.0.2")
    fail("10.0.0.1")
    expect(outcomes).toEqual([])
    fail("10.0.0.2")
    fail("10.0.0.2")
    expect(outcomes).toEqual(["10.0.0.1 refuses"])
    vi.advanceTimersByTime(1_000)
    expect(opened()).toHaveLength(2)
  })

  it("an error of the winner is its user's: nothing is connected to any more", () => {
    const { fail, connect, opened, outcomes } = setUp("10.0.0.1", "10.0.0.2")
    connect("10.0.0.1")
    fail("10.0.0.1")
    expect(opened()).toEqual(["10.0.0.1"])
    expect(outcomes).toEqual(["10.0.0.1"])
  })

  it("ends all of them when it is cancelled", () => {
    const { attempt, opened, left, outcomes } = setUp("10.0.0.1", "10.0.0.2", "10.0.0.3")
    vi.advanceTimersByTime(250)
    attempt.cancel()
    expect(left()).toEqual([])
    vi.advanceTimersByTime(10_000)
    expect(opened()).toHaveLength(2)
    expect(outcomes).toEqual([])
  })

  it("tries eight of hundreds", () => {
    const { opened } = setUp(...Array.from({ length: 300 }, (_, n) => `10.0.${n >> 8}.${n & 255}`))
    vi.advanceTimersByTime(100_000)
    expect(opened()).toHaveLength(8)
  })

  it("takes the families in turns, in the order they came in", () => {
    const all = ["::1", "::2", "::3", "10.0.0.1"].map(at)
    expect(inTurns(all).map(({ address }) => address)).toEqual(["::1", "10.0.0.1", "::2", "::3"])
    expect(inTurns([])).toEqual([])
  })
})
