import * as fc from "fast-check"
import { expect, test } from "vitest"
import * as Collector from "../../../src/deliver/lane/batchBuckets.ts"
import { Bodies } from "../../../src/deliver/lane/bodyBuffers.ts"
import * as Layout from "../../../src/deliver/lane/layout.ts"
import { exportedEvents, makeItem } from "../../../src/deliver/read/Feed.ts"
import * as Position from "../../../src/ports/Position.ts"
import { rule } from "../../../src/select/Export.ts"

const limits = { maxEvents: 1000, maxBytes: 1_000_000, maxDelay: 1000 }

const exportRule = rule({ exposures: "statsigMetadata", fields: { drop: [], keep: null, hash: [] } }, null)

const itemAt = (number: number) => {
  const events = Array.from({ length: 10 }, (_, index) => ({
    ...{ eventName: "e", user: {}, value: null, metadata: {}, statsigMetadata: {} },
    time: number * 100 + index,
  }))
  const entry = { id: `${number}`, receivedAt: number * 1000, statsigMetadata: {}, events }
  return makeItem(Position.fromNumber(number - 1), Position.fromNumber(number), entry, 1, 0)
}

test("every event of a batch is known by its place in the log, whatever was left out and however events are dealt", () => {
  const event = fc.record({
    entry: fc.integer({ min: 1, max: 5 }),
    index: fc.nat({ max: 9 }),
    bucket: fc.nat({ max: 2 }),
  })
  const inOrder = fc
    .uniqueArray(event, { selector: ({ entry, index }) => entry * 10 + index, minLength: 1 })
    .map((events) => events.toSorted((a, b) => a.entry - b.entry || a.index - b.index))
  fc.assert(
    fc.property(inOrder, (events) => {
      const collector = Collector.make(limits, Layout.array, 3, new Bodies())
      const items = Array.from({ length: 6 }, (_, number) => itemAt(number))
      for (const { entry, index, bucket } of events)
        collector.add(
          exportedEvents(items[entry]!, exportRule),
          items[entry]!,
          index,
          entry * 100 + index,
          bucket,
        )
      const { taken, last, batch, ranges } = collector.close()
      const placeOf = ({ entry, index }: (typeof events)[number]) => ({
        after: items[entry]!.before,
        position: items[entry]!.position,
        index,
        entryId: `${entry}`,
        time: entry * 100 + index,
        receivedAt: entry * 1000,
      })
      const dealt = [0, 1, 2].flatMap((bucket) => events.filter((one) => one.bucket === bucket))
      expect(taken.length).toBe(events.length)
      expect(taken.slice([0, taken.length])).toEqual(dealt.map(placeOf))
      expect(last).toEqual(placeOf(events.at(-1)!))
      const sent = ranges.flatMap((range) => JSON.parse(new TextDecoder().decode(batch.body(range))))
      expect(sent.map(({ timestamp }) => timestamp)).toEqual(dealt.map((one) => placeOf(one).time))
    }),
  )
})
