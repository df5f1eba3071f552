import * as fc from "fast-check"
import { expect, test } from "vitest"
import { type Story, story } from "./support/story.ts"
import { problemsOf } from "./support/tellStory.ts"

/**
 * How many stories are told, and the seed of the first: more of them, in several processes, with
 * `STORIES=1000000 STORIES_SEED=7`.
 */
const stories = Number(process.env["STORIES"] ?? 1_000)
const seed = Number(process.env["STORIES_SEED"] ?? 3)

test(
  `no event dies, and none waits for ever, because of another one: ${stories} random stories`,
  () => {
    fc.assert(
      fc.property(story, (told) => {
        expect(problemsOf(told)).toEqual([])
      }),
      { numRuns: stories, seed },
    )
  },
  24 * 60 * 60 * 1000,
)

/** Where nothing happens: what a named story leaves out. */
const calm: Story = {
  seed: 0,
  batch: { maxEvents: 4, maxBytes: 1_000_000, maxDelay: 0 },
  concurrency: 1,
  retry: { max: 600_000, giveUpAfter: 600_000 },
  limit: null,
  sent: [],
  outages: [],
  oneByOne: false,
  crashes: [],
  trims: [],
  neighbours: true,
}

const event = (poison: Story["sent"][number]["events"][number]["poison"]) => ({ user: 0, pad: 0, poison })
const good = event(null)
const long = { ...good, pad: 200 }

test("what takes the receiver down when it is given up does not take the suspect behind it along", () => {
  const told: Story = {
    ...calm,
    limit: { events: 1, bytes: 800, failing: 413, taken: false },
    sent: [
      { gap: 0, events: [event("dies"), good, event("dies"), good] },
      { gap: 0, events: [event("any"), good] },
    ],
  }
  expect(problemsOf(told)).toEqual([])
})

test("with forty bad events beside it that are given up, a good one arrives", () => {
  const told: Story = {
    ...calm,
    batch: { ...calm.batch, maxEvents: 41 },
    retry: { max: 60_000, giveUpAfter: 600_000 },
    sent: [{ gap: 0, events: Array.from({ length: 41 }, (_, at) => (at === 39 ? good : event(503))) }],
    neighbours: false,
  }
  expect(problemsOf(told)).toEqual([])
})

test("a balancer that sends every other request to a server that refuses everything makes no dead letter", () => {
  const told: Story = {
    ...calm,
    batch: { ...calm.batch, maxEvents: 1 },
    sent: [{ gap: 0, events: [good, good, good, good] }],
    outages: [
      {
        ...{ after: 0, length: null, failing: 400, retryAfter: null, taken: false },
        flap: { by: "requests", up: 1, down: 1 },
      },
    ],
  }
  expect(problemsOf(told)).toEqual([])
})

test("a suspect is not given up for its age while others pass, at a receiver that fails three of four requests", () => {
  const told: Story = {
    ...calm,
    seed: 646_789,
    batch: { ...calm.batch, maxEvents: 1, maxDelay: 1_000 },
    retry: { max: 600_000, giveUpAfter: 6_000_000 },
    sent: [
      { gap: 6_356, events: [good, event("any"), good, good] },
      { gap: 136_145, events: [good] },
      { gap: 1_096_039, events: [good, good, good] },
    ],
    outages: [
      { after: 112_079, failing: 502, retryAfter: null, taken: true, length: 624_766, flap: null },
      {
        ...{ after: 47_999, failing: 503, retryAfter: "9", taken: false, length: null },
        flap: { by: "requests", up: 1, down: 3 },
      },
    ],
    neighbours: false,
  }
  expect(problemsOf(told)).toEqual([])
})

test("two suspects that are tried in turns do not wait for ever at a receiver that fails by turns", () => {
  const told: Story = {
    ...calm,
    seed: 14,
    batch: { maxEvents: 3, maxBytes: 2_000, maxDelay: 0 },
    retry: { max: 60_000, giveUpAfter: 600_000 },
    limit: { events: 2, bytes: 2_000, failing: "reset", taken: true },
    sent: [
      { gap: 794, events: [good, good, good, event(403)] },
      { gap: 1_123, events: [good] },
    ],
    outages: [
      {
        ...{ after: 13_760, length: 16_769, failing: 404, retryAfter: "9", taken: true },
        flap: { by: "ms", up: 4_936, down: 47_060 },
      },
      {
        ...{ after: 595, length: null, failing: 413, retryAfter: null, taken: true },
        flap: { by: "requests", up: 1, down: 3 },
      },
    ],
    trims: [
      { at: 3_443, keep: 2 },
      { at: 1_114_946, keep: 2 },
    ],
    neighbours: false,
  }
  expect(problemsOf(told)).toEqual([])
})

test("what the log drops of a batch that is half delivered counts as trimmed, not as delivered", () => {
  const told: Story = {
    ...calm,
    batch: { maxEvents: 2, maxBytes: 355, maxDelay: 1 },
    concurrency: 2,
    retry: { max: 8_000, giveUpAfter: 80_000 },
    sent: [
      { gap: 0, events: [{ ...event("any"), user: 1 }, good] },
      { gap: 0, events: [good, good] },
    ],
    trims: [{ at: 0, keep: 1 }],
    neighbours: false,
  }
  expect(problemsOf(told)).toEqual([])
})

test("suspects of a batch that is taken anew, since the log has dropped a part of it, are not held twice", () => {
  const told: Story = {
    ...calm,
    batch: { maxEvents: 7, maxBytes: 2_000, maxDelay: 1_000 },
    seed: 13,
    retry: { max: 8_000, giveUpAfter: 1_600_000 },
    sent: [
      { gap: 12_865, events: [long, good, long, good] },
      { gap: 0, events: [long, long, good, good] },
      { gap: 134, events: [good, good, good, good] },
    ],
    outages: [
      { after: 3_172, failing: 400, retryAfter: null, taken: false, length: 14_130, flap: null },
      { after: 418, failing: 503, retryAfter: "9", taken: false, length: 82_974, flap: null },
    ],
    trims: [{ at: 16_236, keep: 1 }],
  }
  expect(problemsOf(told)).toEqual([])
})

test("a refusal convicts no suspect when another failure came between it and the last event that passed", () => {
  const told: Story = {
    ...calm,
    seed: 352_843,
    batch: { maxEvents: 6, maxBytes: 1_000_000, maxDelay: 1_000 },
    concurrency: 3,
    retry: { max: 8_000, giveUpAfter: 80_000 },
    limit: { events: 2, bytes: 800, failing: "reset", taken: true },
    sent: [
      { gap: 1_816, events: [long, { ...good, user: 1 }] },
      { gap: 0, events: [{ ...event("any"), user: 2 }, { ...long, user: 2 }, long] },
    ],
    outages: [
      {
        ...{ after: 358, failing: 401, retryAfter: "9", taken: false, length: 14_627 },
        flap: { by: "requests", up: 2, down: 2 },
      },
      {
        ...{ after: 257, failing: 400, retryAfter: "0", taken: true, length: null },
        flap: { by: "ms", up: 716, down: 6_785 },
      },
    ],
    neighbours: false,
  }
  expect(problemsOf(told)).toEqual([])
})
