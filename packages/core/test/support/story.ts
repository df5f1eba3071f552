import * as fc from "fast-check"
import { addsUp } from "../../src/deliver/Ledger.ts"
import { makeLaneWorld, type NumberedEvent, type Reaction } from "./laneWorld.ts"

/** How a receiver does not take a request. `dies`: it is reset, and nobody answers for two seconds. */
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
  /** ms of health before it, and how long it is. */
  readonly after: number
  readonly length: number
  readonly failing: Failing
  readonly retryAfter: string | null
  /** Of a receiver that flaps: for how many ms at a time it answers, and does not; `null` for none. */
  readonly flap: { readonly up: number; readonly down: number } | null
  /** It takes the events, and then does not answer as it should. */
  readonly taken: boolean
}

export interface Story {
  readonly seed: number
  readonly batch: { readonly maxEvents: number; readonly maxBytes: number; readonly maxDelay: number }
  readonly concurrency: number
  readonly retry: { readonly max: number; readonly giveUpAfter: number }
  readonly limit: { readonly events: number; readonly bytes: number; readonly failing: Failing } | null
  readonly sent: ReadonlyArray<Sent>
  readonly outages: ReadonlyArray<Outage>
  /** When the process dies, in ms after the beginning. */
  readonly crashes: ReadonlyArray<number>
}

const minute = 60_000
const hour = 60 * minute

const failing = fc.constantFrom<Failing>(
  ...([400, 401, 403, 404, 406, 408, 413, 422, 429, 500, 501, 502, 503, 504] as const),
  ...(["timeout", "reset"] as const),
)

const ms = (most: number) =>
  fc.oneof(fc.integer({ min: 0, max: most }), fc.integer({ min: 0, max: most / 50 }))

