import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { openReader } from "../src/Connection.ts"
import { examination } from "../src/tables/Examination.ts"
import { leavesOf, overwrite } from "./support/damage.ts"
import { entry, freshPath, perform, withStore } from "./support/store.ts"

const count = 300

/** A file of many entries, each in a row of its own, of which some four share a page. */
const makeStore = (path: string) =>
  withStore(path, ({ log, cursors }) =>
    Effect.gen(function* () {
      yield* cursors.acquire("a/0")
      for (let number = 1; number <= count; number++) yield* log.append([entry(number, 3_500)])
    }),
  )

const messagesOf = (path: string) =>
  withStore(path, ({ health }) =>
    Effect.map(health.examine, (found) => found.map(({ level, message }) => `${level}: ${message}`)),
  )

const lookAt = (path: string) => {
  const connection = openReader({ path, busyTimeout: 1_000, maxPages: null })
  try {
    return examination(connection).entries(0, count, 60_000)
  } finally {
    connection.close()
  }
}

/** Which entries stand on a page, by their numbers. */
const standOn = (path: string, page: number): ReadonlyArray<number> => {
  const whole = lookAt(path)
  expect(whole).toEqual({ upTo: count, damaged: [] })
  overwrite(path, [page])
  const { damaged } = lookAt(path)
  return damaged.flat()
}

describe("what is found of a file", () => {
  it("is nothing while nothing is wrong", async () => {
    const path = freshPath()
    await makeStore(path)
    expect(await messagesOf(path)).toEqual([])
  })

  it("is which entries cannot be read: those on a page that was overwritten, and no others", async () => {
    const path = freshPath()
    await makeStore(path)
    const leaves = leavesOf(path, "entries")
    const [first, last] = standOn(path, leaves[20]!)
    // In the middle, and some four to a page.
    expect(first).toBeGreaterThan(60)
    expect(last! - first!).toBeLessThan(6)
    expect(await messagesOf(path)).toContainEqual(
      expect.stringContaining(`wrong: damaged: entries ${first} to ${last} of the log cannot be read`),
    )
  })

  it("is which other table is damaged", async () => {
    const path = freshPath()
    await makeStore(path)
    overwrite(path, leavesOf(path, "dead_letters"))
    expect(await messagesOf(path)).toContainEqual(
      expect.stringContaining("wrong: damaged: the table dead_letters cannot be read"),
    )
  })

  it("is that more than one stretch of entries is damaged, each by its ends", async () => {
    const path = freshPath()
    await makeStore(path)
    const leaves = leavesOf(path, "entries")
    overwrite(path, [leaves[10]!, leaves[40]!])
    const { upTo, damaged } = lookAt(path)
    expect(upTo).toBe(count)
    expect(damaged).toHaveLength(2)
  })

  it("is found in pieces as long as they may take", async () => {
    const path = freshPath()
    await makeStore(path)
    const connection = openReader({ path, busyTimeout: 1_000, maxPages: null })
    const { upTo, damaged } = examination(connection).entries(0, count, 0)
    connection.close()
    expect({ upTo, damaged }).toEqual({ upTo: 0, damaged: [] })
  })
})

describe("a probe", () => {
  it("fails when an append would, since the page it would write to is damaged", async () => {
    const path = freshPath()
    await makeStore(path)
    overwrite(path, leavesOf(path, "entries").slice(-1))
    const tag = await withStore(path, ({ health }) =>
      Effect.map(Effect.flip(health.probe), ({ reason }) => reason._tag),
    ).catch((error: { readonly reason: { readonly _tag: string } }) => error.reason._tag)
    expect(tag).toBe("Corrupt")
  })

  it("changes nothing that an append would have to reckon with", async () => {
    const path = freshPath()
    await withStore(path, ({ log, health }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1)])
        for (let probes = 0; probes < 5; probes++) yield* health.probe
        yield* log.append([entry(2)])
        const { head } = yield* log.bounds(0)
        expect(yield* log.stats(0, head)).toMatchObject({ entries: 2, events: 2 })
      }),
    )
    perform(path, "PRAGMA quick_check")
  })
})
