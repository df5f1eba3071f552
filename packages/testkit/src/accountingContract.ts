/** Over 400 lines because the contract is one story, with what it draws and how it counts. */
import type { WebhookEvent } from "@millrace/core"
import { DeadLetters, type Ingest } from "@millrace/core"
import { Ledger } from "@millrace/core/host"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { patientOnce } from "./internal/waiting.ts"
import type { StoreBinding } from "./storeBinding.ts"
import { type Answer, type TestPipelineOptions, testPipeline } from "./testPipeline.ts"

/** What a store's author has said already for `storeContract`. */
export type AccountingBinding = Pick<StoreBinding, "place" | "capped" | "patience">

export interface AccountingOptions {
  /** How many random stories each scenario tells: 10 by default. */
  readonly runs?: number
}

type Events = ReadonlyArray<WebhookEvent>

type Decide = (events: Events, request: number) => Answer

/** One thing that happens to a pipeline. */
type Step =
  | { readonly do: "log"; readonly events: number; readonly bad: number }
  /** The same request a second time. */
  | { readonly do: "repeat" }
  | { readonly do: "pass"; readonly millis: number }
  | { readonly do: "crash" }
  /** A crash while a request waits for the store. */
  | { readonly do: "crash within"; readonly events: number }
  | { readonly do: "restart" }
  | { readonly do: "outage"; readonly events: number; readonly millis: number }

interface Scenario {
  readonly name: string
  readonly options?: TestPipelineOptions
  /** What the receiver of the story answers, by a seed of the story's. */
  readonly answers: (seed: number) => Decide
  /** From when on the story must come to an end: 200 by default. */
  readonly afterwards?: (seed: number) => Decide
  readonly steps: ReadonlyArray<fc.Arbitrary<Step>>
}

const hour = 60 * 60 * 1000

/**
 * The destination of the story, one that wants some events only, and one that nothing ever happens
 * to.
 */
const destinations = [
  { id: "tried", url: "https://tried.test/hook" },
  { id: "choosy", url: "https://choosy.test/hook", filter: { include: ["wanted"] } },
  { id: "calm", url: "https://calm.test/hook" },
] as const

type DestinationId = (typeof destinations)[number]["id"]

/** A number of 0 to 1 that belongs to its arguments: stories can be told again. */
const chance = (seed: number, n: number): number => {
  let x = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(n + 1, 0xc2b2ae35)
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3ca5)
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39)
  return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32
}

const oneOf = (seed: number, n: number, answers: ReadonlyArray<Answer>): Answer =>
  answers[Math.floor(chance(seed, n) * answers.length)]!

const passing: ReadonlyArray<Answer> = [
  ...[503, 500, 502, 408, 425, 429, 200, 200, 200],
  { status: 429, retryAfter: "7" },
  { status: 503, retryAfter: "Fri, 31 Dec 1999 23:59:59 GMT" },
  { status: 503, retryAfter: "soon" },
  { status: 200, after: "20 seconds" },
  { status: 503, after: "5 seconds" },
  "timeout",
  "connection failed",
]

const wrong: ReadonlyArray<Answer> = [401, 403, 404, 405, 302, 418, 400, 422, 413]

/**
 * The values from here on are of events that nobody refuses: others pass again, so that suspects
 * can be decided on.
 */
const firstGood = 1_000_000

const isBad = (seed: number, { value }: WebhookEvent) =>
  Number(value) < firstGood && chance(seed, Number(value)) < 0.1

/** Refuses what holds one of some events, always. */
const refusing =
  (seed: number, otherwise: Decide): Decide =>
  (events, request) =>
    events.some((event) => isBad(seed, event)) ? 400 : otherwise(events, request)

const log: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("log" as const),
  events: fc.integer({ min: 1, max: 30 }),
  bad: fc.nat({ max: 2 }),
})
const pass: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("pass" as const),
  millis: fc.constantFrom(0, 10, 999, 1000, 5000, 60_000, hour),
})
const crash: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>({ do: "crash" }),
  fc.record({ do: fc.constant("crash within" as const), events: fc.integer({ min: 1, max: 10 }) }),
)
const restart = fc.constant<Step>({ do: "restart" })
const outage: fc.Arbitrary<Step> = fc.record({
  do: fc.constant("outage" as const),
  events: fc.integer({ min: 1, max: 10 }),
  millis: fc.constantFrom(0, 1000, 20_000, hour),
})
const repeat = fc.constant<Step>({ do: "repeat" })

