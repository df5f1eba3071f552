import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { expect, test } from "vitest"
import * as Processes from "../../src/admin/processes.ts"

const worker = { name: "worker 1", does: "intake", memory: 96_000_000, connections: 4, restarts: 0 }

test("a process takes the share of a core that it has used since it was asked for last", () =>
  Effect.gen(function* () {
    let facts: Processes.ProcessFacts = { ...worker, startedAt: 0, cpuSeconds: 5 }
    const list = Processes.make(Effect.sync(() => [facts]))
    const share = Effect.map(list, ([one]) => one!.cpu)
    yield* TestClock.setTime(10_000)
    expect(yield* list).toEqual([{ ...worker, cpu: 0.5 }])
    yield* TestClock.adjust("4 seconds")
    facts = { ...facts, cpuSeconds: 6 }
    expect(yield* share).toBe(0.25)
    // Asked for by two pages at once.
    yield* TestClock.adjust("100 millis")
    facts = { ...facts, cpuSeconds: 6.1 }
    expect(yield* share).toBe(0.25)
    // Another process has taken its place.
    facts = { ...facts, startedAt: 13, cpuSeconds: 0.55, restarts: 1 }
    expect(yield* share).toBeCloseTo(0.5)
  }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise))
