import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { describe, expect, test } from "vitest"
import * as Entry from "../../src/entry/Entry.ts"
import * as Tail from "../../src/operate/Tail.ts"
import { EventLog, layerMemory } from "../../src/ports/EventLog.ts"
import * as Position from "../../src/ports/Position.ts"
import * as Catalog from "../../src/select/Catalog.ts"
import { compile, decodeSelection, type SelectionOptions } from "../../src/select/Destination.ts"

const run = <A, E>(effect: Effect.Effect<A, E, EventLog>, maxBytes = 1_000_000) =>
  Effect.runPromise(Effect.provide(effect, Layer.mergeAll(layerMemory({ maxBytes }))))

let entries = 0

const append = Effect.fnUntraced(function* (...names: ReadonlyArray<string>) {
  const log = yield* EventLog
  entries += 1
  const events = names.map((eventName) => ({ eventName, time: 1, user: { userID: "u", email: "e" } }))
  const body = new TextEncoder().encode(JSON.stringify({ events }))
  const envelope = { receivedAt: 1, dialect: "log_event", mode: "strict" } as const
  yield* log.append([Entry.encode(entries.toString(16).padStart(32, "0"), names.length, envelope, body)])
})

const follow = Effect.fnUntraced(function* (
  options: { readonly selection?: SelectionOptions; readonly names?: ReadonlyArray<string> } = {},
) {
  const { selection, ...rest } = options
  const decoded = Result.getOrThrow(decodeSelection(selection ?? Tail.everything))
  return yield* Tail.follow(
    yield* EventLog,
    compile(decoded, null, () => Catalog.empty),
    rest,
  )
})

const shown = (tailed: ReadonlyArray<Tailed>) =>
  tailed.map((one) => ("event" in one ? one.event.eventName : one.missed))
type Tailed = Tail.Tailed

const first = (stream: Stream.Stream<Tailed, unknown>, count: number) =>
  Effect.map(Stream.runCollect(Stream.take(stream, count)), shown)

describe("a tail", () => {
  test("has what is appended after it has begun, internal events too, in order", () =>
    run(
      Effect.gen(function* () {
        yield* append("before")
        const tail = yield* follow()
        yield* append("a", "statsig::diagnostics")
        yield* append("b")
        expect(yield* first(tail, 3)).toEqual(["a", "statsig::diagnostics", "b"])
      }),
    ))

  test("waits for what is to come", () =>
    run(
      Effect.gen(function* () {
        const collecting = yield* Effect.forkChild(first(yield* follow(), 2))
        yield* append("a")
        yield* append("b")
        expect(yield* Fiber.join(collecting)).toEqual(["a", "b"])
      }),
    ))

  test("shows what a selection lets through, in its form, and of that what is named", () =>
    run(
      Effect.gen(function* () {
        const selection = { filter: { exclude: ["secret_*"] }, fields: { drop: ["user.email"] } }
        const tail = yield* follow({ selection, names: ["*_b", "c"] })
        yield* append("a", "secret_b", "a_b", "statsig::log_line")
        yield* append("d", "c")
        const found = yield* Stream.runCollect(Stream.take(tail, 2))
        expect(shown(found)).toEqual(["a_b", "c"])
        expect(found[0]).toMatchObject({ event: { user: { userID: "u" }, timestamp: 1, value: "" } })
        expect(found[0]).not.toMatchObject({ event: { user: { email: "e" } } })
      }),
    ))

  test("says how many events the log has dropped before it came to them", () =>
    run(
      Effect.gen(function* () {
        const log = yield* EventLog
        const tail = yield* follow()
        yield* append("a", "b")
        yield* append("c")
        yield* log.trim(0, Position.end, Number.POSITIVE_INFINITY)
        yield* append("d")
        expect(yield* first(tail, 2)).toEqual([3, "d"])
      }),
    ))
})