const scenarios: ReadonlyArray<Scenario> = [
  { name: "a receiver that always takes everything", answers: () => () => 200, steps: [log, pass] },
  {
    name: "a receiver that fails now and then",
    answers: (seed) => (_, n) => oneOf(seed, n, passing),
    steps: [log, pass],
  },
  {
    name: "a receiver that refuses some events for good",
    answers: (seed) => refusing(seed, () => 200),
    afterwards: (seed) => refusing(seed, () => 200),
    steps: [log, pass],
  },
  {
    name: "a receiver of every mood",
    answers: (seed) => refusing(seed, (_, n) => oneOf(seed, n, [...passing, ...wrong])),
    steps: [log, pass],
  },
  {
    name: "a process that is killed and stopped",
    answers: (seed) => refusing(seed, (_, n) => oneOf(seed, n, passing)),
    steps: [log, pass, pass, crash, restart],
  },
  {
    name: "a store that is down now and then",
    answers: (seed) => (_, n) => oneOf(seed, n, passing),
    steps: [log, pass, outage],
  },
  {
    name: "everything at once",
    options: { dedupe: { window: "1 minute" }, ringBytes: 4096 },
    answers: (seed) => refusing(seed, (_, n) => oneOf(seed, n, [...passing, ...wrong])),
    steps: [log, log, repeat, pass, pass, crash, restart, outage],
  },
]

const blankIntake = (): Record<keyof Ingest.IntakeLedger, number> => ({
  received: 0,
  stored: 0,
  rejected: 0,
  duplicate: 0,
  failed: 0,
})

