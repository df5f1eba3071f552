import { type EventLog, StoreError } from "@millrace/core"
import { Position } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as Appender from "../../src/workers/Appender.ts"
import type { Append } from "../../src/workers/Channel.ts"

type Answered = Exit.Exit<Position.Position, StoreError>

const context = Context.empty()

const full = new StoreError({ reason: { _tag: "Full" }, message: "the log is full" })

const appendOf = (n: number, bytes: number, partition: number, answers: Map<number, Answered>): Append => ({
  entry: { id: String(n).padStart(32, "0"), events: 1, envelope: "{}", body: new Uint8Array(bytes) },
  partition,
  answer: (exit) => {
    expect(answers.has(n)).toBe(false)
    answers.set(n, exit)
  },
})

describe("what arrives together", () => {
  test("is appended together by partition, in order, and each gets its own position", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 20 }), (partitions) => {
        const answers = new Map<number, Answered>()
        const calls: Array<number> = []
        const stored = new Map<number, Array<number>>()
        const append = Appender.make(
          {
            append: (entries, partition = 0) =>
              Effect.sync(() => {
                calls.push(partition)
                stored.set(
                  partition,
                  entries.map(({ id }) => Number(id)),
                )
                return entries.map(({ id }) => Position.fromNumber(Number(id) + 1))
              }),
          },
          1_000,
          context,
        )
        append(partitions.map((partition, n) => appendOf(n, 1, partition, answers)))
        expect([...calls].sort()).toEqual([...new Set(partitions)].sort())
        for (const [partition, ids] of stored) {
          expect(ids).toEqual(partitions.flatMap((one, n) => (one === partition ? [n] : [])))
        }
        expect([...answers].sort(([a], [b]) => a - b)).toEqual(
          partitions.map((_, n) => [n, Exit.succeed(Position.fromNumber(n + 1))]),
        )
      }),
    )
  })

  test("and finds no room together is tried one by one: what fits is stored", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 0, max: 40 }),
        (sizes, room) => {
          const answers = new Map<number, Answered>()
          let left = room
          const append: EventLog.EventLog["Service"]["append"] = (entries) =>
            Effect.suspend(() => {
              const bytes = entries.reduce((sum, { body }) => sum + body.length, 0)
              if (bytes > left) return Effect.fail(full)
              left -= bytes
              return Effect.succeed(entries.map(() => Position.origin))
            })
          Appender.make({ append }, 1_000, context)(sizes.map((size, n) => appendOf(n, size, 0, answers)))
          let expected = room
          for (const [n, size] of sizes.entries()) {
            const fits = size <= expected
            if (fits) expected -= size
            expect(answers.get(n)).toEqual(fits ? Exit.succeed(Position.origin) : Exit.fail(full))
          }
        },
      ),
    )
  })
})

test("past its bytes nothing more waits for a store that hangs, and room comes back with its answer", () => {
  const answers = new Map<number, Answered>()
  const waiting: Array<() => void> = []
  const append = Appender.make(
    {
      append: (entries) =>
        Effect.callback((resume) => {
          waiting.push(() => resume(Effect.succeed(entries.map(() => Position.origin))))
        }),
    },
    100,
    context,
  )
  append([appendOf(1, 60, 0, answers)])
  append([appendOf(2, 41, 0, answers)])
  append([appendOf(3, 40, 0, answers)])
  expect(waiting.length).toBe(2)
  expect([...answers.keys()]).toEqual([2])
  expect(answers.get(2)).toMatchObject(
    Exit.fail(new StoreError({ reason: { _tag: "Unavailable" }, message: "too much waits for the store" })),
  )
  waiting.shift()!()
  append([appendOf(4, 60, 0, answers)])
  for (const answer of waiting) answer()
  expect([...answers].filter(([, exit]) => Exit.isSuccess(exit)).map(([n]) => n)).toEqual([1, 3, 4])
})

test("a store that fails is asked once, and all get its answer", () => {
  const answers = new Map<number, Answered>()
  const error = new StoreError({ reason: { _tag: "Unavailable" }, message: "locked" })
  let asked = 0
  const append = Appender.make(
    {
      append: () =>
        Effect.suspend(() => {
          asked += 1
          return Effect.fail(error)
        }),
    },
    100,
    context,
  )
  append([appendOf(1, 1, 0, answers), appendOf(2, 1, 0, answers)])
  expect(asked).toBe(1)
  expect([...answers.values()]).toEqual([Exit.fail(error), Exit.fail(error)])
})
