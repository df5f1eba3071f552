import { type Cursors, Position } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { expect } from "vitest"
import { entries } from "./entries.ts"
import type { Suite } from "./suite.ts"

export const record = (index: number, state = `{"v":1,"n":${index}}`): Cursors.CursorRecord => ({
  position: Position.origin,
  index,
  state,
})

export const cursors = ({ check }: Suite): void => {
  check("a new cursor has no record, and gets the one saved", (open) =>
    Effect.gen(function* () {
      const { cursors, log } = yield* open()
      expect(yield* cursors.list).toEqual([])
      const { epoch, ...made } = yield* cursors.acquire("warehouse/0")
      expect(made).toEqual({ name: "warehouse/0", record: null })
      expect(yield* cursors.list).toEqual([{ name: "warehouse/0", epoch, record: null }])

      const position = (yield* log.append(entries(1, 3)))[1] ?? Position.origin
      const saved = { position, index: 41, state: `{"quote":"'\\"","rocket":"🚀"}` }
      expect(yield* cursors.save([{ name: "warehouse/0", epoch, record: saved }])).toEqual(["saved"])
      expect(yield* cursors.list).toEqual([{ name: "warehouse/0", epoch, record: saved }])
      expect(yield* cursors.save([])).toEqual([])
    }),
  )

  check("an owner saves as often as it likes, the last record standing", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const { epoch } = yield* cursors.acquire("a/0")
      for (let index = 0; index < 20; index++) {
        expect(yield* cursors.save([{ name: "a/0", epoch, record: record(index) }])).toEqual(["saved"])
      }
      const twice = [record(20), record(21)].map((next) => ({ name: "a/0", epoch, record: next }))
      expect(yield* cursors.save(twice)).toEqual(["saved", "saved"])
      expect((yield* cursors.list)[0]?.record).toEqual(record(21))
    }),
  )

  check("taking over hands on the record, and refuses whoever had it", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const first = yield* cursors.acquire("a/0")
      yield* cursors.save([{ name: "a/0", epoch: first.epoch, record: record(1) }])
      const second = yield* cursors.acquire("a/0")
      expect(second.epoch).toBeGreaterThan(first.epoch)
      expect(second.record).toEqual(record(1))
      expect(yield* cursors.save([{ name: "a/0", epoch: first.epoch, record: record(2) }])).toEqual([
        "fenced",
      ])
      expect(yield* cursors.list).toEqual([second])
      expect(yield* cursors.save([{ name: "a/0", epoch: second.epoch, record: record(3) }])).toEqual([
        "saved",
      ])
    }),
  )

  check("a refused save keeps none of the others from being saved", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const a = yield* cursors.acquire("a/0")
      const stale = yield* cursors.acquire("b/0")
      const b = yield* cursors.acquire("b/0")
      const removed = yield* cursors.acquire("c/0")
      yield* cursors.remove("c/0")
      const save = (name: string, epoch: number, index: number) => ({ name, epoch, record: record(index) })
      expect(
        yield* cursors.save([
          save("b/0", stale.epoch, 1),
          save("a/0", a.epoch, 2),
          save("c/0", removed.epoch, 3),
          save("nobody/0", 1, 4),
          save("b/0", b.epoch + 1000, 5),
          save("b/0", b.epoch, 6),
        ]),
      ).toEqual(["fenced", "saved", "fenced", "fenced", "fenced", "saved"])
      expect((yield* cursors.list).map(({ name, record: kept }) => [name, kept?.index])).toEqual([
        ["a/0", 2],
        ["b/0", 6],
      ])
    }),
  )

  check("a removed cursor begins anew, with an epoch higher than any before", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      yield* cursors.acquire("a/0")
      const old = yield* cursors.acquire("a/0")
      yield* cursors.save([{ name: "a/0", epoch: old.epoch, record: record(1) }])
      yield* cursors.remove("a/0")
      expect(yield* cursors.list).toEqual([])
      const made = yield* cursors.acquire("a/0")
      expect(made.record).toBeNull()
      expect(made.epoch).toBeGreaterThan(old.epoch)
      expect(yield* cursors.save([{ name: "a/0", epoch: old.epoch, record: record(2) }])).toEqual(["fenced"])
      yield* cursors.remove("never there/0")
    }),
  )

  check("of many that take over at once, one is left that may save", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const acquired = yield* Effect.all(
        Array.from({ length: 20 }, () => cursors.acquire("a/0")),
        { concurrency: "unbounded" },
      )
      const epochs = acquired.map(({ epoch }) => epoch)
      expect(new Set(epochs).size).toBe(20)
      const outcomes = yield* Effect.forEach(epochs, (epoch) =>
        cursors.save([{ name: "a/0", epoch, record: record(epoch) }]),
      )
      const newest = Math.max(...epochs)
      expect(outcomes.flat()).toEqual(epochs.map((epoch) => (epoch === newest ? "saved" : "fenced")))
      expect((yield* cursors.list)[0]?.record?.index).toBe(newest)
    }),
  )

  check("keeps any number of cursors, of any name, by name", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const names = [
        ...Array.from({ length: 500 }, (_, index) => `destination-${index}/0`),
        "%",
        "a' OR '1'='1",
        'q"q',
        "A/0",
        "a/0",
        "a b/0",
        "*",
        "a.b>/0",
      ]
      const saves: Array<Cursors.CursorSave> = []
      for (const [index, name] of names.entries()) {
        const { epoch } = yield* cursors.acquire(name)
        saves.push({ name, epoch, record: record(index, "x".repeat(2000)) })
      }
      expect(yield* cursors.save(saves)).toEqual(names.map(() => "saved"))
      const listed = yield* cursors.list
      expect(listed.map(({ name }) => name)).toEqual([...names].sort())
      for (const { name, record: kept } of listed) expect(kept?.index).toBe(names.indexOf(name))
    }),
  )

  check("keeps a large state whole, and an empty one", (open) =>
    Effect.gen(function* () {
      const { cursors } = yield* open()
      const { epoch } = yield* cursors.acquire("a/0")
      for (const state of ["", "é".repeat(200_000)]) {
        yield* cursors.save([{ name: "a/0", epoch, record: record(1, state) }])
        expect((yield* cursors.list)[0]?.record?.state === state).toBe(true)
      }
    }),
  )
}
