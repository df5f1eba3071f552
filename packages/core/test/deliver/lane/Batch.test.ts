import * as fc from "fast-check"
import { expect, test } from "vitest"
import { ByteWriter, piece } from "../../../src/bytes/ByteWriter.ts"
import * as Batch from "../../../src/deliver/lane/Batch.ts"
import * as Layout from "../../../src/deliver/lane/layout.ts"
import type { RequestOrigin } from "../../../src/ports/Sink.ts"

const limits = { maxEvents: 500, maxBytes: 1_000_000, maxDelay: 1000 }

const event = fc
  .record({ eventName: fc.string({ unit: "binary" }), value: fc.option(fc.double({ noNaN: true })) })
  .map((value) => JSON.stringify(value))

const add = (builder: Batch.BatchBuilder, event: string): boolean => {
  builder.begin(null)!.text(event)
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
        const builder = Batch.make(limits, format === "array" ? Layout.array : Layout.data)
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
        const builder = Batch.make({ ...limits, maxEvents, maxBytes }, Layout.array)
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
        const builder = Batch.make({ ...limits, maxBytes }, Layout.data, () => {
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
  const byCount = Batch.make({ ...limits, maxEvents: 2 }, Layout.array)
  add(byCount, "1")
  expect(byCount.isFull()).toBe(false)
  add(byCount, "2")
  expect(byCount.isFull()).toBe(true)
  const byBytes = Batch.make({ ...limits, maxBytes: 5 }, Layout.array)
  add(byBytes, "123")
  expect(byBytes.isFull()).toBe(true)
})

test("a line for each event, with a line's end behind the last", () => {
  const builder = Batch.make(limits, Layout.ndjson)
  for (const one of ["1", "2", "3"]) add(builder, one)
  const batch = builder.close()
  expect(text(batch.body([0, 3]))).toBe("1\n2\n3\n")
  expect(text(batch.body([1, 2]))).toBe("2\n")
})

test("what is made of events is made of those of the part, the same each time", () => {
  const layout = Layout.rendered((events) => `${events.length}: ${events.join("; ")}`)
  const builder = Batch.make(limits, layout)
  for (const one of ['"é"', '"🚀"', "3"]) add(builder, one)
  const batch = builder.close()
  for (let times = 0; times < 2; times++) {
    expect(text(batch.body([0, 3]))).toBe('3: "é"; "🚀"; 3')
    expect(text(batch.body([1, 3]))).toBe('2: "🚀"; 3')
  }
})

test("a request has one origin: an event of another one begins the next", () => {
  const origin: RequestOrigin = {
    keyId: "k",
    sdkType: "s",
    sdkVersion: "1",
    relayedBy: null,
    ip: null,
    statsigMetadata: "{}",
  }
  const closing = (given: RequestOrigin | null) => piece(`],"of":"${given?.keyId}"}`)
  const builder = Batch.make(limits, { ...Layout.array, closing })
  builder.begin(origin)!.text("1")
  builder.commit()
  // The same facts of another request.
  builder.begin({ ...origin })!.text("2")
  builder.commit()
  for (const other of [
    { ...origin, keyId: "another" },
    { ...origin, statsigMetadata: '{"a":1}' },
    { ...origin, sdkType: null },
    { ...origin, sdkVersion: "2" },
    { ...origin, relayedBy: "x" },
  ]) {
    expect(builder.begin(other)).toBeNull()
  }
  const batch = builder.close()
  expect(text(batch.body([0, 2]))).toBe('[1,2],"of":"k"}')
  expect(text(batch.body([1, 2]))).toBe('[2],"of":"k"}')
  expect(batch.origin([0, 1])).toEqual(origin)
})
