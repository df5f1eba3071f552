import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { Feed, makeItem } from "../../../src/deliver/read/Feed.ts"
import { Router } from "../../../src/deliver/read/Router.ts"
import * as Position from "../../../src/ports/Position.ts"

const at = Position.fromNumber

const feedAt = (position: number, until: string | null = null, index = 0) =>
  new Feed({ name: () => true, event: null }, 10, { position: at(position), index }, () => {}, until)

const event = { eventName: "e", user: {}, time: 0, value: null, metadata: {}, statsigMetadata: {} }

const item = (position: number, names: ReadonlyArray<string> = ["e"]) => {
  const events = names.map((eventName) => ({ ...event, eventName }))
  const entry = { id: "00", receivedAt: 0, statsigMetadata: {}, events }
  return makeItem(at(position - 1), at(position), entry, 1, 0)
}

describe("a feed", () => {
  const wanted = (name: string): boolean => name !== "unwanted"
  const entries = fc.array(fc.array(fc.constantFrom("a", "b", "unwanted"), { minLength: 1, maxLength: 8 }), {
    maxLength: 8,
  })

  test.each(["dealt to", "reading by itself"])(
    "%s gives every event it wants once, in order, and knows where it stands",
    (how) => {
      fc.assert(
        fc.property(entries, fc.array(fc.nat({ max: 5 })), (all, pauses) => {
          const feed = new Feed(
            { name: wanted, event: null },
            10,
            { position: at(0), index: 0 },
            () => {},
            null,
          )
          const router = new Router(at(0), 1_000_000)
          if (how === "dealt to") router.attach(feed)
          const events = all.flatMap((names, entry) => names.map((name, index) => ({ name, entry, index })))
          const expected = events.flatMap((one, scanned) => (wanted(one.name) ? [{ ...one, scanned }] : []))
          const taken: Array<unknown> = []
          const take = () => {
            const run = feed.peek()!
            const { position, index, scanned } = feed.ahead
            const name = run.item.entry.events[index]!.eventName
            expect(position).toBe(run.item.before)
            taken.push({ name, entry: Number(run.item.position) - 1, index, scanned })
            feed.take()
          }
          for (const [entry, names] of all.entries()) {
            const one = item(entry + 1, names)
            if (!names.some(wanted)) {
              if (feed.attached) router.pass({ position: one.position, events: names.length })
              else feed.pass({ position: one.position, events: names.length })
            } else if (feed.attached) router.deal(one)
            else feed.scan(one)
            for (let times = pauses[entry] ?? 0; times > 0 && feed.queued > 0; times--) take()
            expect(feed.queued + taken.length).toBe(expected.filter((other) => other.entry <= entry).length)
          }
          while (feed.queued > 0) take()
          expect(taken).toEqual(expected)
          expect(feed.peek()).toBeUndefined()
          expect(feed.ahead).toEqual({
            position: at(all.length),
            index: 0,
            within: null,
            scanned: events.length,
          })
        }),
      )
    },
  )

  test("knows the entry that it stands inside of from another one at the same place", () => {
    const feed = feedAt(0)
    feed.scan(item(1, ["a", "b"]))
    feed.take()
    expect(feed.ahead).toMatchObject({ position: at(0), index: 1, within: at(1) })
    feed.rewind(feed.ahead)
    expect(feed.isOther(at(1))).toBe(false)
    expect(feed.isOther(Position.of(Position.prefixOf(1), 1))).toBe(true)
    // Nobody said which one it was when the cursor was saved.
    expect(feedAt(0, null, 1).isOther(at(1))).toBe(false)
  })

  test("goes on elsewhere with what it has looked at of an entry still counted", () => {
    const feed = feedAt(0, null, 2)
    expect(feed.ahead.scanned).toBe(2)
    feed.jump(at(5))
    expect(feed.ahead).toEqual({ position: at(5), index: 0, within: null, scanned: 2 })
  })

  test("goes back to a place inside an entry, and on from there", () => {
    const feed = feedAt(0)
    feed.scan(item(1, ["a", "b", "c"]))
    feed.take()
    const place = feed.ahead
    feed.take()
    feed.rewind(place)
    expect(feed.queued).toBe(0)
    feed.scan(item(1, ["a", "b", "c"]))
    expect(feed.queued).toBe(2)
    expect(feed.ahead).toEqual(place)
  })
})

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
    expect(feed.ahead).toEqual({ position: at(4), index: 0, within: null, scanned: 1 })
  })

  test("that has gone back is not led ahead again by a feed that stands at what is lost", () => {
    const router = new Router(at(9), 1000)
    const feed = feedAt(9)
    expect(router.attach(feed)).toBe(true)
    let attachedWithin: boolean | undefined
    feed.onNews = () => {
      attachedWithin = router.attach(feed)
    }
    router.goOnAt(at(6))
    // Its lane may be woken at once, and has to find out for itself.
    expect(attachedWithin).toBe(false)
    expect(router.attach(feedAt(8))).toBe(false)
    expect(router.position).toBe(at(6))
    expect(router.attach(feedAt(6))).toBe(true)
  })

  test("does not take over what has an end", () => {
    const router = new Router(at(3), 1000)
    expect(router.attach(feedAt(7, at(9)))).toBe(false)
    expect(router.position).toBe(at(3))
  })
})

test("a router remembers which feeds want a name, unless it is longer than intake lets in", () => {
  const asked: Array<number> = []
  const filter = {
    name: (name: string) => {
      asked.push(name.length)
      return true
    },
    event: null,
  }
  const router = new Router(at(0), 1_000_000)
  router.attach(new Feed(filter, 10, { position: at(0), index: 0 }, () => {}, null))
  for (const name of ["n".repeat(1024), "n".repeat(1025)]) {
    expect(router.wants(name)).toBe(true)
    expect(router.wants(name)).toBe(true)
  }
  expect(asked).toEqual([1024, 1025, 1025])
})
