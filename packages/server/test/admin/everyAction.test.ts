/** Over 400 lines because what is made for each action stands beside the test of all. */
import { Admin, AdminApi, AdminHttp, Processes } from "@millrace/console/admin"
import { Attempts, DeadLetters, Store, Transport } from "@millrace/core"
import { Action, OpenApi } from "@millrace/core/host"
import { Destinations } from "@millrace/core/store"
import { Millrace } from "@millrace/node"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, onTestFinished, test } from "vitest"
import * as AdminClient from "../../src/admin/AdminClient.ts"
import { ask, begin, listenOn } from "../support/admin.ts"

/*
 * Goes through the table: an action that is added to it is tested here without being named. Inputs
 * are made from its Schema.
 */

const actions: Action.Table = AdminApi.actions

const all = Object.entries(actions)

const run = Effect.runPromise

const hook = { id: "hook", url: "https://hook.test/", batch: { maxDelay: 0 } }

const added = { ...hook, id: "added" }

const letter = (eventId: string): DeadLetters.DeadLetter => ({
  ...{ destination: "hook", eventId, reason: "refused", message: "answered 422", status: 422 },
  ...{ deadAt: 2, receivedAt: 1, eventName: "a", replayedAt: null },
  event: JSON.stringify({
    eventName: "a",
    user: {},
    time: 1,
    value: null,
    metadata: {},
    statsigMetadata: {},
  }),
})

const attempt: Attempts.Attempt = {
  ...{ destination: "hook", webhookId: "msg_1", startedAt: Date.now(), duration: 0.5, events: 1, bytes: 10 },
  ...{ outcome: "refused", status: 422, error: "no", wait: 1000, waitReason: "back-off" },
}

/** A server's admin API beside a pipeline that has lived through a little of everything. */
const serve = async () => {
  const scope = Scope.makeUnsafe()
  const store = await run(Layer.buildWithScope(Store.layerMemory(), scope))
  const put = Effect.gen(function* () {
    const records = yield* Destinations.Destinations
    yield* records.put({ id: "added", config: JSON.stringify(added), disabled: null, createdAt: 1 })
    yield* (yield* DeadLetters.DeadLetters).put(["1", "2", "3"].map(letter))
    yield* (yield* Attempts.Attempts).append([attempt])
  })
  await run(Effect.provideContext(put, store))
  const millrace = await Millrace.make({
    keys: "none",
    store: Layer.succeedContext(store),
    transport: Layer.succeed(Transport.Transport, {
      send: () => Effect.succeed({ status: 200, retryAfter: null, body: "" }),
    }),
    destinations: [hook],
  })
  onTestFinished(async () => {
    await millrace.close()
    await run(Scope.close(scope, Exit.void))
  })
  await millrace.logEvent({ event: "a" })
  const admin = Admin.make({
    ...{
      operator: millrace.operator,
      store,
      path: null,
      readiness: millrace.readiness,
      isEmbedded: false,
      ack: null,
      processes: Effect.sync(() => [Processes.own("server", "everything")]),
    },
    status: { version: "1.2.3", pid: 1, startedAt: 2, url: "http://127.0.0.1:8080" },
  })
  const path = await listenOn(AdminHttp.listener(admin))
  return { millrace, admin, path }
}

type Json = Readonly<Record<string, unknown>>

const documentOf = async (path: string): Promise<Json> => {
  const { status, body } = await ask(path, { method: "GET", path: "/admin/v1/openapi.json" })
  expect(status).toBe(200)
  return body as Json
}

const operationOf = (document: Json, { path }: Action.Action): Json =>
  (document["paths"] as Record<string, { post: Json }>)[`/admin/v1/${path}`]!.post

/** Reads references of a document wherever they stand. */
const referencesIn = (value: unknown): ReadonlyArray<string> =>
  typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) =>
        key === "$ref" && typeof inner === "string" ? [inner] : referencesIn(inner),
      )
    : []

const at = (document: unknown, pointer: string): unknown =>
  pointer
    .slice(2)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((inner, part) => (inner as Record<string, unknown> | undefined)?.[part], document)

