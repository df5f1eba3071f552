import { EventLog, Store, type StoreError } from "@millrace/core"
import { testPipeline } from "@millrace/testkit"
import type { StoreBinding } from "@millrace/testkit/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, it } from "vitest"
import { faults } from "../src/internal/store/faults.ts"
import { appending } from "../src/internal/store/log-append.ts"
import { waiting } from "../src/internal/store/log-wait.ts"
import { makeSuite, type Suite } from "../src/internal/store/suite.ts"
import { Waits, within } from "../src/internal/waiting.ts"

/** ms. A store that never answers takes no longer than one that does not yet. */
const patience = 300

/** A store in memory, of whose log some calls never come back. */
const silent =
  (...calls: ReadonlyArray<"append" | "wait">) =>
  (options = {}): Layer.Layer<Store.Store, StoreError> =>
    Layer.effectContext(
      Effect.map(Layer.build(Store.layerMemory(options)), (store) =>
        Context.add(store, EventLog.EventLog, {
          ...Context.get(store, EventLog.EventLog),
          ...Object.fromEntries(calls.map((call) => [call, () => Effect.never])),
        }),
      ),
    )

const bindingOf = (open: ReturnType<typeof silent>): StoreBinding => ({
  place: () => ({ open }),
  faultyPlace: () => ({ open, faults: { cut: () => {}, stall: () => {}, restore: () => {} } }),
  reopens: false,
  shared: false,
  capped: true,
  patience,
})

/** The cases of a part of the contract, which nobody has registered. */
const casesOf = (binding: StoreBinding, part: (suite: Suite) => void) => {
  const cases: Array<{ readonly name: string; readonly run: () => Promise<void> }> = []
  const register = (name: string, run: () => Promise<void>) => cases.push({ name, run })
  part(makeSuite(binding, Object.assign(register, { skip: () => {} }) as unknown as typeof it))
  return cases
}

it("a case at a store that never answers fails, and says for what it waited", async () => {
  const cases = casesOf(bindingOf(silent("append")), appending)
  expect(cases.length).toBeGreaterThan(5)
  const failures = await Promise.all(
    cases.map(({ run }) =>
      run().then(
        () => "it passed",
        ({ message }) => message,
      ),
    ),
  )
  // Some refuse before they ask anything of the log.
  const failed = failures.filter((failure) => failure !== "it passed")
  expect(failed.length).toBeGreaterThan(cases.length - 3)
  for (const failure of failed) {
    expect(failure).toMatch(
      /^nothing has happened for 0\.3 s: the case waits for EventLog\.append( \(\d+ times\))?(, EventLog\.wait)?$/,
    )
  }
})

it("so does one at a store that wakes nobody", async () => {
  const waits = casesOf(bindingOf(silent("wait")), waiting)
  const { run } = waits.find(({ name }) => name.startsWith("returns when one arrives"))!
  await expect(run()).rejects.toThrow("the case waits for EventLog.wait (10 times)")
})

it("before its server is taken away, it is waited for no longer than usual", async () => {
  const [first] = casesOf(bindingOf(silent("append")), faults)
  await expect(first!.run()).rejects.toThrow("the case waits for EventLog.append")
})

it("a pipeline on a store that never answers fails, and says for what it waited", async () => {
  const pipeline = await testPipeline({ store: silent("append"), patience })
  await expect(pipeline.log({ eventName: "a" })).rejects.toThrow("the pipeline waits for EventLog.append")
  await expect(pipeline.advance("1 day")).rejects.toThrow("the pipeline waits for EventLog.append")
})

it("what goes on is waited for, however long it takes", async () => {
  const waits = new Waits(patience)
  const step = waits.of(
    "a step",
    Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100))),
  )
  await waits.watch(Effect.runPromise(Effect.repeat(step, { times: 5 })), "the test")
  expect(waits.isAnythingAwaited).toBe(false)
})

it("what never comes is named", async () => {
  await expect(within("Godot", new Promise(() => {}), 20)).rejects.toThrow(
    "waited for 0.02 s, and it has not come: Godot",
  )
  expect(await within("Godot", Promise.resolve("here"))).toBe("here")
})
