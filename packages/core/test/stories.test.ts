import * as fc from "fast-check"
import { expect, test } from "vitest"
import { problemsOf, type Story, story } from "./support/story.ts"

/** How many stories are told, and the seed of the first: more of them, in several processes, with `STORIES=1000000 STORIES_SEED=7`. */
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

test("regression: what takes the receiver down when it is given up does not take the suspect behind it along", () => {
  const told: Story = {
    seed: 0,
    batch: { maxEvents: 4, maxBytes: 1000000, maxDelay: 0 },
    concurrency: 1,
    retry: { max: 600000, giveUpAfter: 600000 },
    limit: { events: 1, bytes: 800, failing: 413 },
    sent: [
      {
        gap: 0,
        events: [
          { user: 0, pad: 0, poison: "dies" },
          { user: 0, pad: 0, poison: null },
          { user: 0, pad: 0, poison: "dies" },
          { user: 0, pad: 0, poison: null },
        ],
      },
      {
        gap: 0,
        events: [
          { user: 0, pad: 0, poison: "any" },
          { user: 0, pad: 0, poison: null },
        ],
      },
    ],
    outages: [],
    crashes: [],
  }
  expect(problemsOf(told)).toEqual([])
})