describe("the document", () => {
  test("is OpenAPI 3.1 as the OpenAPI Initiative's schema has it, and all it refers to is in it", async () => {
    const document = await documentOf((await serve()).path)
    expect(document["openapi"]).toBe("3.1.0")
    expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
    const references = new Set(referencesIn(document))
    expect(references.size).toBeGreaterThan(10)
    expect([...references].filter((pointer) => at(document, pointer) === undefined)).toEqual([])
    // The validation has to tell wrong from right.
    const broken = { ...structuredClone(document), paths: { x: { post: { responses: 1 } } } }
    expect(await new Validator().validate(broken)).toMatchObject({ valid: false })
  })

  test("has every action, each with a sentence and with what it may fail with", async () => {
    const document = await documentOf((await serve()).path)
    const paths = all.map(([, { path }]) => `/admin/v1/${path}`)
    expect(Object.keys(document["paths"] as Json)).toEqual(paths)
    expect(new Set(paths).size).toBe(paths.length)
    for (const [name, action] of all) {
      expect(operationOf(document, action)).toMatchObject({ operationId: name, summary: action.summary })
      expect(action.summary).toMatch(/^[A-Z].*\.$/)
    }
    const responses = Object.keys(operationOf(document, actions["removeDestination"]!)["responses"] as Json)
    expect(responses).toEqual(["200", "400", "401", "403", "404", "409", "413", "415", "500", "503"])
  })

  test("describes a destination as the configuration has it", async () => {
    const document = await documentOf((await serve()).path)
    expect(at(document, "#/components/schemas/DestinationConfig")).toMatchObject({
      required: ["id", "url"],
      properties: { batch: { properties: { maxEvents: { type: "integer" } } } },
    })
  })
})

/** Whether a value is what the document says at a place. */
const makeJudge = (document: Json) => {
  const ajv = new Ajv2020({ strict: false })
  ajv.addSchema(document, "document")
  const validators = new Map<string, ReturnType<typeof ajv.compile>>()
  return (value: unknown, ...path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
    const pointer = path.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")
    const isValid = validators.get(pointer) ?? ajv.compile({ $ref: `document#/${pointer}` })
    validators.set(pointer, isValid)
    return isValid(value) ? [] : [value, isValid.errors]
  }
}

const strict = { onExcessProperty: "error" } as const

/** Whether a value is what an action's Schema says, and has no key besides. */
const keeps = (shape: Action.Shape, value: unknown): boolean =>
  Result.isSuccess(Schema.decodeUnknownResult(shape, strict)(value))

/** Asks for an action by its name, and gives what it answers. */
type Asked = (path: string, body: object) => Promise<Json>

/** What no Schema can make up: it would have to find a URL, or what a server has, by chance. */
const written: Readonly<Record<string, (asked: Asked) => Promise<ReadonlyArray<unknown>>>> = {
  attempt: async () => {
    const { destination, webhookId, startedAt } = attempt
    const known = { destination, webhookId, startedAt }
    return [known, { ...known, startedAt: 1 }, { ...known, webhookId: 1 }]
  },
  addDestination: async () => [
    { destination: { ...hook, id: "new" } },
    { destination: { id: 1 } },
    { destination: {} },
  ],
  stopJob: async (asked) => {
    // Off, so that its replay does not come to its end.
    await asked("destinations/add", { destination: { ...hook, id: "off", enabled: false } })
    const { replay } = await asked("replay", { destination: "off", since: 0, until: Date.now() })
    return [{ name: "nobody" }, { name: replay }]
  },
  createSecret: async (asked) => {
    await asked("destinations/add", { destination: { ...hook, id: "signed" } })
    return [{ id: "signed" }, { id: "hook" }, { id: "nobody" }]
  },
  retireSecret: async (asked) => {
    await asked("destinations/add", { destination: { ...hook, id: "rotated" } })
    const { hint } = await asked("secrets/create", { id: "rotated" })
    return [
      { id: "rotated", hint: "none" },
      { id: "rotated", hint },
    ]
  },
  testDestination: async () => [
    { id: "hook" },
    { destination: { ...hook, id: "new" } },
    {},
    { id: "nobody" },
  ],
  changeDestination: async (asked) => {
    await asked("destinations/add", { destination: { ...hook, id: "changing" } })
    const { revision } = await asked("destinations/get", { id: "changing" })
    const change = { id: "changing", changes: { concurrency: 2 }, expected: revision }
    return [
      { ...change, changes: { url: 1 } },
      { ...change, id: "hook" },
      { ...change, expected: "" },
      change,
    ]
  },
  revokeKey: async (asked) => {
    const { id } = await asked("keys/create", { name: "made", kind: "server" })
    return [{ id: "nobody" }, { id }]
  },
  event: async () => [{ place: "0/0000000000000001/0" }, { id: "nobody" }, {}],
}