/** A pipeline, and what the world outside knows of it: that is what its books are held against. */
const makeWorld = async (binding: AccountingBinding, options: TestPipelineOptions) => {
  const place = await binding.place()
  const { patience } = binding
  const pipeline = await testPipeline({
    ...{ destinations, store: place.open },
    ...(patience === undefined ? {} : { patience }),
    ...options,
  })
  /** By value: what was answered 202, and what was never answered. */
  const accepted = new Map<string, { readonly wanted: boolean }>()
  const unanswered = new Map<string, { readonly wanted: boolean }>()
  let rejected = 0
  /** Whether a process ended, with requests perhaps in flight. */
  let ended = false
  /** Since the last start. */
  let life = blankIntake()
  let next = 0
  let last:
    | { readonly body: unknown; readonly at: number; readonly events: number; readonly bad: number }
    | undefined

  const makeBatch = (events: number, bad: number, isGood = false) => {
    const time = pipeline.now()
    const batch = Array.from({ length: events }, () => {
      next += 1
      const wanted = isGood || chance(0, next) < 0.5
      const value = String(isGood ? firstGood + next : next)
      const event = { eventName: wanted ? "wanted" : "other", user: { userID: "u" }, time, value }
      return { value, wanted, event }
    })
    const nameless = Array.from({ length: bad }, () => ({ user: { userID: "u" }, time }))
    return { batch, body: { events: [...batch.map(({ event }) => event), ...nameless] } }
  }

  const count = (part: Partial<typeof life>) => {
    for (const [name, events] of Object.entries(part)) {
      life[name as keyof typeof life] += events
      life.received += events
    }
  }

  const logBatch = async (events: number, bad: number, isGood?: boolean): Promise<number> => {
    const { batch, body } = makeBatch(events, bad, isGood)
    const { status } = await pipeline.post(body)
    expect([202, 503]).toContain(status)
    if (status === 202) {
      for (const { value, wanted } of batch) accepted.set(value, { wanted })
      rejected += bad
      last = { body, at: pipeline.now(), events, bad }
    }
    count({ [status === 202 ? "stored" : "failed"]: events, rejected: bad })
    return status
  }

  const expectIntake = async () => expect(await pipeline.intake()).toEqual(life)

  const begin = async () => {
    life = blankIntake()
    last = undefined
    await pipeline.restart()
  }

  const take = async (step: Step): Promise<void> => {
    switch (step.do) {
      case "log":
        expect(await logBatch(step.events, step.bad)).toBe(202)
        return
      case "repeat": {
        if (last === undefined || pipeline.now() - last.at >= 60_000) return
        const { body, events, bad } = last
        expect((await pipeline.post(body)).status).toBe(202)
        count({ duplicate: events, rejected: bad })
        return
      }
      case "pass":
        return pipeline.advance(step.millis)
      case "crash":
        await pipeline.crash()
        ended = true
        return begin()
      case "crash within": {
        const { batch, body } = makeBatch(step.events, 0)
        let answered = false
        void pipeline.post(body).then(({ status }) => {
          answered = status === 202
        })
        await pipeline.crash()
        for (const { value, wanted } of batch) (answered ? accepted : unanswered).set(value, { wanted })
        ended = true
        return begin()
      }
      case "restart":
        await expectIntake()
        await pipeline.close()
        ended = true
        return begin()
      case "outage":
        pipeline.failStore(true)
        expect(await logBatch(step.events, 0)).toBe(503)
        await pipeline.advance(step.millis)
        expect(await logBatch(step.events, 0)).toBe(503)
        pipeline.failStore(false)
        return
    }
  }

  const isFor = (id: DestinationId, { wanted }: { readonly wanted: boolean }) => id !== "choosy" || wanted

  /**
   * What every destination's row says, against what was answered, what has arrived and what lies
   * among the dead letters.
   */
  const expectRows = async () => {
    await expectIntake()
    const rows = await pipeline.destinations()
    expect(rows.map(({ id }) => id)).toEqual(["calm", "choosy", "tried"])
    for (const row of rows) {
      const id = row.id as DestinationId
      expect(Ledger.addsUp(row), `the ledger adds up: ${JSON.stringify(row)}`).toBe(true)
      expect(row.due).toBeGreaterThanOrEqual(accepted.size)
      expect(row.due).toBeLessThanOrEqual(accepted.size + unanswered.size)

      const { events } = pipeline.receiver(id)
      const letters = await pipeline.deadLetters({ destination: id, limit: 100_000 })
      const arrived = new Map(events.map(({ value, timeUUID }) => [value, timeUUID]))
      const dead = new Map(letters.map(({ event, eventId }) => [String(JSON.parse(event).value), eventId]))
      for (const value of [...arrived.keys(), ...dead.keys()]) {
        const known = accepted.get(value) ?? unanswered.get(value)
        expect(known !== undefined && isFor(id, known), `${value} was sent, and is for ${id}`).toBe(true)
      }
      // The same event has one timeUUID, wherever it is; no other event has it.
      for (const { value, timeUUID } of events) expect(timeUUID).toBe(arrived.get(value))
      expect(new Set(arrived.values()).size).toBe(arrived.size)
      for (const [value, eventId] of dead) expect(arrived.get(value) ?? eventId).toBe(eventId)
      // Only what was in flight when a process ended is sent twice, or given up although it has
      // arrived.
      if (!ended) {
        expect(events.length).toBe(arrived.size)
        expect([...dead.keys()].filter((value) => arrived.has(value))).toEqual([])
      }
      expect(row.delivered).toBeLessThanOrEqual(arrived.size)
      expect(row.dead).toBeLessThanOrEqual(dead.size)
      const missing = [...accepted].filter(
        ([value, event]) => isFor(id, event) && !arrived.has(value) && !dead.has(value),
      )
      expect(missing.length, `missing at ${id}: ${missing.map(([value]) => value)}`).toBeLessThanOrEqual(
        row.pending + row.trimmed,
      )
    }
    const letters = await pipeline.deadLetters({ destination: DeadLetters.intake, limit: 100_000 })
    expect(letters.length).toBe(rejected)
    return rows
  }

  return {
    pipeline,
    accepted,
    logBatch,
    logGood: (events: number) => logBatch(events, 0, true),
    take,
    expectRows,
    end: async () => {
      try {
        await pipeline.dispose()
      } finally {
        await place.remove?.()
      }
    },
  }
}

type World = Awaited<ReturnType<typeof makeWorld>>

const inWorld = async (
  binding: AccountingBinding,
  options: TestPipelineOptions,
  body: (world: World) => Promise<void>,
) => {
  const world = await makeWorld(binding, options)
  try {
    await body(world)
  } finally {
    await world.end()
  }
}

/** Until every suspect is decided on and every back-off is over. */
const comeToRest = async ({ pipeline, logGood }: World) => {
  for (let round = 0; round < 3; round++) {
    await logGood(3)
    await pipeline.advance("3 hours")
  }
}

