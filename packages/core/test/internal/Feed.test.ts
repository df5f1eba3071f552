import { describe, expect, test } from "vitest"
import { Feed, makeItem, Router } from "../../src/internal/Feed.ts"
import * as Position from "../../src/Position.ts"

const at = Position.fromNumber

const feedAt = (position: number, until: string | null = null, index = 0) =>
  new Feed({ name: () => true, event: null }, 10, { position: at(position), index }, () => {}, until)

const event = { eventName: "e", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} }

const item = (position: number) => {
  const entry = { id: "00", receivedAt: 0, statsigMetadata: {}, events: [event] }
  return makeItem(at(position - 1), at(position), entry, 1, 0)
}

describe("a router", () => {
  test("that feeds nobody goes ahead to whoever comes", () => {
    const router = new Router(at(3), 1000)
    const feed = feedAt(7)
    expect(router.attach(feed)).toBe(true)
    expect(router.position).toBe(at(7))
    router.deal(item(8))
    expect(feed.ahead.position).toBe(at(7))
    feed.take()
    expect(feed.ahead).toMatchObject({ position: at(8), scanned: 1 })
  })

  test("never goes back, and never ahead of those it feeds", () => {
    const router = new Router(at(3), 1000)
    expect(router.attach(feedAt(2))).toBe(false)
    const feed = feedAt(3)
    expect(router.attach(feed)).toBe(true)
    expect(router.attach(feedAt(4))).toBe(false)
    expect(router.position).toBe(at(3))
    router.detach(feed)
    expect(router.attach(feedAt(4))).toBe(true)
  })

  test("does not take over what stands inside an entry, whose beginning it would deal out again", () => {
    const router = new Router(at(3), 1000)
    const feed = feedAt(3, null, 1)
    expect(router.attach(feed)).toBe(false)
    expect(router.attach(feedAt(5, null, 1))).toBe(false)
    expect(router.position).toBe(at(3))
    feed.scan(item(4))
    expect(feed.queued).toBe(0)
    expect(router.attach(feed)).toBe(true)
    expect(feed.ahead).toEqual({ position: at(4), index: 0, scanned: 1 })
  })

  test("does not take over what has an end", () => {
    const router = new Router(at(3), 1000)
    expect(router.attach(feedAt(7, at(9)))).toBe(false)
    expect(router.position).toBe(at(3))
  })
})
