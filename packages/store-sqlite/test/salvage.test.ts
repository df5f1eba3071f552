import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import {
  Attempts,
  Counters,
  Cursors,
  DeadLetters,
  Destinations,
  EventLog,
  Keys,
  type Position,
} from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe, expect, it } from "vitest"
import { type FoundEntry, layer, type Missing, salvage } from "../src/index.ts"
import { leavesOf } from "./support/damage.ts"
import { freshPath, perform } from "./support/store.ts"

const pageSize = 16 * 1024

const count = 120

/** The first so many entries. */
const trimmed = 10

/** Some stand together on a page, some go on over several. */
const sizeOf = (number: number): number => [300, 2_000, 9_000, 40_000][number % 4]!

const entryOf = (number: number): EventLog.NewEntry => ({
  id: number.toString(16).padStart(32, "0"),
  events: 1 + (number % 3),
  envelope: JSON.stringify({ v: 1, number }),
  body: new Uint8Array(sizeOf(number)).fill(1 + (number % 200)),
})

const isSound = ({ number, ...entry }: FoundEntry): boolean => {
  const { id, events, envelope, body } = entryOf(number)
  return (
    entry.id === id &&
    entry.events === events &&
    entry.envelope === envelope &&
    Buffer.from(entry.body).equals(Buffer.from(body))
  )
}

const ids = ["warehouse", "billing", "crm"]

const letterOf = (number: number): DeadLetters.DeadLetter => ({
  destination: ids[number % 3]!,
  eventId: `event-${number}`,
  reason: "refused",
  message: "no",
  status: 400,
  deadAt: Date.now() + number,
  receivedAt: 1,
  eventName: "a",
  event: JSON.stringify({ number, text: "x".repeat(3_000) }),
  replayedAt: number % 2 === 0 ? 5 : null,
})

const portsOf = (context: Context.Context<never>) => {
  const all = context as Context.Context<
    | EventLog.EventLog
    | Cursors.Cursors
    | DeadLetters.DeadLetters
    | Destinations.Destinations
    | Keys.Keys
    | Counters.Counters
    | Attempts.Attempts
  >
  return {
    log: Context.get(all, EventLog.EventLog),
    cursors: Context.get(all, Cursors.Cursors),
    deadLetters: Context.get(all, DeadLetters.DeadLetters),
    destinations: Context.get(all, Destinations.Destinations),
    keys: Context.get(all, Keys.Keys),
    counters: Context.get(all, Counters.Counters),
    attempts: Context.get(all, Attempts.Attempts),
  }
}

type Ports = ReturnType<typeof portsOf>

const withFile = <A>(path: string, body: (ports: Ports) => Effect.Effect<A, unknown>): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(Effect.flatMap(Layer.build(layer({ path })), (context) => body(portsOf(context as never)))),
  )

const hour = 3_600_000

/**
 * Some of everything. Its first ten entries have been trimmed, and one commit in seven has many.
 */
const fill = ({ log, cursors, deadLetters, destinations, keys, counters, attempts }: Ports) =>
  Effect.gen(function* () {
    const positions: Array<Position.Position> = []
    for (let number = 1; number <= count; ) {
      const together = number % 7 === 0 ? 5 : 1
      const entries = Array.from({ length: together }, (_, index) => entryOf(number + index))
      positions.push(...(yield* log.append(entries)))
      number += together
    }
    for (const [index, id] of ids.entries()) {
      yield* destinations.put({ id, config: null, disabled: null, createdAt: index })
      const { name, epoch } = yield* cursors.acquire(`${id}/0`)
      const record = { position: positions[20 * (index + 1)]!, index, state: JSON.stringify({ v: 1, id }) }
      yield* cursors.save([{ name, epoch, record }])
    }
    for (let letter = 0; letter < 60; letter++) yield* deadLetters.put([letterOf(letter)])
    yield* keys.put({ hash: "a".repeat(64), kind: "server", createdAt: 7 })
    const now = Math.floor(Date.now() / hour) * hour
    yield* counters.add([{ hour: now, eventName: "a", count: 3 }])
    yield* attempts.append(
      ids.map((destination, index) => ({
        ...{ destination, webhookId: `w-${index}`, startedAt: Date.now(), duration: 1, events: 1, bytes: 1 },
        ...{ outcome: "not-now" as const, status: 503, error: null, wait: 1_000, waitReason: null },
      })),
    )
    yield* log.trim(0, positions[trimmed - 1]!, Number.MAX_SAFE_INTEGER)
    return positions.at(-1)!
  })