const inputsOf = async (
  path: string,
  name: string,
  { input }: Action.Action,
): Promise<ReadonlyArray<unknown>> => {
  const asked: Asked = async (action, body) =>
    (await ask(path, { path: `/admin/v1/${action}`, body })).body as Json
  if (name in written) return await written[name]!(asked)
  const made = await run(
    Arbitrary.sampleEffect(Arbitrary.schema(input as unknown as Schema.Constraint), {
      ...{ count: 12, seed: "every action", size: 8 },
    }),
  )
  const known = ["hook", "added"]
  // Whoever is named at random is nobody: half of the inputs name somebody.
  return made.map((value, index) => {
    const given = value as Json
    const named = Object.fromEntries(
      ["id", "destination"]
        .filter((key) => typeof given[key] === "string")
        .map((key) => [key, known[index % known.length]]),
    )
    return index % 4 < 2 ? { ...given, ...named } : given
  })
}

test("what changes something says so", () => {
  const changing = all.filter(([, { changes }]) => changes).map(([, { path }]) => path)
  expect(changing).toEqual([
    "destinations/add",
    "destinations/remove",
    "destinations/disable",
    "destinations/enable",
    "destinations/rewind",
    "destinations/skip",
    "destinations/change",
    "destinations/test",
    "destinations/try-now",
    "secrets/create",
    "secrets/retire",
    "replay",
    "jobs/stop",
    "dead-letters/begin-replay",
    "dead-letters/purge-chosen",
    "dead-letters/replay",
    "dead-letters/purge",
    "send",
    "keys/create",
    "keys/revoke",
  ])
})

/** What each stream is asked for, and how something is known that it has to tell. */
const streams: Readonly<Record<string, readonly [input: Json, isTold: (told: never) => boolean]>> = {
  tail: [{}, ({ event }: { event: { eventName: string } }) => event.eventName === "told\nin two lines"],
  stream: [
    { topics: ["status"] },
    ({ status }: { status: { destinations: ReadonlyArray<{ id: string }> } }) =>
      status.destinations.map(({ id }) => id).join() === "added,hook",
  ],
  findEvents: [{ name: "a" }, ({ row }: { row?: ReadonlyArray<unknown> }) => row?.[2] === "a"],
}

