import * as fc from "fast-check"
import { expect, test } from "vitest"
import { problemsOf, story } from "./support/story.ts"

/** How many stories are told, and the seed of the first: more of them, in several processes, with `STORIES=1000000 STORIES_SEED=7`. */
const stories = Number(process.env["STORIES"] ?? 2_000)
const seed = process.env["STORIES_SEED"] === undefined ? undefined : Number(process.env["STORIES_SEED"])

test(
  `no event dies, and none waits for ever, because of another one: ${stories} random stories`,
  () => {
    fc.assert(
      fc.property(story, (told) => {
        expect(problemsOf(told)).toEqual([])
      }),
      { numRuns: stories, ...(seed === undefined ? {} : { seed }) },
    )
  },
  24 * 60 * 60 * 1000,
)
