import { expect, it } from "vitest"
import { bystanderEvent, bystanderEventsIn } from "../src/attack/bystanderEvent.ts"
import { makeRandom } from "../src/attack/random.ts"
import { techniques } from "../src/attack/techniques.ts"

const shots = (seed: number) => {
  const random = makeRandom(seed)
  return techniques.map(({ shot }) => shot(random, "client-key").body.length)
}

it("makes the same attack from the same seed, and another from another", () => {
  expect(shots(5)).toEqual(shots(5))
  expect(shots(5)).not.toEqual(shots(6))
})

it("gives every technique a name of its own and a body of at most 10 MiB", () => {
  expect(new Set(techniques.map(({ name }) => name)).size).toBe(techniques.length)
  for (const length of shots(1)) expect(length).toBeLessThanOrEqual(10 * 1024 * 1024)
})

it("finds the bystander's events among others in what a destination got", () => {
  const { eventName, value, time } = bystanderEvent(42, 1_795_000_000_000)
  const sent = [
    { eventName: "bystanders", value: "1", timestamp: 5 },
    { eventName, value: String(value), timestamp: time },
  ]
  expect(bystanderEventsIn(JSON.stringify(sent))).toEqual([{ number: 42, time: 1_795_000_000_000 }])
  expect(bystanderEventsIn("[]")).toEqual([])
})