describe("over HTTP", () => {
  const answering = all.filter(([, action]) => !Action.isTelling(action))
  const telling = all.filter(([, action]) => Action.isTelling(action))

  test("every action answers whatever its Schema lets through as the document says", async () => {
    const { path } = await serve()
    const document = await documentOf(path)
    const complaints = makeJudge(document)
    for (const [name, action] of answering) {
      const statuses = new Set<number>()
      for (const body of await inputsOf(path, name, action)) {
        const route = `/admin/v1/${action.path}`
        const reply = await ask(path, { path: route, body })
        const { status } = reply
        statuses.add(status)
        const place = ["responses", String(status), "content", "application/json", "schema"]
        expect(
          complaints(body, "paths", route, "post", "requestBody", "content", "application/json", "schema"),
        ).toEqual(name in written ? expect.anything() : [])
        expect([name, body, complaints(reply.body, "paths", route, "post", ...place)]).toEqual([
          name,
          body,
          [],
        ])
        const shape = status === 200 && "output" in action ? action.output : OpenApi.Failure
        expect([name, body, keeps(shape, reply.body)]).toEqual([name, body, true])
        expect(status).toBeLessThan(500)
      }
      expect([name, statuses.has(200)]).toEqual([name, true])
    }
  })

  test.each(["application/x-ndjson", "text/event-stream"])(
    "every stream tells by its Schema, as %s",
    async (type) => {
      const { path, millrace } = await serve()
      const complaints = makeJudge(await documentOf(path))
      expect(telling.map(([name]) => name)).toEqual(Object.keys(streams))
      for (const [name, action] of telling) {
        const [body, isTold] = streams[name]!
        const route = `/admin/v1/${action.path}`
        const response = await begin(path, { path: route, body, accept: type })
        expect(response.headers["content-type"]).toBe(type)
        await millrace.logEvent({ event: "told\nin two lines" })
        let text = ""
        let told: unknown
        for await (const chunk of response.setEncoding("utf8")) {
          text += chunk
          const whole = type === "text/event-stream" ? /^data: (.*)\n\n/gm : /^(.*)\n/gm
          told = [...text.matchAll(whole)].map(([, json]) => JSON.parse(json!) as never).find(isTold)
          if (told !== undefined) break
        }
        expect(
          complaints(told, "paths", route, "post", "responses", "200", "content", type, "schema"),
        ).toEqual([])
        expect("event" in action && keeps(action.event, told)).toBe(true)
      }
    },
  )

  test("what no Schema lets through is a 400 of the document", async () => {
    const { path } = await serve()
    const complaints = makeJudge(await documentOf(path))
    for (const [, action] of all) {
      const route = `/admin/v1/${action.path}`
      const reply = await ask(path, { path: route, body: { nobody: "asked for it" } })
      expect(reply).toMatchObject({
        status: 400,
        body: { message: expect.stringContaining("nobody: unknown key") },
      })
      expect(complaints(reply.body, "components", "schemas", "Failure")).toEqual([])
    }
  })
})

test("an action is written down once: a row and what it does", async () => {
  const shout = Action.answering({
    path: "voice/shout",
    summary: "Say a text loudly.",
    changes: false,
    input: Schema.Struct({ text: Schema.String }),
    output: Schema.Struct({ loud: Schema.String }),
    errors: ["UnknownDestination"],
    takes: (text: string) => ({ text }),
    gives: ({ loud }) => loud,
  })
  const count = Action.telling({
    path: "voice/count",
    summary: "Count up to a number.",
    changes: false,
    input: Schema.Struct({ to: Schema.Int }),
    event: Schema.Struct({ number: Schema.Int }),
    errors: [],
    takes: (to: number) => ({ to }),
  })
  const table = { ...AdminApi.actions, shout, count }
  const { admin } = await serve()
  const service: Action.ServiceOf<typeof table, AdminApi.AdminError> = {
    ...admin,
    shout: ({ text }) => Effect.succeed({ loud: text.toUpperCase() }),
    count: ({ to }) => Effect.succeed(Stream.map(Stream.range(1, to), (number) => ({ number }))),
  }
  const path = await listenOn(AdminHttp.listenerOf(table, service))

  const client = AdminClient.makeOf(table, { socketPath: path })
  expect(await run(client.shout({ text: "hello" }))).toEqual({ loud: "HELLO" })
  const numbers = await run(Effect.flatMap(client.count({ to: 3 }), Stream.runCollect))
  expect(numbers).toEqual([{ number: 1 }, { number: 2 }, { number: 3 }])

  const context = await run(Effect.context<never>())
  const promises = Action.promises(table, () => client, context)
  expect(await promises.shout("hello")).toBe("HELLO")
  const told: Array<unknown> = []
  for await (const event of await promises.count(2)) told.push(event)
  expect(told).toEqual([{ number: 1 }, { number: 2 }])

  const document = await documentOf(path)
  expect(operationOf(document, shout)).toMatchObject({ operationId: "shout", tags: ["voice"] })
  expect(await new Validator().validate(structuredClone(document))).toEqual({ valid: true })
})
