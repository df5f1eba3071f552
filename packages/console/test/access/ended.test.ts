import { StoreError } from "@millrace/core"
import { Documents } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, test } from "vitest"
import * as Ended from "../../src/access/ended.ts"
import * as Session from "../../src/access/session.ts"
import * as Tokens from "../../src/access/tokens.ts"
import { adminToken } from "../support/hosts.ts"

const [token] = Tokens.of({ adminToken }) as unknown as readonly [Tokens.Token]

const down = new StoreError({ reason: { _tag: "Unavailable" }, message: "the store is down" })

const run = <A, E>(effect: Effect.Effect<A, E, Documents.Documents>): Promise<A> =>
  effect.pipe(Effect.provide([Documents.layerMemory(), TestClock.layer()]), Effect.runPromise)

describe("a sign-in that was ended", () => {
  test("is of no use to any process of the store, and no other one is touched", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        const [here, elsewhere] = [Ended.make(documents), Ended.make(documents)]
        const session = Session.begin(token, 0)
        const other = Session.begin(token, 0)
        expect(yield* elsewhere.has(session)).toBe(false)
        yield* here.add(session)
        expect(yield* here.has(session)).toBe(true)
        yield* TestClock.adjust("1 second")
        expect(yield* elsewhere.has(session)).toBe(true)
        expect(yield* Ended.make(documents).has(session)).toBe(true)
        for (const one of [here, elsewhere]) expect(yield* one.has(other)).toBe(false)
      }),
    ))

  test("is remembered until its time has come", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        const ended = Ended.make(documents)
        yield* ended.add(Session.begin(token, 0))
        const sizeOf = Effect.map(documents.get("console/signed-out"), (found) => found?.body.length ?? 0)
        expect(yield* sizeOf).toBeGreaterThan(10)
        yield* TestClock.adjust(Session.lifetime)
        const later = Session.begin(token, Session.lifetime)
        yield* ended.add(later)
        const one = yield* sizeOf
        yield* ended.add(Session.begin(token, Session.lifetime))
        // Only those two are left.
        expect((yield* sizeOf) - one).toBe(one - 1)
      }),
    ))

  test("is known here while the store does not answer, and elsewhere when it does again", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        let isDown = true
        const ended = Ended.make({
          ...documents,
          get: (name) => Effect.suspend(() => (isDown ? Effect.fail(down) : documents.get(name))),
        })
        const session = Session.begin(token, 0)
        yield* ended.add(session)
        expect(yield* ended.has(session)).toBe(true)
        yield* TestClock.adjust("2 seconds")
        expect(yield* ended.has(session)).toBe(true)
        expect(yield* Ended.make(documents).has(session)).toBe(false)
        isDown = false
        yield* TestClock.adjust("5 seconds")
        expect(yield* Ended.make(documents).has(session)).toBe(true)
      }),
    ))
})
