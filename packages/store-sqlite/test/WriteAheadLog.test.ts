import { statSync } from "node:fs"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import type { Database } from "../src/driver.ts"
import { checkpointAfter, walLimit } from "../src/walLimits.ts"
import { connect, entry, freshPath, query, readNumbers, withStore } from "./support/store.ts"

/** Ten entries of 50 kB. */
const tenAfter = (number: number) => Array.from({ length: 10 }, (_, index) => entry(number + index, 50_000))

/** Two connections that read in turns, each a few ms, one beginning before the other ends. */
const readInTurns = (path: string): (() => void) => {
  const begun = (connection: Database): Database => {
    connection.exec("BEGIN")
    query(connection, "SELECT count(*) FROM cursors")
    return connection
  }
  let [next, reading] = [connect(path), begun(connect(path))]
  const timer = setInterval(() => {
    begun(next)
    reading.exec("COMMIT")
    ;[next, reading] = [reading, next]
  }, 3)
  return () => {
    clearInterval(timer)
    reading.exec("COMMIT")
  }
}

describe("the write-ahead log", () => {
  it("is brought into the file after every megabyte, before SQLite would do so in the middle of a commit", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        for (let number = 0; number < 400; number += 10) yield* log.append(tenAfter(number))
        // It is as long as it has ever been: 20 MB have gone through it, half a megabyte at a time.
        expect(statSync(`${path}-wal`).size).toBeLessThan(checkpointAfter / 2)
        expect(yield* readNumbers(log)).toHaveLength(400)
      }),
    )
  })

  it("stays short though at every moment somebody reads", async () => {
    const path = freshPath()
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* log.append([entry(0)])
        const stop = readInTurns(path)
        for (let number = 1; number < 1200; number += 10) yield* log.append(tenAfter(number))
        stop()
        // 60 MB have gone through it; once it may have been given up.
        expect(statSync(`${path}-wal`).size).toBeLessThan(2 * walLimit + 1024 * 1024)
      }),
    )
  })

  it("grows while another program reads on, holds up nothing, and shrinks when that is over", async () => {
    const path = freshPath()
    await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          yield* log.append([entry(0)])
          const backup = connect(path)
          backup.exec("BEGIN")
          query(backup, "SELECT count(*) FROM entries")
          const size = () => statSync(`${path}-wal`).size
          let number = 1
          for (; size() < 3 * walLimit; number += 10) yield* log.append(tenAfter(number))
          backup.exec("COMMIT")
          yield* log.append(tenAfter(number))
          yield* log.append(tenAfter(number + 10))
          expect(yield* readNumbers(log)).toHaveLength(number + 20)
          expect(size()).toBeLessThanOrEqual(walLimit)
        }),
      // Were appends to wait for the other's reading, they would wait for longer than the test may
      // take.
      { busyTimeout: 60_000 },
    )
  })
})
