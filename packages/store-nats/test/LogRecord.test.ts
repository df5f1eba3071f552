import { type EventLog, Position } from "@millrace/core/store"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  divide,
  entriesAfter,
  fill,
  firstMark,
  type LogRecord,
  limitsOf,
  type Mark,
  makeRecord,
  markAt,
  partsOf,
  placeOf,
  type RecordLimits,
  readRecord,
  sizeOf,
} from "../src/LogRecord.ts"
import type { Message } from "../src/Stream.ts"

const entry: fc.Arbitrary<EventLog.NewEntry> = fc.record({
  id: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString("hex")),
  events: fc.nat({ max: 10_000 }),
  envelope: fc.string({ unit: "binary", maxLength: 40 }),
  body: fc.uint8Array({ maxLength: 60 }),
})

const entries = fc.array(entry, { minLength: 1, maxLength: 20 })

const limits: fc.Arbitrary<RecordLimits> = fc.record({
  entries: fc.integer({ min: 1, max: 8 }),
  bytes: fc.integer({ min: 1, max: 100 }),
})

const before: Mark = { place: placeOf(6, 2), entries: 41, events: 1000, bytes: 12_345 }

const payloadOf = (all: ReadonlyArray<EventLog.NewEntry>) =>
  fill(Buffer.alloc(all.reduce((sum, one) => sum + sizeOf(one), 0)), all)

/** What a server gives back. */
const published = (part: ReturnType<typeof partsOf>[number], seq: number): Message => ({
  seq,
  subject: "log",
  time: 0,
  header: (name) => part.headers[name],
  data: part.data,
})

const plain = ({ body, ...rest }: EventLog.NewEntry) => ({ ...rest, body: [...body] })

describe("a record", () => {
  it("divides entries in their order, each group within the limits or of one entry", () => {
    fc.assert(
      fc.property(entries, limits, (all, within) => {
        const groups = divide(all, within)
        expect(groups.flat()).toEqual(all)
        for (const group of groups) {
          const bytes = group.reduce((sum, one) => sum + sizeOf(one), 0)
          expect(group.length).toBeGreaterThan(0)
          expect(group.length).toBeLessThanOrEqual(within.entries)
          expect(group.length === 1 || bytes <= within.bytes).toBe(true)
        }
      }),
    )
  })

  it("comes back from its messages as it was, however they are cut", () => {
    fc.assert(
      fc.property(entries, limits, (all, within) => {
        const record = makeRecord(all, before, 77, 9, within)
        const messages = partsOf(record, payloadOf(all), within).map((part, index) =>
          published(part, 10 + index),
        )
        expect(messages).toHaveLength(record.messages)
        for (const message of messages) expect(message.data.byteLength).toBeLessThanOrEqual(within.bytes)
        const last = messages.at(-1) as Message
        const earlier = messages.slice(0, -1)
        for (const message of earlier) expect(readRecord(message)).toBeNull()

        const read = readRecord(
          last,
          earlier.map(({ data }) => data),
        )
        const { content: _given, ...index } = record
        expect(read).toMatchObject(index)
        const found = [...entriesAfter(read as LogRecord, 0, Position.fromNumber)]
        expect(
          [...entriesAfter(record, 0, Position.fromNumber)].map(({ id, position }) => [id, position]),
        ).toEqual(found.map(({ id, position }) => [id, position]))
        expect(found.map(({ position: _position, appendedAt: _appendedAt, ...one }) => plain(one))).toEqual(
          // Text goes through UTF-8.
          all.map((one) => plain({ ...one, envelope: Buffer.from(one.envelope).toString() })),
        )
        expect(found.map(({ appendedAt }) => appendedAt)).toEqual(all.map(() => 77))
        expect(found.map(({ position }) => position)).toEqual(
          all.map((_, index) => Position.fromNumber(placeOf(last.seq, index))),
        )
      }),
    )
  })

  it("sums up to each of its entries", () => {
    fc.assert(
      fc.property(entries, (all) => {
        const record = makeRecord(all, before, 0, 9, limitsOf(1024 * 1024))
        const sums = all.map((_, index) => {
          const upTo = all.slice(0, index + 1)
          return {
            place: placeOf(10, index),
            entries: before.entries + upTo.length,
            events: before.events + upTo.reduce((sum, { events }) => sum + events, 0),
            bytes: before.bytes + upTo.reduce((sum, one) => sum + sizeOf(one), 0),
          }
        })
        expect(all.map((_, index) => markAt(record, placeOf(10, index)))).toEqual(sums)
        expect(markAt(record, before.place)).toEqual(before)
        expect(record.after).toEqual(sums.at(-1))
        for (const { bytes } of sums) {
          expect(firstMark(record, (mark) => mark.bytes >= bytes).bytes).toBe(bytes)
        }
        expect([...entriesAfter(record, placeOf(10, 0), Position.fromNumber)]).toHaveLength(all.length - 1)
      }),
    )
  })

  it("fits a message with its headers, whatever the server takes", () => {
    for (const maxPayload of [4096, 65_536, 1024 * 1024, 64 * 1024 * 1024]) {
      const within = limitsOf(maxPayload)
      const all = Array.from({ length: within.entries }, (_, index) => ({
        id: index.toString(16).padStart(32, "0"),
        events: 10_000,
        envelope: "e".repeat(Math.floor(within.bytes / within.entries / 2)),
        body: new Uint8Array(Math.floor(within.bytes / within.entries / 2)),
      }))
      for (const part of partsOf(
        makeRecord(all, before, Date.now(), 2 ** 40, within),
        payloadOf(all),
        within,
      )) {
        const headers = Object.entries(part.headers).reduce(
          (sum, [name, value]) => sum + name.length + value.length,
          0,
        )
        expect(headers).toBeLessThan(65_000)
        expect(headers + part.data.byteLength).toBeLessThan(maxPayload - 200)
      }
    }
  })

  it("is never made up from what somebody else has put there", () => {
    const foreign: Message = { ...published({ headers: {}, data: new Uint8Array(3) }, 12) }
    expect(() => readRecord(foreign)).toThrow(/message 12 of "log" was put there by another program/)
  })
})
