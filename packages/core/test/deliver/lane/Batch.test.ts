import * as fc from "fast-check"
import { expect, test } from "vitest"
import { ByteWriter } from "../../../src/bytes/ByteWriter.ts"
import * as Batch from "../../../src/deliver/lane/Batch.ts"

const limits = { maxEvents: 500, maxBytes: 1_000_000, maxDelay: 1000 }

const event = fc
  .record({ eventName: fc.string({ unit: "binary" }), value: fc.option(fc.double({ noNaN: true })) })
  .map((value) => JSON.stringify(value))

const add = (builder: Batch.BatchBuilder, event: string): boolean => {
  builder.begin().text(event)
  return builder.commit()
}

const bytesOf = (text: string) => new TextEncoder().encode(text)

const text = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes)

test("the body is the events as a JSON array, or under data; so is that of any part", () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 50 }),
      fc.constantFrom("array" as const, "data" as const),
      fc.nat(),
      fc.nat(),
      (events, format, a, b) => {
        const builder = Batch.make(limits, format)
        for (const one of events) expect(add(builder, one)).toBe(true)
        const batch = builder.close()
        const from = a % events.length
        const to = from + 1 + (b % (events.length - from))
        for (const range of [[0, events.length] as const, [from, to] as const]) {
          const array = `[${events.slice(...range).join(",")}]`
          expect(text(batch.body(range))).toBe(format === "array" ? array : `{"data":${array}}`)
        }
        expect(batch.count).toBe(events.length)
      },
    ),
  )
})

test("no body passes maxEvents or maxBytes, save for one event that is larger alone, and none could hold more", () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 400 }),
      (events, maxEvents, maxBytes) => {
        const builder = Batch.make({ ...limits, maxEvents, maxBytes }, "array")
        let added = 0
        while (added < events.length && add(builder, events[added]!)) added += 1
        const body = builder.close().body([0, added])
        expect(added).toBeGreaterThan(0)
        expect(added).toBeLessThanOrEqual(maxEvents)
        if (added > 1) expect(body.length).toBeLessThanOrEqual(maxBytes)
        if (added < events.length && added < maxEvents) {
          expect(body.length + 1 + bytesOf(events[added]!).length).toBeGreaterThan(maxBytes)
        }
      },
    ),
  )
})

test("what it takes, and the body of any part, does not depend on what it is written into", () => {
  const long = fc
    .tuple(fc.constantFrom("a", "é", "語", "🚀"), fc.integer({ min: 1, max: 9_000 }))
    .map(([unit, times]) => JSON.stringify(unit.repeat(times)))
  const body = (events: ReadonlyArray<string>) => bytesOf(`{"data":[${events.join(",")}]}`)
  fc.assert(
    fc.property(
      fc.array(fc.oneof(event, long), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 150_000 }),
      fc.integer({ min: 0, max: 100_000 }),
      fc.nat(),
      (events, maxBytes, room, at) => {
        const builder = Batch.make({ ...limits, maxBytes }, "data", () => {
          const used = new ByteWriter(room)
          used.text("what was there before")
          used.cut(0)
          return used
        })
        const taken: Array<string> = []
        for (const one of events) {
          const fits = taken.length === 0 || body([...taken, one]).length <= maxBytes
          expect(add(builder, one)).toBe(fits)
          if (!fits) break
          taken.push(one)
          expect(builder.isFull()).toBe(body(taken).length >= maxBytes)
        }
        const batch = builder.close()
        const from = at % taken.length
        expect(text(batch.body([0, taken.length]))).toBe(text(body(taken)))
        expect(text(batch.body([from, taken.length]))).toBe(text(body(taken.slice(from))))
      },
    ),
  )
})

test("it is full as soon as a limit is reached", () => {
  const byCount = Batch.make({ ...limits, maxEvents: 2 }, "array")
  add(byCount, "1")
  expect(byCount.isFull()).toBe(false)
  add(byCount, "2")
  expect(byCount.isFull()).toBe(true)
  const byBytes = Batch.make({ ...limits, maxBytes: 5 }, "array")
  add(byBytes, "123")
  expect(byBytes.isFull()).toBe(true)
})
