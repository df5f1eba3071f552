import { createHash } from "node:crypto"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Millrace from "../../src/Millrace.ts"
import { isTelling, methodOf } from "../../src/operate/Action.ts"
import { actions } from "../../src/operate/actions.ts"
import { revisionOf } from "../../src/operate/destinations/detail.ts"
import * as Maintenance from "../../src/operate/Maintenance.ts"
import { Operator } from "../../src/operate/Operator.ts"
import { DeadLetters } from "../../src/ports/DeadLetters.ts"
import { EntryIds } from "../../src/ports/EntryIds.ts"
import * as Store from "../../src/ports/Store.ts"
import { Transport } from "../../src/ports/Transport.ts"
import { decode } from "../../src/select/Destination.ts"
import { layerTest } from "../support/codec.ts"

const startAt = Date.UTC(2026, 0, 1)

const hour = 3_600_000

/** Gets nothing, so that nothing but the operator moves its cursor. */
const off = (id: string) => ({ id, url: `https://${id}.test/`, enabled: false })

const letter = (number: number) => ({
  ...{ destination: number % 3 === 0 ? "intake" : "hook", eventId: `e${number}`, reason: "refused" as const },
  ...{
    message: "no",
    status: 422,
    deadAt: startAt + number,
    receivedAt: startAt,
    eventName: "n",
    event: "{}",
  },
  replayedAt: null,
})

type Beside = "live" | "offline"

/** An operator on a store that a server has run on: beside the next one, or beside none. */
const withOperator = <A, E>(
  beside: Beside,
  use: (operator: Operator["Service"]) => Effect.Effect<A, E, Scope.Scope>,
): Promise<A> =>
  Effect.gen(function* () {
    yield* TestClock.setTime(startAt)
    const scope = yield* Effect.scope
    const store = yield* Layer.buildWithScope(Store.layerMemory(), scope)
    let ids = 0
    const run = Millrace.layer({ keys: "none", destinations: [off("hook")] }).pipe(
      Layer.provide(Layer.succeed(Transport, { send: () => Effect.never })),
      Layer.provide(layerTest),
      Layer.provide(Layer.succeed(EntryIds, () => createHash("md5").update(String(ids++)).digest("hex"))),
    )
    const before = yield* Scope.make()
    const first = yield* Layer.buildWithScope(run, before).pipe(Effect.provideContext(store))
    for (let count = 0; count < 10; count++) {
      yield* Context.get(first, Operator).logEvent({ event: `event_${count % 3}`, value: count })
      yield* TestClock.adjust(hour)
    }
    yield* Context.get(store, DeadLetters).put([1, 2, 3, 4, 5, 6].map(letter))
    yield* Scope.close(before, yield* Effect.exit(Effect.void))
    const life: Layer.Layer<Operator, unknown, Store.Store> = beside === "live" ? run : Maintenance.layer
    const next = yield* Layer.buildWithScope(life, scope).pipe(Effect.provideContext(store))
    return yield* use(Context.get(next, Operator))
  }).pipe(
    Effect.scoped,
    Effect.provide(Layer.mergeAll(TestClock.layer(), Logger.layer([]))),
    Effect.runPromise,
  ) as Promise<A>

/** What {@link off} is called before it is changed. */
const revisionOfOff = (id: string) => revisionOf(Result.getOrThrow(decode(off(id))))

interface Step {
  readonly name: keyof typeof actions
  readonly input: object
}

const step = (name: Step["name"], input: fc.Arbitrary<object>): fc.Arbitrary<Step> =>
  fc.record({ name: fc.constant(name), input })

const id = fc.constantFrom("hook", "one", "two", "nobody")
const byId = fc.record({ id })
const time = fc.integer({ min: -1, max: 11 }).map((hours) => startAt + hours * hour)

