import { constants, PerformanceObserver } from "node:perf_hooks"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { YoungMemory } from "../../src/internal/YoungMemory.ts"

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants

interface Collection {
  readonly kind: number
  readonly flags: number
}

/** Returns the collections that somebody has asked for while this ran. */
const forcedCollections = async (run: () => void): Promise<ReadonlyArray<Collection>> => {
  const seen: Array<Collection> = []
  const observer = new PerformanceObserver((list) => {
    for (const each of list.getEntries()) seen.push((each as { readonly detail?: Collection }).detail!)
  })
  observer.observe({ entryTypes: ["gc"] })
  run()
  // Entries come with a later turn of the event loop.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  observer.disconnect()
  return seen.filter(({ flags }) => (flags & forced) !== 0)
}

const megabyte = 1024 * 1024

/** One that counts what it collects, instead of asking V8. */
const counting = () => {
  const counts = { sought: 0, collections: 0 }
  const memory = new YoungMemory(() => {
    counts.sought += 1
    return () => {
      counts.collections += 1
    }
  })
  return { memory, counts }
}

it("has what is young collected, and nothing else, after every four megabytes", async () => {
  const memory = new YoungMemory()
  memory.begin()
  const collections = await forcedCollections(() => {
    for (let turn = 0; turn < 12; turn++) memory.spend(megabyte)
  })
  expect(collections.map(({ kind }) => kind)).toEqual([minor, minor, minor])
})

it("leaves the collector to nobody else", () => {
  const memory = new YoungMemory()
  memory.begin()
  memory.spend(4 * megabyte)
  expect("gc" in globalThis).toBe(false)
  expect(runInNewContext("typeof gc")).toBe("undefined")
})

it("waits until twice as much has been made as is in use", () => {
  const { memory, counts } = counting()
  memory.begin()
  memory.use(10 * megabyte)
  for (let turn = 0; turn < 39; turn++) memory.spend(megabyte)
  expect(counts.collections).toBe(1)
  memory.use(-10 * megabyte)
  memory.spend(megabyte)
  expect(counts.collections).toBe(2)
})

it("waits for nothing that is in use when what was made is garbage already", () => {
  const { memory, counts } = counting()
  memory.begin()
  memory.use(10 * megabyte)
  for (let turn = 0; turn < 9; turn++) memory.waste(megabyte)
  expect(counts.collections).toBe(2)
  memory.spend(2 * megabyte)
  memory.waste(megabyte)
  expect(counts.collections).toBe(3)
})

it("looks for no collector, and collects nothing, before somebody asks for it", () => {
  const { memory, counts } = counting()
  memory.use(megabyte)
  memory.spend(100 * megabyte)
  memory.waste(100 * megabyte)
  expect(counts).toEqual({ sought: 0, collections: 0 })
})

it("goes on until nobody asks for it any more", () => {
  const { memory, counts } = counting()
  memory.begin()
  memory.begin()
  memory.end()
  memory.spend(4 * megabyte)
  expect(counts.collections).toBe(1)
  memory.end()
  memory.spend(4 * megabyte)
  expect(counts.collections).toBe(1)
})
