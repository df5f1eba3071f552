import { execFileSync } from "node:child_process"
import { existsSync, unlinkSync, writeFileSync } from "node:fs"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { entry, freshPath, readNumbers, withStore } from "./support/store.ts"

describe("a write-ahead log that has been removed", () => {
  it("is noticed by the next append, what was acknowledged before is in the file, and another log is begun", async () => {
    const path = freshPath()
    const left = `${path}-left`
    const before = Array.from({ length: 20 }, (_, index) => index + 1)
    // Stored when the loss was noticed: nobody was told so, and a retry would find it.
    const noticed = 21
    await withStore(path, ({ log, cursors }) =>
      Effect.gen(function* () {
        for (const number of before) yield* log.append([entry(number, 1000)])
        // From the file, so that the reader has the log open too.
        expect(yield* readNumbers(log)).toEqual(before)
        unlinkSync(`${path}-wal`)
        const error = yield* Effect.flip(log.append([entry(noticed)]))
        expect(error.reason._tag).toBe("Unavailable")
        expect(error.message).toContain("-wal has been deleted while it was open")
        // As a process that is killed now would leave it. By another process: closing the file here
        // would drop the locks this one has on it.
        execFileSync("cp", [path, left])
        const isRefused = Effect.match(cursors.remove("nobody"), {
          onFailure: () => true,
          onSuccess: () => false,
        })
        while (yield* isRefused) yield* Effect.yieldNow
        yield* log.append([entry(22)])
        expect(existsSync(`${path}-wal`)).toBe(true)
        expect(yield* readNumbers(log)).toEqual([...before, noticed, 22])
      }),
    )
    expect(await withStore(left, ({ log }) => readNumbers(log))).toEqual([...before, noticed])
    expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual([...before, noticed, 22])
  })

  it("is noticed by a probe, before anything is appended", async () => {
    const path = freshPath()
    await withStore(path, ({ log, health }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1)])
        yield* health.probe
        unlinkSync(`${path}-wal`)
        const error = yield* Effect.flip(health.probe)
        expect(error.message).toContain("-wal has been deleted while it was open")
      }),
    )
    expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual([1])
  })

  it("is never written to again where somebody has put another one in its place", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(1)])
        unlinkSync(`${path}-wal`)
        writeFileSync(`${path}-wal`, "")
        const error = yield* Effect.flip(log.append([entry(2)]))
        expect(error.message).toContain("-wal has been moved, deleted or replaced")
        expect((yield* Effect.flip(log.append([entry(3)]))).reason._tag).toBe("Unavailable")
      }),
    )
  })
})