const tell = (binding: AccountingBinding, scenario: Scenario, seed: number, steps: ReadonlyArray<Step>) =>
  inWorld(binding, { ...scenario.options, seed }, async (world) => {
    const { pipeline, take, expectRows } = world
    pipeline.receiver("tried").answer(scenario.answers(seed))
    pipeline.receiver("choosy").answer(scenario.answers(seed + 1))
    for (const step of steps) {
      await take(step)
      await expectRows()
    }
    pipeline.receiver("tried").answer(scenario.afterwards?.(seed) ?? 200)
    pipeline.receiver("choosy").answer(scenario.afterwards?.(seed + 1) ?? 200)
    await comeToRest(world)
    for (const row of await expectRows()) {
      expect(row).toMatchObject({ pending: 0, trimmed: 0 })
      const kept = row.delivered + row.dead
      expect(row.filtered).toBe(row.due - kept)
    }
    const values = pipeline.receiver("calm").events.map(({ value }) => Number(value))
    const first = values.filter((value, at) => values.indexOf(value) === at)
    expect(first).toEqual([...first].sort((a, b) => a - b))
  })

/** Fills the log until it takes no more. */
const fill = async ({ logBatch }: World): Promise<number> => {
  for (let batches = 0; batches < 10_000; batches++) if ((await logBatch(20, 0)) === 503) return batches
  throw new Error("the log never became full")
}

/** Real disks and servers under random stories. */
const timeout = 120_000

/**
 * Registers vitest tests that keep the books of whole pipelines on a store: requests in, webhooks
 * out, on a virtual clock, while receivers fail and refuse, the process dies, and the store is
 * down. After every step
 *
 * - each event answered 202 is delivered, a dead letter, trimmed or pending, at every destination;
 * - `due = delivered + filtered + dead + trimmed + pending`, which two independent sources say;
 * - `received = stored + rejected + duplicate + failed`, which is what the senders were told;
 * - nothing arrives that was not accepted, an event has the same `timeUUID` wherever it is, and
 *   arrives twice only when a process died in between.
 *
 * In the end, when receivers take everything again, nothing is pending.
 *
 * The stores of `storeContract` can be held to it by the same binding: they take the time from
 * Effect's clock, and may take real time for what they do, while which virtual time stands still. A
 * store that sleeps by Effect's clock within a call cannot.
 *
 * @example
 * ```ts
 * accountingContract("memory", { place: () => ({ open: Store.layerMemory }), capped: true })
 * ```
 */
export const accountingContract = (
  name: string,
  binding: AccountingBinding,
  { runs = 10 }: AccountingOptions = {},
): void => {
  describe(`${name} keeps the books of a pipeline with`, () => {
    it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
      "%s",
      async (_, scenario) => {
        const stories = fc.array(fc.oneof(...scenario.steps), { minLength: 5, maxLength: 20 })
        const patiently = patientOnce()
        await fc.assert(
          fc.asyncProperty(fc.nat(), stories, (seed, steps) =>
            patiently(() => tell(binding, scenario, seed, steps)),
          ),
          { numRuns: runs },
        )
      },
      timeout,
    )

    const check = binding.capped ? it : it.skip
    const reason = binding.capped ? "" : " (skipped: the store has no cap)"
    check(
      `a log that needs the room of what nobody takes${reason}`,
      () =>
        inWorld(
          binding,
          {
            destinations: destinations.map((destination) => ({
              ...destination,
              retry: { giveUpAfter: "1 day" },
            })),
            keepFor: "1 hour",
            maxBytes: 50_000,
          },
          async (world) => {
            const { pipeline, logBatch, expectRows, accepted } = world
            pipeline.receiver("tried").answer(404)
            expect(await fill(world)).toBeGreaterThan(0)
            await expectRows()
            // Nothing is dropped before the destination has been wrong for longer than it may, and
            // a day more.
            await pipeline.advance("1 day")
            expect(await logBatch(20, 0)).toBe(503)
            for (const row of await expectRows()) expect(row.trimmed).toBe(0)

            await pipeline.advance("3 days")
            for (let batch = 0; batch < 5; batch++) {
              expect(await logBatch(20, 0)).toBe(202)
              await pipeline.advance("1 minute")
              await expectRows()
            }
            await pipeline.crash()
            await pipeline.restart()
            pipeline.receiver("tried").answer(200)
            await pipeline.advance("3 hours")

            for (const row of await pipeline.destinations()) {
              expect(Ledger.addsUp(row)).toBe(true)
              expect(row.pending).toBe(0)
              const arrived = new Set(pipeline.receiver(row.id).events.map(({ value }) => value))
              const missing = [...accepted].filter(
                ([value, { wanted }]) => (row.id !== "choosy" || wanted) && !arrived.has(value),
              )
              expect(missing.length).toBe(row.trimmed)
              if (row.id === "tried") expect(row.trimmed).toBeGreaterThan(0)
              else expect(row.trimmed).toBe(0)
            }
          },
        ),
      timeout,
    )
  })
}
