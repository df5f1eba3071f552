import { execFileSync } from "node:child_process"
import { existsSync, statSync, truncateSync } from "node:fs"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { startChild } from "./support/process.ts"
import { entry, freshPath, readNumbers, withStore } from "./support/store.ts"

describe("a process that is killed", () => {
  it("loses nothing that it has acknowledged, however often", { timeout: 120_000 }, async () => {
    const path = freshPath()
    const acknowledged: Array<number> = []
    for (let round = 1; round <= 5; round++) {
      const child = startChild("append", path, String(round * 1_000_000))
      // At another moment each round: in the middle of commits, of checkpoints.
      await child.said(300 * round)
      child.process.kill("SIGKILL")
      expect(await child.ended).toBe("SIGKILL")
      acknowledged.push(...child.lines.map(Number))

      const stored = await withStore(path, ({ log }) =>
        Effect.gen(function* () {
          const { head } = yield* log.bounds(0)
          const numbers = yield* readNumbers(log)
          expect(yield* log.stats(0, head)).toMatchObject({ entries: numbers.length, events: numbers.length })
          return numbers
        }),
      )
      const found = new Set(stored)
      expect(acknowledged.filter((number) => !found.has(number))).toEqual([])
      expect(found.size).toBe(stored.length)
    }
  })
})

describe("a write-ahead log that a crash has cut off", () => {
  it("keeps every transaction before the cut, and goes on from there", { timeout: 120_000 }, async () => {
    const path = freshPath()
    // Where each append's transaction ends in the write-ahead log.
    const ends: Array<number> = []
    const copies = await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        // So few that the log is not yet brought into the file, and begun anew.
        for (let number = 0; number < 12; number++) {
          yield* log.append([entry(number, number * 700)])
          ends.push(statSync(`${path}-wal`).size)
        }
        const [before = 0, after = 0] = ends.slice(9, 11)
        return [before, before + 1, Math.floor((before + after) / 2), after - 1, after].map((cut) => {
          const copy = `${path}-${cut}`
          // By another process: closing the file here would drop the locks this process has on it.
          execFileSync("cp", [path, copy])
          execFileSync("cp", [`${path}-wal`, `${copy}-wal`])
          truncateSync(`${copy}-wal`, cut)
          return { copy, kept: ends.filter((end) => end <= cut).length }
        })
      }),
    )
    expect(ends).toEqual([...new Set(ends)].toSorted((a, b) => a - b))
    expect(copies.map(({ kept }) => kept)).toEqual([10, 10, 10, 10, 11])
    for (const { copy, kept } of copies) {
      const expected = Array.from({ length: kept }, (_, index) => index)
      await withStore(copy, ({ log }) =>
        Effect.gen(function* () {
          expect(yield* readNumbers(log)).toEqual(expected)
          yield* log.append([entry(100)])
        }),
      )
      expect(await withStore(copy, ({ log }) => readNumbers(log))).toEqual([...expected, 100])
    }
  })
})

describe("a process that has nothing left to do", () => {
  it("ends by itself after closing, and leaves one file", async () => {
    const path = freshPath()
    const child = startChild("close", path, "1")
    expect(await child.ended).toBe(0)
    expect(child.lines).toEqual(["1", "closed"])
    expect(["", "-wal", "-shm"].map((suffix) => existsSync(path + suffix))).toEqual([true, false, false])
  })

  it("ends by itself also without closing, though a fiber waits for entries", async () => {
    const path = freshPath()
    const child = startChild("leave", path, "1")
    expect(await child.ended).toBe(0)
    expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual([1])
  })
})

describe("a second process on the same file", () => {
  it("wakes those who wait here, and knows the ids appended here", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const [position] = yield* log.append([entry(1)])
        const child = startChild("close", path, "2")
        if (position !== undefined) yield* log.wait(0, position)
        expect(yield* readNumbers(log)).toEqual([1, 2])
        expect(yield* Effect.promise(() => child.ended)).toBe(0)
        const again = startChild("close", path, "1")
        expect(yield* Effect.promise(() => again.ended)).toBe(0)
        // A retry of what the other process has appended, too.
        yield* log.append([entry(2), entry(3)])
        expect(yield* readNumbers(log)).toEqual([1, 2, 3])
      }),
    )
  })
})