const contentsOf = ({ log, cursors, deadLetters, destinations, keys, counters, attempts }: Ports) =>
  Effect.gen(function* () {
    const { tail, head } = yield* log.bounds(0)
    const entries: Array<EventLog.LogEntry> = []
    for (let after = tail; ; ) {
      const page = yield* log.read(0, after, { maxEntries: 50, maxBytes: 1 << 20 })
      if (page.length === 0) break
      entries.push(...page)
      after = page.at(-1)!.position
    }
    const letters: Array<DeadLetters.DeadLetter> = []
    for (let after: string | null | undefined; after !== null; ) {
      const page: DeadLetters.DeadLetterPage = yield* deadLetters.list({
        limit: 20,
        ...(after === undefined ? {} : { after }),
      })
      letters.push(...page.letters)
      after = page.next
    }
    return {
      tail,
      head,
      entries: entries.map((entry) => ({
        ...entry,
        body: createHash("sha1").update(entry.body).digest("hex"),
      })),
      letters,
      cursors: yield* cursors.list,
      destinations: yield* destinations.list,
      keys: yield* keys.list,
      counters: yield* counters.list(0, Number.MAX_SAFE_INTEGER),
      attempts: yield* attempts.list({ limit: 100 }),
    }
  })

type Contents = Effect.Success<ReturnType<typeof contentsOf>>

const salvaged = (path: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { store, missing } = yield* salvage(path, isSound)
        const contents = yield* contentsOf(portsOf(store as never))
        return { contents, missing }
      }),
    ),
  )

const names = ["", "-wal"]

/** By another process: closing the file here would drop the locks that this one has on it. */
const copyOpen = (from: string, to: string): void => {
  execFileSync("cp", [from, to])
}

const bytesOf = (path: string) =>
  names.map((name) => (existsSync(path + name) ? readFileSync(path + name) : null))

const digestsOf = (path: string) =>
  bytesOf(path).map((bytes) => bytes && createHash("sha1").update(bytes).digest("hex"))

/** A file with some of everything, what it holds, and its bytes. */
const make = async () => {
  const path = freshPath()
  const contents = await withFile(path, (ports) => Effect.andThen(fill(ports), contentsOf(ports)))
  const [whole] = bytesOf(path)
  return { path, contents, whole: whole! }
}

const unordered = (all: ReadonlyArray<unknown>): ReadonlySet<string> =>
  new Set(all.map((one) => JSON.stringify(one)))

const numbersOf = ({ entries }: Pick<Contents, "entries">): ReadonlyArray<number> =>
  entries.map(({ id }) => Number.parseInt(id, 16))

/** What was found is as it was, and what is missing is said. */
const expectPart = (found: Contents, missing: Missing, all: Contents): void => {
  const was = unordered(all.entries)
  // Where the log's beginning is lost, what was trimmed may still be found.
  const kept = found.entries.filter(({ position }) => position > all.tail)
  expect(kept.filter((entry) => !was.has(JSON.stringify(entry)))).toEqual([])
  const gone = missing.gaps.flatMap(({ first, last }) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  )
  const numbers = [...numbersOf({ entries: kept }), ...gone].filter((number) => number > trimmed)
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbersOf(all))
  expect(missing.entries).toBe(gone.length)
  if (missing.events !== null) {
    expect(missing.events).toBe(gone.reduce((sum, number) => sum + entryOf(number).events, 0))
  }
  const letters = unordered(all.letters)
  expect(found.letters.filter((letter) => !letters.has(JSON.stringify(letter)))).toEqual([])
  if (found.letters.length < all.letters.length) {
    expect(missing.records.map(({ kind }) => kind)).toContain("dead letters")
  }
  for (const [kind, name] of [
    ["cursors", "cursors"],
    ["destinations", "destinations"],
    ["keys", "keys"],
  ] as const) {
    if (found[name].length < all[name].length) {
      expect(missing.records.map((one) => one.kind)).toContain(kind)
    }
  }
}

describe("what is salvaged of a file that is whole", () => {
  it("is all that it holds, and nothing is missing", async () => {
    const { path, contents } = await make()
    const found = await salvaged(path)
    expect(found.missing).toEqual({
      ...{ entries: 0, events: 0, gaps: [], records: [], unplaced: [], isLogForeign: false },
    })
    expect(found.contents).toEqual(contents)
  })

  it("is also what stands in its write-ahead log only, as a crash leaves it", async () => {
    const path = freshPath()
    const copy = `${path}-copy`
    const contents = await withFile(path, (ports) =>
      Effect.gen(function* () {
        yield* fill(ports)
        yield* ports.log.append([entryOf(count + 1)])
        for (const name of names) copyOpen(path + name, copy + name)
        return yield* contentsOf(ports)
      }),
    )
    const before = digestsOf(copy)
    const found = await salvaged(copy)
    expect(found.missing.entries).toBe(0)
    expect(found.contents).toEqual(contents)
    expect(digestsOf(copy)).toEqual(before)
    expect(existsSync(`${copy}-shm`)).toBe(false)
  })

  it("is what a file has without a write-ahead log that is another's", async () => {
    const path = freshPath()
    const older = `${path}-older`
    await withFile(path, (ports) =>
      Effect.gen(function* () {
        yield* ports.log.append([entryOf(1), entryOf(2)])
        perform(path, `VACUUM INTO '${older}'`)
        for (let number = 3; number <= count; number++) yield* ports.log.append([entryOf(number)])
        copyOpen(`${path}-wal`, `${older}-wal`)
      }),
    )
    const { contents, missing } = await salvaged(older)
    expect(missing).toMatchObject({ entries: 0, isLogForeign: true })
    expect(numbersOf(contents)).toEqual([1, 2])
  })
})

