import { constants, PerformanceObserver } from "node:perf_hooks"
import { runInNewContext } from "node:vm"
import { expect, it } from "vitest"
import { spend, use } from "../../src/internal/youngMemory.ts"

const { NODE_PERFORMANCE_GC_MINOR: minor, NODE_PERFORMANCE_GC_FLAGS_FORCED: forced } = constants

interface Collection {
  readonly kind: number
  readonly flags: number
}

/** Those that somebody has asked for while this ran. */
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

it("has what is young collected, and nothing else, after every four megabytes", async () => {
  spend(4 * megabyte)
  const collections = await forcedCollections(() => {
    for (let turn = 0; turn < 12; turn++) spend(megabyte)
  })
  expect(collections.map(({ kind }) => kind)).toEqual([minor, minor, minor])
})

it("waits until twice as much has been made as is in use", async () => {
  spend(4 * megabyte)
  use(10 * megabyte)
  const collections = await forcedCollections(() => {
    for (let turn = 0; turn < 39; turn++) spend(megabyte)
  })
  use(-10 * megabyte)
  expect(collections).toHaveLength(1)
  spend(4 * megabyte)
})

it("leaves the collector to nobody else", () => {
  spend(4 * megabyte)
  expect("gc" in globalThis).toBe(false)
  expect(runInNewContext("typeof gc")).toBe("undefined")
})
