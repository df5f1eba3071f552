import { consoleHandler } from "@millrace/console"
import { Documents } from "@millrace/core/store"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, test } from "vitest"
import { actions } from "../../src/admin/AdminApi.ts"
import * as Changes from "../../src/admin/Changes.ts"
import { changeOf } from "../../src/admin/changeOf.ts"
import { hidden } from "../../src/admin/mask.ts"
import { adminReadToken, adminToken, ask, listen, makeMillrace, makePage } from "../support/hosts.ts"

const change = (id: string, at = 0): Changes.Change => ({
  ...{ id, at, who: "token 12345678", did: "destinations/disable", what: "hook", detail: {} },
})

const run = <A, E>(effect: Effect.Effect<A, E, Documents.Documents>): Promise<A> =>
  effect.pipe(Effect.provide([Documents.layerMemory(), TestClock.layer()]), Effect.runPromise)

const idsOf = (changes: Changes.Changes) => Effect.map(changes.list, (all) => all.map(({ id }) => id))

describe("the record", () => {
  test("has the last 200, newest first, also after a restart", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        const changes = Changes.make(documents)
        for (let n = 0; n < 205; n++) yield* changes.add(change(`c${n}`, n))
        const expected = Array.from({ length: 200 }, (_, n) => `c${204 - n}`)
        expect(yield* idsOf(changes)).toEqual(expected)
        expect(yield* idsOf(Changes.make(documents))).toEqual(expected)
      }),
    ))

  test("is kept by a store that drops its oldest documents", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        const changes = Changes.make(documents)
        yield* changes.add(change("a"))
        for (let n = 0; n < Documents.limits.maxDocuments * 2; n++) {
          yield* documents.put({
            name: `specs/${n}`,
            savedAt: 1_795_000_000_000 + n,
            meta: "",
            body: new Uint8Array(),
          })
        }
        expect(yield* idsOf(Changes.make(documents))).toEqual(["a"])
      }),
    ))

  test("loses nothing of two processes that write over each other", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        // The one reads, and writes only when the other has read and written.
        const mayWrite = yield* Deferred.make<void>()
        let isFirst = true
        const slow = Changes.make({
          ...documents,
          put: (document) => {
            const wait = isFirst ? Deferred.await(mayWrite) : Effect.void
            isFirst = false
            return Effect.andThen(wait, documents.put(document))
          },
        })
        const quick = Changes.make(documents)
        const slowly = yield* Effect.forkChild(slow.add(change("slow", 1)), { startImmediately: true })
        yield* quick.add(change("quick", 2))
        yield* Deferred.succeed(mayWrite, undefined)
        yield* Fiber.join(slowly)
        // Written over: whoever looks from elsewhere misses it, and the one that wrote it does not.
        expect(yield* idsOf(Changes.make(documents))).toEqual(["slow"])
        expect(yield* idsOf(quick)).toEqual(["quick", "slow"])
        yield* TestClock.adjust("6 seconds")
        expect(yield* idsOf(Changes.make(documents))).toEqual(["quick", "slow"])
      }),
    ))

  test("that another version has written is begun anew", () =>
    run(
      Effect.gen(function* () {
        const documents = yield* Documents.Documents
        const body = new TextEncoder().encode("[{]")
        yield* documents.put({ name: "console/changes", savedAt: 1, meta: "", body })
        const changes = Changes.make(documents)
        expect(yield* changes.list).toEqual([])
        yield* changes.add(change("a"))
        expect(yield* idsOf(changes)).toEqual(["a"])
      }),
    ))
})