describe("what is salvaged of a damaged file", () => {
  it("is all but what stands on the page that was overwritten, whichever that is; the file stays as it is", async () => {
    const { path, contents, whole } = await make()
    const damaged = `${path}-damaged`
    const lost: Array<number> = []
    for (let page = 0; page < whole.length / pageSize; page++) {
      const bytes = Buffer.from(whole)
      randomBytes(pageSize).copy(bytes, page * pageSize)
      writeFileSync(damaged, bytes)
      const found = await salvaged(damaged)
      expectPart(found.contents, found.missing, contents)
      lost.push(found.missing.entries)
      expect(readFileSync(damaged).equals(bytes)).toBe(true)
    }
    // No page holds more of them than fit on it.
    expect(Math.max(...lost)).toBeLessThan(40)
    expect(lost.filter((entries) => entries > 0).length).toBeGreaterThan(20)
  }, 120_000)

  it("loses no entry with a page that only leads to others, the first of the file among them", async () => {
    const { path, contents, whole } = await make()
    const damaged = `${path}-damaged`
    const [root] = leavesOf(path, "entries")
    expect(root).toBeGreaterThan(2)
    for (const page of [1, 2]) {
      const bytes = Buffer.from(whole)
      bytes.fill(0, (page - 1) * pageSize, page * pageSize)
      writeFileSync(damaged, bytes)
      const found = await salvaged(damaged)
      expect(found.contents.entries).toEqual(contents.entries)
      expect(unordered(found.contents.cursors)).toEqual(unordered(contents.cursors))
      expect(unordered(found.contents.letters)).toEqual(unordered(contents.letters))
    }
  })

  it("is what is left of one that was cut off", async () => {
    const { path, contents, whole } = await make()
    const damaged = `${path}-damaged`
    for (const share of [0.9, 0.5, 0.1]) {
      writeFileSync(damaged, whole.subarray(0, Math.floor(whole.length * share)))
      const found = await salvaged(damaged)
      expectPart(found.contents, found.missing, contents)
    }
  })

  it("is a cursor before an entry that is missing, but not in the middle of it", async () => {
    const { path, contents, whole } = await make()
    const damaged = `${path}-damaged`
    const inside = contents.cursors.find(({ record }) => record!.index > 0)!
    const next = Number(inside.record!.position) + 1
    let met = false
    for (const page of leavesOf(path, "entries")) {
      const bytes = Buffer.from(whole)
      bytes.fill(0xff, (page - 1) * pageSize, page * pageSize)
      writeFileSync(damaged, bytes)
      const found = await salvaged(damaged)
      const isMissing = !numbersOf(found.contents).includes(next)
      met ||= isMissing
      const { record } = found.contents.cursors.find(({ name }) => name === inside.name)!
      expect(record).toMatchObject({
        position: inside.record!.position,
        index: isMissing ? 0 : inside.record!.index,
      })
    }
    expect(met).toBe(true)
  })

  it("names destinations that have lost their place", async () => {
    const { path, whole } = await make()
    const damaged = `${path}-damaged`
    const bytes = Buffer.from(whole)
    for (const page of leavesOf(path, "cursors")) {
      bytes.fill(0xff, (page - 1) * pageSize, page * pageSize)
    }
    writeFileSync(damaged, bytes)
    const { contents, missing } = await salvaged(damaged)
    expect(contents.cursors).toEqual([])
    expect([...missing.unplaced].toSorted()).toEqual(ids.toSorted())
    expect(missing.records).toContainEqual({ kind: "cursors", missing: null })
  })
})

describe("what cannot be salvaged", () => {
  it("is another program's database, and what is none", async () => {
    const path = freshPath()
    perform(path, "PRAGMA application_id = 5; CREATE TABLE a (b)")
    await expect(salvaged(path)).rejects.toMatchObject({ reason: { _tag: "Corrupt" } })
    await expect(salvaged(`${path}-nothing`)).rejects.toMatchObject({ reason: { _tag: "Unavailable" } })
  })
})
