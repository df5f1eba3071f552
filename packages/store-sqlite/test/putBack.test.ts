import { execFileSync } from "node:child_process"
import { existsSync, readFileSync, renameSync } from "node:fs"
import { type EventLog, mayPass, type Position, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { isInUse } from "../src/index.ts"
import { startChild } from "./support/process.ts"
import {
  connect,
  entry,
  freshPath,
  type Logged,
  perform,
  query,
  readNumbers,
  withStore,
} from "./support/store.ts"

type Log = EventLog.EventLog["Service"]

const upTo = (count: number): ReadonlyArray<number> => Array.from({ length: count }, (_, index) => index + 1)

/** By another process: closing the file here would drop the locks that this process has on it. */
const copy = (from: string, to: string): void => {
  execFileSync("cp", [from, to])
}

/** Writes zeros over the beginning of a file, by another process likewise. */
const overwrite = (path: string, bytes: number): void => {
  const program = "const [, path, bytes] = process.argv; const file = require('fs').openSync(path, 'r+')"
  const write = "require('fs').writeSync(file, Buffer.alloc(Number(bytes)), 0)"
  execFileSync(process.execPath, ["-e", `${program}; ${write}`, path, String(bytes)])
}

const compactCopy = (path: string, to: string): void => perform(path, `VACUUM INTO '${to}'`)

const append = (log: Log, numbers: ReadonlyArray<number>, size = 1000) =>
  Effect.forEach(numbers, (number) => log.append([entry(number, size)]))

/** Enough to bring the write-ahead log into the file more than once. */
const appendMuch = (log: Log, from: number) =>
  append(
    log,
    upTo(60).map((number) => from + number),
    50_000,
  )

const aMoment = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))

/** What the store answers when it does not say any more that it cannot now. */
const answered = <A>(call: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
  Effect.catchIf(
    call,
    ({ reason }) => mayPass(reason),
    () => Effect.andThen(aMoment, answered(call)),
  )

const isSound = (path: string) =>
  expect(query(connect(path), "PRAGMA integrity_check")).toMatchObject({ integrity_check: "ok" })

describe("an earlier copy of a file beside a newer write-ahead log", () => {
  /** As a crash leaves the two, save that the file is an older one. Returns what the log holds. */
  const leave = async (path: string) => {
    const original = `${path}-original`
    await withStore(original, ({ log }) =>
      Effect.gen(function* () {
        yield* append(log, upTo(10))
        compactCopy(original, path)
        yield* appendMuch(log, 100)
        copy(`${original}-wal`, `${path}-wal`)
      }),
    )
    return readFileSync(`${path}-wal`)
  }

  it("is not mixed with it: the log is put aside, and the copy is what is opened", async () => {
    const path = freshPath()
    const newer = await leave(path)
    const lines: Array<Logged> = []
    const numbers = await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          const found = yield* readNumbers(log)
          yield* log.append([entry(11)])
          return found
        }),
      {},
      lines,
    )
    expect(numbers).toEqual(upTo(10))
    expect(lines.filter(({ message }) => !message.includes("chmod"))).toMatchObject([
      { message: expect.stringContaining("put aside"), fields: { log: `${path}-wal-replaced` } },
    ])
    expect(readFileSync(`${path}-wal-replaced`).equals(newer)).toBe(true)
    expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual(upTo(11))
    isSound(path)
  })

  it("is not mixed with it by whoever asks whether it is in use", async () => {
    const path = freshPath()
    const newer = await leave(path)
    const before = readFileSync(path)
    expect(isInUse(path)).toBe(false)
    expect(readFileSync(path).equals(before)).toBe(true)
    expect(readFileSync(`${path}-wal`).equals(newer)).toBe(true)
  })
})

