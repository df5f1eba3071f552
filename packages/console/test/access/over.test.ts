import { Action } from "@millrace/core/host"
import { Documents } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, test } from "vitest"
import * as Ended from "../../src/access/ended.ts"
import * as SignIn from "../../src/access/SignIn.ts"
import * as Session from "../../src/access/session.ts"
import * as Tokens from "../../src/access/tokens.ts"
import * as AdminHttp from "../../src/admin/AdminHttp.ts"
import { Caller } from "../../src/admin/Caller.ts"
import { adminToken, ask, listen } from "../support/hosts.ts"

const tokens = Tokens.of({ adminToken })

describe("what somebody is told who has signed in", () => {
  test.each([
    ["is signed out, wherever that is done", "6 seconds"],
    ["is over by its time", Session.lifetime],
  ] as const)("ends when the sign-in %s", (how, after) =>
    Effect.gen(function* () {
      const documents = yield* Documents.Documents
      const access = SignIn.make(tokens, Ended.make(documents))
      const session = Session.begin(tokens[0]!, 0)
      const known = yield* access.byCookie(Session.write(session))
      let isOver = false
      const watching = yield* Effect.forkChild(
        Effect.map(known!.over!, () => {
          isOver = true
        }),
      )
      yield* TestClock.adjust("1 minute")
      expect(isOver).toBe(false)
      if (how.startsWith("is signed out")) yield* Ended.make(documents).add(session)
      yield* TestClock.adjust(after)
      expect(isOver).toBe(true)
      yield* Fiber.interrupt(watching)
    }).pipe(Effect.provide([Documents.layerMemory(), TestClock.layer()]), Effect.runPromise),
  )

  test("is a reply that has come to its end", async () => {
    const watch = Action.telling({
      path: "watch",
      summary: "Tell what there is.",
      changes: false,
      input: Action.Nothing,
      event: Schema.Struct({ value: Schema.String }),
      errors: [],
      takes: () => ({}),
    })
    const told = Stream.concat(Stream.make({ value: "a" }), Stream.never)
    const answer = AdminHttp.make({ watch }, { watch: () => Effect.succeed(told) })
    const caller: Caller = { name: "a", role: "full", over: Effect.sleep("20 millis") }
    const context = Context.make(Caller, caller) as Context.Context<never>
    const port = await listen((req, res) => answer(req, res, "watch", () => Effect.succeed(context)))
    expect(await ask(port, { path: "/", body: {} })).toMatchObject({ status: 200, text: '{"value":"a"}\n' })
  })
})
