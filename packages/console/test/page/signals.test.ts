import { expect, test } from "vitest"
import { computed, effect, signal } from "../../web/state/signals.ts"

test("what reads a signal runs again when it changes, and not when it does not", () => {
  const number = signal(1)
  const seen: Array<number> = []
  const stop = effect(() => void seen.push(number.value))
  number.value = 2
  number.value = 2
  stop()
  number.value = 3
  expect(seen).toEqual([1, 2])
})

test("it follows what it has read the last time, and only that", () => {
  const isLeft = signal(true)
  const left = signal("l")
  const right = signal("r")
  const seen: Array<string> = []
  effect(() => void seen.push(isLeft.value ? left.value : right.value))
  right.value = "r2"
  isLeft.value = false
  left.value = "l2"
  right.value = "r3"
  expect(seen).toEqual(["l", "r2", "r3"])
})

test("what follows from others is up to date, also for those that follow from it", () => {
  const number = signal(1)
  const double = computed(() => number.value * 2)
  const more = computed(() => double.value + number.value)
  number.value = 5
  expect([double.value, more.value]).toEqual([10, 15])
})

test("a look for once follows nothing, and neither does what is done when told", () => {
  const number = signal(1)
  const other = signal(1)
  const seen: Array<number> = []
  const stop = number.subscribe((value) => void seen.push(value + other.value))
  effect(() => void seen.push(other.peek() * 100))
  other.value = 2
  number.value = 2
  stop()
  number.value = 3
  expect(seen).toEqual([2, 100, 4])
})

test("one that ends another while both are told is the last that runs", () => {
  const number = signal(1)
  const seen: Array<string> = []
  let stop = () => {}
  effect(() => {
    if (number.value === 2) stop()
    seen.push("first")
  })
  stop = effect(() => {
    seen.push(`second ${number.value}`)
  })
  number.value = 2
  expect(seen).toEqual(["first", "second 1", "first"])
})

test("what throws while it reads does not become who reads afterwards", () => {
  const number = signal(1)
  expect(() =>
    effect(() => {
      if (number.value > 0) throw new Error("no")
    }),
  ).toThrow("no")
  let runs = 0
  effect(() => {
    runs += 1
    number.peek()
  })
  expect(runs).toBe(1)
})