describe("what is put on record", () => {
  const about = { id: "c", at: 1, who: "command" }
  const nothing = { output: {}, before: null, after: null }

  test("names what was done to what, and what was there before and after", () => {
    const before = { id: "hook", config: '{"url":"https://a.example/x"}', disabled: null }
    const after = { ...before, disabled: { at: 1, reason: "by-hand" } }
    expect(
      changeOf({ action: actions.disable, input: { id: "hook" }, output: {}, before, after }, about),
    ).toEqual({
      ...about,
      did: "destinations/disable",
      what: "hook",
      detail: {
        input: { id: "hook" },
        before: { id: "hook", config: { url: "https://a.example/x" }, disabled: null },
        after: {
          id: "hook",
          config: { url: "https://a.example/x" },
          disabled: { at: 1, reason: "by-hand" },
        },
      },
    })
  })

  test("has no secret, and no value of a user", () => {
    const destination = {
      id: "hook",
      url: "https://user:hunter2@a.example/path?token=hunter2#hunter2",
      headers: { "x-api-key": "hunter2" },
      signing: { standardWebhooks: ["hunter2"] },
      tls: { key: "hunter2" },
    }
    const added = changeOf({ action: actions.addDestination, input: { destination }, ...nothing }, about)
    expect(added).toMatchObject({
      what: "hook",
      detail: {
        input: {
          destination: {
            url: `https://a.example/path?${hidden}`,
            headers: hidden,
            signing: hidden,
            tls: hidden,
          },
        },
      },
    })
    const sent = {
      event: "paid",
      user: { userID: "u1", email: "hunter2" },
      value: "hunter2",
      metadata: { a: "hunter2" },
    }
    const sending = changeOf({ action: actions.logEvent, input: sent, ...nothing }, about)
    const made = changeOf(
      { action: actions.disable, ...nothing, input: { id: "a" }, output: { key: "hunter2" } },
      about,
    )
    expect(JSON.stringify([added, sending, made])).not.toContain("hunter2")
  })

  test("has no secret that stands in the path of a URL, though what is changed says not that it does", () => {
    const config = { id: "hook", url: "https://hooks.example/services/T0/hunter2", format: "slack" }
    const after = { id: "hook", config: JSON.stringify(config) }
    const added = { action: actions.addDestination, input: { destination: config }, ...nothing }
    const input = { id: "hook", changes: { url: config.url } }
    const changed = { action: actions.changeDestination, input, output: {}, before: null, after }
    const records = [changeOf(added, about), changeOf(changed, about)]
    expect(JSON.stringify(records)).not.toContain("hunter2")
    expect(records[1]!.detail["input"]).toEqual({
      id: "hook",
      changes: { url: `https://hooks.example/services/T0/${hidden}` },
    })
  })

  test("is cut to what somebody reads", () => {
    const eventIds = Array.from({ length: 10_000 }, (_, n) => `id-${n}`)
    const input = { destination: "x".repeat(10_000), eventIds }
    const { what, detail } = changeOf({ action: actions.purgeDeadLetters, input, ...nothing }, about)
    expect(what).toHaveLength(201)
    expect(detail["input"]).toMatchObject({ eventIds: [...eventIds.slice(0, 10), "and 9990 more"] })
  })
})

test("an operator's change is on record and in the log with who has made it, and a look is not", async () => {
  const lines: Array<string> = []
  const millrace = await makeMillrace({
    destinations: [{ id: "hook", url: "http://127.0.0.1:9/" }],
    allowPrivateDestinations: true,
    log: ({ message, fields }) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  })
  const port = await listen(
    consoleHandler(millrace, {
      ...{ adminToken, adminReadToken, page: makePage() },
      authorize: ({ headers }) => (headers["x-user"] === "ann" ? { role: "full", name: "ann" } : null),
    }),
  )
  const say = (path: string, body: unknown, headers: Readonly<Record<string, string>>) =>
    ask(port, { path: `/console/admin/v1/${path}`, body, headers })
  const token = { authorization: `Bearer ${adminToken}` }
  await say("destinations/disable", { id: "hook" }, token)
  await say("destinations/enable", { id: "hook" }, { "x-user": "ann" })
  await say("destinations/enable", { id: "nobody" }, token)
  await say("destinations/list", {}, token)
  await say("destinations/enable", { id: "hook" }, { authorization: `Bearer ${adminReadToken}` })
  const { json } = await say("changes/list", {}, { authorization: `Bearer ${adminReadToken}` })
  const { changes } = json as { changes: ReadonlyArray<Changes.Change> }
  expect(changes).toMatchObject([
    { who: "ann", did: "destinations/enable", what: "hook", at: expect.any(Number) },
    { who: expect.stringMatching(/^token [\da-f]{8}$/), did: "destinations/disable", what: "hook" },
  ])
  expect(changes[1]!.detail).toMatchObject({
    before: { disabled: null },
    after: { disabled: { reason: "by-hand" } },
  })
  const { who } = changes[1]!
  expect(adminToken).not.toContain(who.slice(6))
  const logged = lines.filter((line) => line.startsWith("changed by an operator"))
  expect(logged).toEqual([
    `changed by an operator {"who":"${who}","did":"destinations/disable","what":"hook"}`,
    'changed by an operator {"who":"ann","did":"destinations/enable","what":"hook"}',
  ])
})
