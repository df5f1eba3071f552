import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Backlog, GroupCommit, type Options, type Outcome } from "../../src/ports/GroupCommit.ts"
import { StoreError, type StoreReason } from "../../src/ports/StoreError.ts"
import { type Item, makeModel, type Step, settings, steps } from "../support/groupCommitModel.ts"

const failure = (_tag: "Full" | "Corrupt" | "Closed" | "ReadOnly") =>
  new StoreError({ reason: { _tag } as StoreReason, message: _tag })

/** Until what is due in the event loop has happened. */
const settled = Effect.promise(async () => {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve))
})

/** A write under way, which the test ends. */
interface Write {
  readonly group: ReadonlyArray<Item>
  readonly bytes: number
  readonly end: (exit: Effect.Effect<ReadonlyArray<Outcome<number>>, StoreError>) => void
}

const makeCommit = Effect.fnUntraced(function* (options: Partial<Options<Item, number>> = {}) {
  const writes: Array<Write> = []
  const commit = yield* GroupCommit.make<Item, number>({
    place: "disk",
    write: (group, bytes) =>
      Effect.callback((resume) => {
        writes.push({ group, bytes, end: resume })
      }),
    ...options,
  })
  const ask = (item: Item, patience?: number) =>
    Effect.forkChild(commit.ask(item, item, patience), { startImmediately: true })
  return { commit, writes, ask }
})

const item = (id: number, { key = id, entries = 1, bytes = 10 }: Partial<Item> = {}): Item => ({
  ...{ id, key, entries, bytes },
})

const ids = (writes: ReadonlyArray<Write>) => writes.map(({ group }) => group.map(({ id }) => id))

const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.provide(effect, TestClock.layer()))

/** How one has ended: its own number, a reason, or `null` while it has not. */
const endOf = (fiber: Fiber.Fiber<number, StoreError>): number | string | null => {
  const exit = fiber.pollUnsafe()
  if (exit === undefined) return null
  if (Exit.isSuccess(exit)) return exit.value
  if (Exit.hasInterrupts(exit)) return "interrupted"
  if (Exit.hasDies(exit)) return "defect"
  const error = exit.cause.reasons[0]
  return error?._tag === "Fail" ? error.error.reason._tag : "unknown"
}

const answersOf = ({ group }: Write): ReadonlyArray<Outcome<number>> =>
  group.map(({ id }) => (id % 3 === 0 ? Effect.fail(failure("Full")) : Effect.succeed(id)))