describe("an earlier copy that is put back while the file is open", () => {
  it("is told of once, with what was lost and what is sent again", async () => {
    const path = freshPath()
    const kept = `${path}-kept`
    const lines: Array<Logged> = []
    await withStore(
      path,
      ({ log, cursors }) =>
        Effect.gen(function* () {
          const [, , [third] = []] = yield* append(log, upTo(10))
          const place = (position: Position.Position) => ({ position, index: 0, state: "" })
          // This one took its cursor before the copy was made, and is known to have it still.
          const known = yield* cursors.acquire("known/0")
          const lost = yield* cursors.acquire("lost/0")
          yield* cursors.save([known, lost].map((cursor) => ({ ...cursor, record: place(third!) })))
          compactCopy(path, kept)
          yield* cursors.acquire("lost/0")
          yield* append(log, [11, 12, 13])
          copy(kept, path)
          yield* answered(log.append([entry(14)]))
          yield* log.append([entry(15)])
          expect(yield* readNumbers(log)).toEqual([...upTo(10), 14, 15])
        }),
      {},
      lines,
    )
    expect(lines.map(({ message }) => message)).toEqual([
      expect.stringContaining("put aside"),
      expect.stringContaining("come back with less"),
    ])
    expect(lines[1]?.fields).toEqual({
      lostEntries: 3,
      lostEvents: 3,
      goesOnAfter: "0000000000000010",
      sentAgain: 7,
    })
    isSound(path)
  })

  // Processes from sources take a while to start.
  const timeout = 120_000

  it("loses nothing that another process appends to it before this one has noticed", {
    timeout,
  }, async () => {
    const path = freshPath()
    const kept = `${path}-kept`
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        const [[first] = []] = yield* append(log, [1])
        compactCopy(path, kept)
        const [, [lost] = []] = yield* append(log, [2, 3])
        copy(kept, `${path}-new`)
        renameSync(`${path}-new`, path)
        // Past the last position that this process has given.
        for (const number of [11, 12, 13]) {
          expect(yield* Effect.promise(() => startChild("close", path, String(number)).ended)).toBe(0)
        }
        const error = yield* Effect.flip(answered(log.read(0, lost!, { maxEntries: 10, maxBytes: 1e6 })))
        expect(error.reason).toMatchObject({ _tag: "OutOfRange", resumeAt: first })
        expect(yield* readNumbers(log)).toEqual([1, 11, 12, 13])
      }),
    )
  })

  it("changes nothing when what it lacks still is in the write-ahead log", async () => {
    const path = freshPath()
    const kept = `${path}-kept`
    const lines: Array<Logged> = []
    await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          copy(path, kept)
          yield* append(log, upTo(5))
          copy(kept, path)
          yield* answered(append(log, [6]))
          expect(yield* readNumbers(log)).toEqual(upTo(6))
        }),
      {},
      lines,
    )
    expect(lines).toEqual([])
    isSound(path)
    expect(await withStore(path, ({ log }) => readNumbers(log))).toEqual(upTo(6))
  })
})

describe("what others do to an open file in the way that SQLite has for it", () => {
  const ways = {
    "bringing the write-ahead log into it": "PRAGMA wal_checkpoint(TRUNCATE)",
    "making it compact": "VACUUM",
    "both, again and again":
      "VACUUM; PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(RESTART); VACUUM",
  }

  it.each(Object.entries(ways))("%s: is not taken for an earlier copy", async (_, sql) => {
    const path = freshPath()
    const lines: Array<Logged> = []
    await withStore(
      path,
      ({ log }) =>
        Effect.gen(function* () {
          for (const round of upTo(5)) {
            yield* append(log, [10 * round, 10 * round + 1], 20_000)
            perform(path, sql)
            yield* log.append([entry(10 * round + 2)])
          }
          expect(yield* readNumbers(log)).toEqual(
            upTo(5).flatMap((round) => [0, 1, 2].map((n) => 10 * round + n)),
          )
        }),
      {},
      lines,
    )
    expect(lines).toEqual([])
    expect(existsSync(`${path}-wal-replaced`)).toBe(false)
  })
})

describe("a file that something else is written into while it is open", () => {
  it("takes nothing and is called damaged while that lasts, and goes on when a copy is put back", async () => {
    const path = freshPath()
    const kept = `${path}-kept`
    await withStore(path, ({ log }) =>
      Effect.gen(function* () {
        yield* append(log, upTo(10))
        compactCopy(path, kept)
        yield* append(log, [11])
        overwrite(path, 3 * 16_384)
        const isDamaged = Effect.map(Effect.flip(log.append([entry(12)])), ({ reason }) => reason._tag)
        while ((yield* isDamaged) !== "Corrupt") yield* aMoment
        copy(kept, path)
        yield* Effect.eventually(Effect.andThen(aMoment, log.append([entry(13)])))
        expect(yield* readNumbers(log)).toEqual([...upTo(10), 13])
      }),
    )
    isSound(path)
  })
})
