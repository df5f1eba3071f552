import * as fc from "fast-check"

/**
 * How a receiver does not take a request. `dies`: it is reset, and nobody answers for two seconds.
 */
export type Failing =
  | 400
  | 401
  | 403
  | 404
  | 406
  | 408
  | 413
  | 422
  | 429
  | 500
  | 501
  | 502
  | 503
  | 504
  | "timeout"
  | "reset"
  | "dies"
  | "any"

interface Sent {
  /** ms after the request before it. */
  readonly gap: number
  readonly events: ReadonlyArray<{
    readonly user: number
    readonly pad: number
    readonly poison: Failing | null
  }>
}

interface Outage {
  /** ms of health before it, and how long it is; `null` for one that does not end. */
  readonly after: number
  readonly length: number | null
  readonly failing: Failing
  readonly retryAfter: string | null
  /** Flapping: for how many ms or requests at a time it answers, and does not; `null` for none. */
  readonly flap: { readonly by: "ms" | "requests"; readonly up: number; readonly down: number } | null
  /** It takes the events, and then does not answer as it should. */
  readonly taken: boolean
}

export interface Story {
  readonly seed: number
  readonly batch: { readonly maxEvents: number; readonly maxBytes: number; readonly maxDelay: number }
  readonly concurrency: number
  readonly retry: { readonly max: number; readonly giveUpAfter: number }
  readonly limit: {
    readonly events: number
    readonly bytes: number
    readonly failing: Failing
    readonly taken: boolean
  } | null
  readonly sent: ReadonlyArray<Sent>
  readonly outages: ReadonlyArray<Outage>
  /** The receiver takes one event after the other: those in front of a bad one each time. */
  readonly oneByOne: boolean
  /** When the process dies, in ms after the beginning. */
  readonly crashes: ReadonlyArray<number>
  /** When the log drops all but so many entries, whoever still waits for them. */
  readonly trims: ReadonlyArray<{ readonly at: number; readonly keep: number }>
  /** Whether, in the end, events come that show whose fault it is that others fail. */
  readonly neighbours: boolean
}

/** Times are measured in the longest back-off: then a story has a few steps whatever that is. */
const longestBackOffs = [8_000, 60_000, 600_000] as const

const failing = fc.constantFrom<Failing>(
  ...([400, 401, 403, 404, 406, 408, 413, 422, 429, 500, 501, 502, 503, 504] as const),
  ...(["timeout", "reset"] as const),
)

/** Mostly small, up to `most`. */
const skewed = (most: number) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: Math.ceil(most / 50) }) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: Math.ceil(most / 8) }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: most }) },
  )

/** How many are good, and how many bad, and how many there may be in a request. */
interface Mixture {
  readonly good: number
  readonly bad: number
  readonly most: number
}

const eventsWith = ({ good, bad, most }: Mixture) =>
  fc.array(
    fc.record({
      user: fc.integer({ min: 0, max: 2 }),
      pad: fc.constantFrom(0, 0, 200),
      poison: fc.oneof(
        { weight: good, arbitrary: fc.constant(null) },
        { weight: bad, arbitrary: fc.oneof(failing, fc.constantFrom<Failing>("dies", "any")) },
      ),
    }),
    { minLength: 1, maxLength: most, size: "max" },
  )

const sentWith = (unit: number, mixture: Mixture) =>
  fc.array(fc.record({ gap: fc.oneof(fc.constant(0), skewed(2 * unit)), events: eventsWith(mixture) }), {
    minLength: 1,
    maxLength: 3,
    size: "max",
  })

const flap = (unit: number) =>
  fc.oneof(
    fc.record({
      by: fc.constant("ms" as const),
      up: fc.integer({ min: 50, max: unit }),
      down: fc.integer({ min: 50, max: unit }),
    }),
    fc.record({
      by: fc.constant("requests" as const),
      up: fc.integer({ min: 1, max: 4 }),
      down: fc.integer({ min: 1, max: 4 }),
    }),
  )

const outage = (unit: number): fc.Arbitrary<Outage> => {
  const kind = {
    after: skewed(4 * unit),
    failing,
    retryAfter: fc.constantFrom(null, null, null, "0", "9", "Thu, 01 Jan 1970 00:00:00 GMT"),
    taken: fc.boolean(),
  }
  const ends: fc.Arbitrary<Outage> = fc.record({
    ...kind,
    length: skewed(16 * unit),
    flap: fc.option(flap(unit), { freq: 2 }),
  })
  return fc.oneof(
    { weight: 12, arbitrary: ends },
    { weight: 1, arbitrary: fc.record({ ...kind, length: fc.constant(null), flap: flap(unit) }) },
  )
}

const mixtures: Readonly<Record<"usual" | "large" | "bad", Mixture>> = {
  usual: { good: 10, bad: 1, most: 4 },
  large: { good: 30, bad: 1, most: 40 },
  bad: { good: 1, bad: 4, most: 20 },
}

const storyOf = (unit: number, kind: keyof typeof mixtures): fc.Arbitrary<Story> =>
  fc.record({
    seed: fc.integer({ min: 0, max: 1_000_000 }),
    batch: fc.record({
      maxEvents: fc.integer({ min: 1, max: kind === "usual" ? 8 : 80 }),
      maxBytes: fc.constantFrom(1_000_000, 1_000_000, 2_000),
      maxDelay: fc.constantFrom(0, 1_000),
    }),
    concurrency: fc.constantFrom(1, 1, 2, 3),
    retry: fc.record({ max: fc.constant(unit), giveUpAfter: fc.constantFrom(10 * unit, 200 * unit) }),
    limit: fc.option(
      fc.record({
        events: fc.constantFrom(1, 2, 5),
        bytes: fc.constantFrom(800, 2_000, 1_000_000),
        failing: fc.constantFrom<Failing>(413, "timeout", "reset", 502),
        taken: fc.boolean(),
      }),
      { freq: 4 },
    ),
    sent: sentWith(unit, mixtures[kind]),
    outages: fc.array(outage(unit), { maxLength: 2 }),
    oneByOne: fc.boolean(),
    crashes: fc.oneof(fc.constant([]), fc.array(skewed(20 * unit), { maxLength: 2 })),
    trims: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      {
        weight: 1,
        arbitrary: fc.array(fc.record({ at: skewed(20 * unit), keep: fc.integer({ min: 0, max: 3 }) }), {
          minLength: 1,
          maxLength: 2,
        }),
      },
    ),
    neighbours: fc.constantFrom(true, false, false),
  })

/** Most are small, and cheap; one in fifty is large, or has more bad events than good ones. */
export const story: fc.Arbitrary<Story> = fc.oneof(
  { weight: 80, arbitrary: storyOf(longestBackOffs[0], "usual") },
  { weight: 12, arbitrary: storyOf(longestBackOffs[1], "usual") },
  { weight: 8, arbitrary: storyOf(longestBackOffs[2], "usual") },
  { weight: 1, arbitrary: storyOf(longestBackOffs[0], "large") },
  { weight: 1, arbitrary: storyOf(longestBackOffs[0], "bad") },
)