const sent: fc.Arbitrary<Sent> = fc.record({
  gap: fc.oneof(fc.constant(0), ms(5 * minute)),
  events: fc.array(
    fc.record({
      user: fc.integer({ min: 0, max: 2 }),
      pad: fc.constantFrom(0, 0, 200),
      poison: fc.oneof(
        { weight: 7, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.oneof(failing, fc.constantFrom<Failing>("dies", "any")) },
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
})

const outage: fc.Arbitrary<Outage> = fc.record({
  after: ms(20 * minute),
  length: ms(20 * minute),
  failing,
  retryAfter: fc.constantFrom(null, null, null, "0", "90", "Thu, 01 Jan 1970 00:00:00 GMT"),
  flap: fc.option(
    fc.record({ up: fc.integer({ min: 50, max: minute }), down: fc.integer({ min: 50, max: minute }) }),
  ),
  taken: fc.boolean(),
})

export const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  batch: fc.record({
    maxEvents: fc.integer({ min: 1, max: 10 }),
    maxBytes: fc.constantFrom(1_000_000, 1_000_000, 2_000),
    maxDelay: fc.constantFrom(0, 1_000),
  }),
  concurrency: fc.constantFrom(1, 1, 2, 3),
  retry: fc.record({
    max: fc.constantFrom(minute, 10 * minute),
    giveUpAfter: fc.constantFrom(10 * minute, 24 * hour),
  }),
  limit: fc.option(
    fc.record({
      events: fc.constantFrom(1, 2, 5),
      bytes: fc.constantFrom(800, 2_000, 1_000_000),
      failing: fc.constantFrom<Failing>(413, "timeout", "reset", 502),
    }),
    { freq: 3 },
  ),
  sent: fc.array(sent, { minLength: 1, maxLength: 4 }),
  outages: fc.array(outage, { maxLength: 2 }),
  crashes: fc.array(ms(hour / 2), { maxLength: 2 }),
})

/** What a poison of random kind answers with, in turn. */
const kinds: ReadonlyArray<Failing> = [502, "reset", 500, 503, "timeout", 403, 504, 429]

const timeout = 30_000

/** Good events that come when all is well again, for each that is suspected: what fails alone dies after five of them. */
const neighboursEach = 9

/** ms from one to the next: no try of a suspect is put off for longer, while it may still live. */
const neighbourEvery = 100_000

/**
 * Plays a story and says what went wrong in it.
 *
 * - Every good event is delivered, in order but for those that have failed alone; none is a dead letter, unless there was an outage as long as events
 *   may wait.
 * - Every poison is a dead letter in the end, unless one brings the receiver down, and so hides what its neighbours would show.
 * - Nothing waits any more, and the ledger adds up.
 */
export const problemsOf = (told: Story): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const poison = new Map<number, Failing>()
  const users: Array<number> = []
  const outages: Array<Outage & { readonly from: number; readonly to: number }> = []
  let healthyFrom = 0
  for (const one of told.outages) {
    const from = healthyFrom + one.after
    healthyFrom = from + one.length
    outages.push({ ...one, from, to: healthyFrom })
  }
  let downUntil = Number.NEGATIVE_INFINITY
  let turns = 0

  const fail = (how: Failing, at: number, retryAfter: string | null): Reaction => {
    switch (how) {
      case "timeout":
        return { reply: "Timeout", after: timeout }
      case "dies":
        downUntil = at + 2_000
        return { reply: "ConnectionFailed" }
      case "reset":
        return { reply: "ConnectionFailed" }
      case "any":
        return fail(kinds[turns++ % kinds.length]!, at, null)
      default:
        return retryAfter === null ? { reply: how } : { reply: how, retryAfter }
    }
  }

  const react = (values: ReadonlyArray<number>, bytes: number, at: number): Reaction => {
    const out = outages.find(
      ({ from, to, flap }) =>
        at >= from && at < to && (flap === null || (at - from) % (flap.up + flap.down) >= flap.up),
    )
    if (out !== undefined) return fail(out.failing, at, out.retryAfter)
    if (at < downUntil) return { reply: "ConnectionFailed" }
    const { limit } = told
    if (limit !== null && values.length > 1 && (values.length > limit.events || bytes > limit.bytes)) {
      return fail(limit.failing, at, null)
    }
    const bad = values.find((value) => poison.has(value))
    return bad === undefined ? { reply: 200 } : fail(poison.get(bad)!, at, null)
  }

  const world = makeLaneWorld(
    {
      id: "d",
      url: "https://d.test/",
      batch: told.batch,
      concurrency: told.concurrency,
      retry: { first: 1_000, ...told.retry },
      timeout,
    },
    react,
    told.seed,
  )

  const checkLedger = (when: string): void => {
    for (const row of world.ledger())
      if (!addsUp(row)) problems.push(`the ledger ${when}: ${JSON.stringify(row)}`)
  }

  const things: Array<{ readonly at: number; readonly happen: () => void }> = []
  let requests = 0
  const log = (events: ReadonlyArray<NumberedEvent>): void => world.log(events, ++requests)
  const logNumbered = (events: Sent["events"]): void =>
    log(
      events.map(({ user, pad, poison: kind }) => {
        const value = users.push(user) - 1
        if (kind !== null) poison.set(value, kind)
        return { value, user: String(user), pad }
      }),
    )
  let sendAt = 0
  for (const { gap, events } of told.sent) {
    sendAt += gap
    things.push({ at: sendAt, happen: () => logNumbered(events) })
  }
  for (const at of told.crashes) {
    things.push({
      at,
      happen: () => {
        world.crash()
        checkLedger(`after a crash at ${at}`)
        world.start()
      },
    })
  }
  const longest = Math.max(0, ...outages.map(({ length }) => length))
  const mayExpire =
    told.outages.reduce((sum, { length, after }) => sum + length + after, 0) >= told.retry.giveUpAfter
  const alone = new Set<number>()
  const delivered = new Map<number, number>()
  let seen = 0
  const last = new Map<number, number>()
  const look = (): void => {
    for (; seen < world.attempts.length; seen++) {
      const { at, values, delivered: passed } = world.attempts[seen]!
      if (!passed) {
        if (values.length === 1) alone.add(values[0]!)
        continue
      }
      for (const value of values) {
        if (delivered.has(value)) continue
        delivered.set(value, at)
        const lane = told.concurrency === 1 ? 0 : users[value]!
        const before = last.get(lane) ?? -1
        if (value < before && !alone.has(value))
          problems.push(`event ${value} came after ${before}, and never failed alone`)
        last.set(lane, Math.max(before, value))
      }
    }
  }

  /** Every event that nothing is wrong with is out of the way. */
  const haveArrived = () => {
    look()
    return users.every((_, value) => poison.has(value) || delivered.has(value))
  }
  const letters = () =>
    new Map(
      world.letters().map(({ event, reason }) => [Number(JSON.parse(event).value.split(" ")[0]), reason]),
    )
  const isDecided = () => {
    const dead = letters()
    return [...poison.keys()].every((value) => dead.has(value))
  }

  world.start()
  for (const { at, happen } of things.sort((one, other) => one.at - other.at)) {
    world.advanceTo(at)
    look()
    happen()
  }
  world.advanceTo(healthyFrom)
  // One may wait for a few times as many failures as it takes to doubt a batch.
  world.advanceTo(world.now() + (users.length + 1) * 12 * (told.retry.max + timeout), haveArrived)
  for (let left = 2 + poison.size * neighboursEach; left > 0 && !isDecided(); left--) {
    logNumbered([{ user: left % 3, pad: 0, poison: null }])
    world.advanceTo(world.now() + 12 * (told.retry.max + timeout), haveArrived)
    world.advanceTo(world.now() + neighbourEvery)
  }
  world.advanceTo(world.now() + 12 * (told.retry.max + timeout), haveArrived)
  look()
  checkLedger("in the end")

  const ended = world.ended()
  if (ended !== undefined) problems.push(`the lane has ended: ${JSON.stringify(ended)}`)
  const dead = letters()
  for (const [value, reason] of dead) {
    if (!poison.has(value) && !(reason === "expired" && mayExpire && longest > 0)) {
      problems.push(`event ${value} is dead (${reason}), and nothing is wrong with it`)
    }
  }
  const somethingDies = [...poison.values()].includes("dies")
  for (let value = 0; value < users.length; value++) {
    const kind = poison.get(value)
    if (kind === undefined && !delivered.has(value) && !dead.has(value))
      problems.push(`event ${value} has not arrived`)
    if (kind !== undefined && !somethingDies && !dead.has(value))
      problems.push(`poison ${value} (${kind}) is not decided`)
    if (kind !== undefined && delivered.has(value)) problems.push(`poison ${value} was delivered?`)
  }
  const [row] = world.ledger()
  const undecided = somethingDies ? [...poison.keys()].filter((value) => !dead.has(value)).length : 0
  if (row === undefined || row.pending > undecided) problems.push(`still pending: ${JSON.stringify(row)}`)
  world.crash()
  return problems
}