describe("group commit", () => {
  it("answers each once, in groups within their bounds, as the plain way does", () =>
    fc.assert(
      fc.asyncProperty(settings, steps, (setting, all) =>
        run(
          Effect.gen(function* () {
            const { room, isKeyed, limits, patience, ...rest } = setting
            const { commit, writes, ask } = yield* makeCommit({
              ...rest,
              ...(patience === undefined ? {} : { patience }),
              limits: () => limits,
              backlog: new Backlog(room),
              ...(isKeyed
                ? {
                    joining: () => {
                      const keys = new Set<number>()
                      return ({ key }) => !keys.has(key) && keys.add(key) !== undefined
                    },
                  }
                : {}),
            })
            const model = makeModel(setting)
            const fibers: Array<Fiber.Fiber<number, StoreError>> = []
            const closings: Array<Fiber.Fiber<void>> = []
            const endWrite = (index: number, how: "each" | "whole" | "short") => {
              const group = model.groups[index]!
              model.end(group, how)
              const write = writes[index]!
              if (how === "whole") write.end(Effect.fail(failure("Corrupt")))
              else write.end(Effect.succeed(answersOf(write).slice(0, how === "short" ? -1 : undefined)))
            }
            const perform = (step: Step) =>
              Effect.gen(function* () {
                switch (step.do) {
                  case "ask": {
                    const items = step.items.map((item, index) => ({ ...item, id: fibers.length + index }))
                    for (const item of items) fibers.push(yield* ask(item))
                    return model.ask(items)
                  }
                  case "end": {
                    const running = model.running()
                    const group = running[step.which % Math.max(running.length, 1)]
                    if (group !== undefined) endWrite(model.groups.indexOf(group), step.how)
                    return
                  }
                  case "interrupt": {
                    const unanswered = model.unanswered()
                    const one = unanswered[step.which % Math.max(unanswered.length, 1)]
                    if (one === undefined) return
                    model.interrupt(one.id)
                    return yield* Fiber.interrupt(fibers[one.id]!)
                  }
                  case "pass":
                    model.pass(step.millis)
                    return yield* TestClock.adjust(step.millis)
                  case "refuse":
                    model.refuse()
                    return commit.refuse(Effect.fail(failure("ReadOnly")))
                  case "close":
                    model.close()
                    closings.push(
                      yield* Effect.forkChild(commit.close(failure("Closed")), { startImmediately: true }),
                    )
                    return
                  case "stop":
                    model.stop()
                    return yield* commit.stop(failure("Closed"))
                }
              })
            for (const step of all) {
              yield* perform(step)
              yield* settled
              expect(ids(writes)).toEqual(model.groups.map(({ ids }) => ids))
              expect(fibers.map(endOf)).toEqual(model.ends())
              const isDone = model.running().length === 0 && model.unanswered().length === 0
              for (const closing of closings) {
                if (isDone) expect(closing.pollUnsafe()).toBeDefined()
                else if (model.running().length > 0) expect(closing.pollUnsafe()).toBeUndefined()
              }
            }
            yield* perform({ do: "close" })
            while (model.running().length > 0) {
              endWrite(model.groups.indexOf(model.running()[0]!), "each")
              yield* settled
            }
            expect(fibers.map(endOf)).toEqual(model.ends())
            expect(model.unanswered()).toEqual([])
            yield* Fiber.joinAll(closings)
          }),
        ),
      ),
      { numRuns: 300 },
    ))

  it("lets what arrives in one turn of the event loop go together, and says what the group weighs", () =>
    run(
      Effect.gen(function* () {
        const { writes, ask } = yield* makeCommit()
        for (const id of [1, 2, 3]) yield* ask(item(id, { bytes: id }))
        expect(writes).toEqual([])
        yield* settled
        expect(ids(writes)).toEqual([[1, 2, 3]])
        expect(writes[0]!.bytes).toBe(6)
      }),
    ))

  it("does not fail what its caller asks for at once when it hears of a failure", () =>
    run(
      Effect.gen(function* () {
        const { commit, writes, ask } = yield* makeCommit()
        yield* ask(item(1))
        yield* settled
        const again = yield* Effect.forkChild(
          Effect.catch(commit.ask(item(2), item(2)), () => commit.ask(item(3), item(3))),
          { startImmediately: true },
        )
        commit.refuse(Effect.fail(failure("ReadOnly")))
        writes[0]!.end(Effect.succeed([Effect.succeed(1)]))
        yield* settled
        expect(ids(writes)).toEqual([[1], [3]])
        writes[1]!.end(Effect.succeed([Effect.succeed(3)]))
        expect(yield* Fiber.join(again)).toBe(3)
      }),
    ))

  it.each([true, false])(
    "begins the next write before those of the last go on: %s, if it is eager",
    (isEager) =>
      run(
        Effect.gen(function* () {
          const { commit, writes, ask } = yield* makeCommit({ isEager })
          let begun = 0
          yield* Effect.forkChild(
            Effect.tap(commit.ask(item(1), item(1)), () =>
              Effect.sync(() => {
                begun = writes.length
              }),
            ),
            { startImmediately: true },
          )
          yield* settled
          yield* ask(item(2))
          writes[0]!.end(Effect.succeed([Effect.succeed(1)]))
          yield* settled
          expect(begun).toBe(isEager ? 2 : 1)
        }),
      ),
  )

  it("has one backlog for several queues, where they share it", () =>
    run(
      Effect.gen(function* () {
        const backlog = new Backlog(25)
        const [one, other] = [yield* makeCommit({ backlog }), yield* makeCommit({ backlog })]
        yield* one.ask(item(1))
        yield* other.ask(item(2))
        yield* settled
        const refused = yield* one.ask(item(3))
        expect(endOf(refused)).toBe("Unavailable")
        other.writes[0]!.end(Effect.succeed([Effect.succeed(2)]))
        yield* settled
        expect(endOf(yield* one.ask(item(4)))).toBe(null)
      }),
    ))

  it("gives one a time limit of its own", () =>
    run(
      Effect.gen(function* () {
        const { ask } = yield* makeCommit({ patience: 100 })
        const patient = yield* ask(item(1), Number.POSITIVE_INFINITY)
        const usual = yield* ask(item(2))
        yield* TestClock.adjust("1 hour")
        expect([patient, usual].map(endOf)).toEqual([null, "Unavailable"])
      }),
    ))

  it("fails a group whose write dies with the same, and goes on", () =>
    run(
      Effect.gen(function* () {
        let isBroken = true
        const commit = yield* GroupCommit.make<Item, number>({
          place: "server",
          write: (group) => {
            if (isBroken) throw new Error("broken")
            return Effect.succeed(group.map(({ id }) => Effect.succeed(id)))
          },
        })
        expect(Exit.hasDies(yield* Effect.exit(commit.ask(item(1), item(1))))).toBe(true)
        isBroken = false
        expect(yield* commit.ask(item(2), item(2))).toBe(2)
      }),
    ))
})