/** All that an operator does alike wherever it sits. */
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  step("destinations", fc.constant({})),
  step(
    "addDestination",
    fc.record({
      destination: fc.oneof(
        fc.constantFrom("hook", "one", "two").map(off),
        fc.constantFrom({}, { id: 1 }, { id: "x y", url: "ftp://a" }, { ...off("one"), transform: () => {} }),
      ),
    }),
  ),
  step("removeDestination", byId),
  step("disable", byId),
  step("enable", byId),
  // The one of the configuration is known to servers only.
  step("destination", fc.record({ id: fc.constantFrom("one", "two", "nobody") })),
  step(
    "changeDestination",
    fc.record({
      id,
      changes: fc.constantFrom({}, { filter: { include: ["a"] } }, { filter: { sample: 2 } }),
      expected: fc.constantFrom("nothing", revisionOfOff("one"), revisionOfOff("two")),
    }),
  ),
  step("rewind", fc.record({ id, since: time })),
  step("skip", byId),
  step("retireSecret", fc.record({ id, hint: fc.constant("none") })),
  step(
    "tryFilter",
    fc.record({
      selection: fc.constantFrom({}, { filter: { include: ["event_1"] } }, { filter: { sample: 2 } }),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
  ),
  step("replay", fc.record({ destination: id, since: time, until: time })),
  step(
    "deadLetters",
    fc.record({ destination: id, limit: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: [] }),
  ),
  step("purgeDeadLetters", fc.record({ eventIds: fc.subarray(["e1", "e2", "e3", "e9"]) })),
  step("causes", fc.record({ destination: id }, { requiredKeys: [] })),
  step(
    "purgeLetters",
    fc.record({ destination: id, cause: fc.constant({ reason: "refused", pattern: "no", status: 422 }) }),
  ),
  step("attempts", fc.constant({})),
)

/** What came of each step, fit to be compared. */
const outcomesOf = (beside: Beside, steps: ReadonlyArray<Step>) =>
  withOperator(beside, (operator) =>
    Effect.forEach(steps, ({ name, input }) =>
      Effect.gen(function* () {
        const result = yield* Effect.result(methodOf<typeof actions, unknown>(operator, name)(input))
        yield* TestClock.adjust(1000)
        return Result.isSuccess(result) ? result.success : String(result.failure)
      }),
    ),
  )

test("an operator beside a server that runs and one beside none do the same, and say the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 5, maxLength: 25 }), async (steps) => {
      expect(await outcomesOf("live", steps)).toEqual(await outcomesOf("offline", steps))
    }),
    { numRuns: 30 },
  )
}, 120_000)

test("what only a server can do, an operator without one refuses by name", async () => {
  const destination = "hook"
  const tags = await withOperator("offline", (operator) =>
    Effect.forEach(
      [
        operator.logEvent({ event: "a" }),
        operator.replayDeadLetters({ destination }),
        operator.replayDeadLetters({ destination: "intake" }),
        operator.tail({ destination }),
        operator.tryNow({ id: destination }),
        operator.beginLetterReplay({ destination }),
        operator.beginLetterReplay({ destination: "intake" }),
        operator.stopJob({ name: "nobody" }),
        operator.testDestination({ destination: off("x") }),
      ],
      (asked) =>
        Effect.map(Effect.flip(asked as Effect.Effect<unknown, { _tag: string }>), ({ _tag }) => _tag),
    ),
  )
  expect(tags).toEqual([
    "NoIntake",
    "NotDelivering",
    "NotReplayable",
    ...Array(3).fill("NotDelivering"),
    "NotReplayable",
    "UnknownJob",
    "NotDelivering",
  ])
})

describe.each(["live", "offline"] as const)("an operator that is %s", (beside) => {
  test("has every action of the table, and answers by its Schema", async () => {
    const inputs: Readonly<Record<string, object>> = {
      ...{
        disable: { id: "hook" },
        enable: { id: "hook" },
        skip: { id: "hook" },
        removeDestination: { id: "x" },
      },
      rewind: { id: "hook", since: startAt },
      replay: { destination: "hook", since: startAt, until: startAt + hour },
      replayDeadLetters: { destination: "hook", eventIds: [] },
      addDestination: { destination: off("x") },
      tryFilter: { selection: {} },
      destination: { id: "hook" },
      tryNow: { id: "hook" },
      testDestination: { id: "nobody" },
      createSecret: { id: "nobody" },
      retireSecret: { id: "nobody", hint: "" },
      stopJob: { name: "nobody" },
      beginLetterReplay: { destination: "hook" },
      purgeLetters: { destination: "hook", eventIds: [] },
      changeDestination: { id: "x", changes: {}, expected: "nothing" },
      intakeHistory: { range: "1h" },
      destinationHistory: { id: "hook", range: "1h" },
      createKey: { name: "a", kind: "server" },
      attempt: { destination: "hook", webhookId: "msg_none", startedAt: startAt },
      logEvent: { event: "a" },
    }
    const wrong = await withOperator(beside, (operator) =>
      Effect.gen(function* () {
        const found: Array<string> = []
        for (const [name, action] of Object.entries(actions)) {
          const done = methodOf<typeof actions, unknown>(operator, name as never)(inputs[name] ?? {})
          const result = yield* Effect.result(done)
          if (Result.isFailure(result)) {
            const { _tag } = result.failure as { readonly _tag: never }
            if (!action.errors.includes(_tag)) found.push(`${name} failed with ${String(_tag)}`)
          } else if (isTelling(action)) {
            if (!Stream.isStream(result.success)) found.push(`${name} tells nothing`)
          } else if (
            Result.isFailure(
              Schema.decodeUnknownResult(action.output as Schema.ConstraintDecoder<unknown>, {
                onExcessProperty: "error",
              })(result.success),
            )
          ) {
            found.push(`${name} answered ${JSON.stringify(result.success)}`)
          }
        }
        return found
      }),
    )
    expect(wrong).toEqual([])
  })
})
