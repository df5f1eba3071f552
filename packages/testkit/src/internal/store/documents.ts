import { Documents } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { expect } from "vitest"
import { type Suite, start } from "./suite.ts"

const megabyte = 1024 * 1024

/** Bytes of every value, in an order of its own for each seed. */
const bytes = (length: number, seed = 1): Uint8Array => {
  const made = new Uint8Array(length)
  let state = seed
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    made[at] = state >>> 16
  }
  return made
}

export const document = (name: string, changes: Partial<Documents.Document> = {}): Documents.Document => ({
  name,
  savedAt: start,
  meta: "{}",
  body: bytes(1_000),
  ...changes,
})

/** Whether two are the same; bytes are compared at once, since a matcher takes seconds for them. */
const isSame = (a: Documents.Document | null, b: Documents.Document): boolean =>
  a !== null &&
  a.name === b.name &&
  a.savedAt === b.savedAt &&
  a.meta === b.meta &&
  Buffer.compare(a.body, b.body) === 0

/** More than a message of any server's. */
const large = 3 * megabyte + 17

export const documents = ({ check }: Suite): void => {
  check("keeps documents by name, with bytes of any kind and none", (open) =>
    Effect.gen(function* () {
      const { documents: port } = yield* open()
      expect(yield* port.get("statsig/a")).toBeNull()
      const all = [
        document("statsig/a", {
          meta: `{"etag":"it's \\"ü\\""}`,
          body: Uint8Array.from({ length: 256 }, (_, n) => n),
        }),
        document("statsig/A", { savedAt: start + 1 }),
        document("b-1_2.3", { body: new Uint8Array(0) }),
        document("n".repeat(128)),
      ]
      for (const one of all) yield* port.put(one)
      for (const one of all)
        expect([one.name, isSame(yield* port.get(one.name), one)]).toEqual([one.name, true])
      expect(yield* port.get("statsig")).toBeNull()
    }),
  )

  check("keeps a large one, and replaces it by a larger and a smaller one", (open) =>
    Effect.gen(function* () {
      const { documents: port } = yield* open()
      for (const [seed, length] of [large, 2 * large, 10, large].entries()) {
        const one = document("specs", { body: bytes(length, seed + 1), savedAt: start + seed })
        yield* port.put(one)
        expect([length, isSame(yield* port.get("specs"), one)]).toEqual([length, true])
      }
    }),
  )

  check("remove takes one away, whole", (open) =>
    Effect.gen(function* () {
      const { documents: port } = yield* open()
      yield* port.put(document("specs", { body: bytes(large) }))
      yield* port.put(document("lists"))
      yield* port.remove("specs")
      yield* port.remove("never there")
      expect(yield* port.get("specs")).toBeNull()
      expect(isSame(yield* port.get("lists"), document("lists"))).toBe(true)
    }),
  )

  check("those saved longest ago go when there are too many", (open) =>
    Effect.gen(function* () {
      const { documents: port } = yield* open()
      const { maxDocuments } = Documents.limits
      const name = (index: number) => `d${index}`
      // Not in the order of their times: 7 has no common divisor with the number of them.
      const count = maxDocuments + 3
      for (let index = 0; index < count; index++) {
        const time = (index * 7) % count
        yield* port.put(document(name(time), { savedAt: start + time, body: bytes(100, time + 1) }))
      }
      const kept: Array<number> = []
      for (let time = 0; time < count; time++) if ((yield* port.get(name(time))) !== null) kept.push(time)
      expect(kept.at(-1)).toBe(count - 1)
      expect(kept).toHaveLength(maxDocuments)
      // One saved again is as new as its time says.
      yield* port.put(document(name(kept[0]!), { savedAt: start + count }))
      yield* port.put(document("new", { savedAt: start + count + 1 }))
      expect(yield* port.get(name(kept[0]!))).not.toBeNull()
      expect(yield* port.get(name(kept[1]!))).toBeNull()
    }),
  )

  check("one that is replaced while it is read is the old one or the new one, never a part", (open) =>
    Effect.gen(function* () {
      const { documents: port } = yield* open()
      const versions = Array.from({ length: 4 }, (_, version) =>
        document("specs", { meta: `{"version":${version}}`, body: bytes(large + version, version + 1) }),
      )
      yield* port.put(versions[0]!)
      const writing = yield* Effect.forkChild(
        Effect.forEach([...versions, ...versions], (version) => port.put(version), { discard: true }),
        { startImmediately: true },
      )
      for (let reads = 0; reads < 12; reads++) {
        const found = yield* port.get("specs")
        expect(versions.filter((version) => isSame(found, version))).toHaveLength(1)
      }
      yield* Fiber.join(writing)
      // A writer that stops halfway has written nothing, or all of it.
      const stopping = yield* Effect.forkChild(port.put(versions[1]!), { startImmediately: true })
      yield* Fiber.interrupt(stopping)
      const left = yield* port.get("specs")
      expect([versions[1]!, versions[3]!].some((version) => isSame(left, version))).toBe(true)
    }),
  )

  check(
    "keeps them when it is closed",
    (open) =>
      Effect.gen(function* () {
        const kept = document("specs", { body: bytes(large), savedAt: start + 5 })
        yield* Effect.scoped(Effect.flatMap(open(), ({ documents: port }) => port.put(kept)))
        const { documents: port } = yield* open()
        expect(isSame(yield* port.get("specs"), kept)).toBe(true)
      }),
    "reopens",
  )

  check(
    "shows what another process has put",
    (open) =>
      Effect.gen(function* () {
        const [one, other] = [yield* open(), yield* open()]
        const kept = document("specs", { body: bytes(large) })
        yield* one.documents.put(kept)
        expect(isSame(yield* other.documents.get("specs"), kept)).toBe(true)
        yield* other.documents.remove("specs")
        expect(yield* one.documents.get("specs")).toBeNull()
      }),
    "shared",
  )
}
