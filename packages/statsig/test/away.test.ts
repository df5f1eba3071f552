import { type HttpIngest, Store, StoreError } from "@millrace/core"
import { Documents } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, it } from "vitest"
import { answered, failed, open, otherKey, run, serverKey } from "./support/script.ts"

const text = ({ body }: HttpIngest.IngestReply): string =>
  typeof body === "string" ? body : new TextDecoder().decode(body)

const seen = (reply: HttpIngest.IngestReply) => [
  reply.status,
  text(reply),
  reply.headers["age"],
  reply.headers["warning"],
]

const stale = '110 - "Response is Stale"'
const specsUrl = "/v1/download_config_specs"

describe("while Statsig is away", () => {
  it("for ten minutes, documents are the last good ones, users get 503 at once, and two lines are logged", async () => {
    const lines: Array<string> = []
    const program = Effect.gen(function* () {
      const { sent, script, ask } = yield* open()
      script.answer = () => answered('{"time":1}')
      expect(seen(yield* ask("GET", specsUrl))).toEqual([200, '{"time":1}', undefined, undefined])
      script.answer = () => failed("NoConnection")
      yield* TestClock.adjust("1 minute")
      expect(seen(yield* ask("GET", specsUrl))).toEqual([200, '{"time":1}', "60", stale])
      const before = sent.length
      for (let second = 0; second < 600; second++) {
        yield* TestClock.adjust("1 second")
        expect((yield* ask("GET", specsUrl)).status).toBe(200)
        // Another host's.
        expect((yield* ask("POST", "/v1/initialize", {}, "{}")).status).toBe(503)
        expect((yield* ask("POST", "/v1/get_id_lists", {}, "{}")).status).toBe(503)
      }
      // Each host is tried every three seconds, whoever asks.
      expect(sent.length - before).toBeLessThanOrEqual(2 * 200 + 2)
      expect(seen(yield* ask("GET", specsUrl)).slice(2)).toEqual(["660", stale])
      script.answer = () => answered('{"time":2}')
      yield* TestClock.adjust("3 seconds")
      yield* ask("GET", specsUrl)
      yield* ask("POST", "/v1/initialize", {}, "{}")
      yield* TestClock.adjust("1 second")
      expect(seen(yield* ask("GET", specsUrl))).toEqual([200, '{"time":2}', undefined, undefined])
    })
    await run(program, lines)
    const said = lines.map((line) => JSON.parse(line) as { message: string; annotations: { host: string } })
    expect(said.map(({ message, annotations }) => `${annotations.host}: ${message}`).sort()).toEqual([
      "api: Statsig answers again",
      "api: Statsig does not answer: what is kept is served in its place",
      "cdn: Statsig answers again",
      "cdn: Statsig does not answer: what is kept is served in its place",
    ])
    expect(lines.join()).not.toContain(serverKey)
  })

  it("an unknown document is 503, and so is one that another key has", () =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => failed("NoConnection")
        const reply = yield* ask("GET", specsUrl)
        expect([reply.status, JSON.parse(text(reply))]).toEqual([
          503,
          { success: false, message: "Statsig does not answer", status: 503 },
        ])
      }),
    ))

  it.each([500, 502, 503, 429, 302])("a %i is no document: the last good one is served", (status) =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => answered('{"time":1}')
        yield* ask("GET", specsUrl)
        yield* TestClock.adjust("11 seconds")
        script.answer = () => answered("<html>", { "content-type": "text/html" }, status)
        expect(seen(yield* ask("GET", specsUrl))).toEqual([200, '{"time":1}', "11", stale])
      }),
    ),
  )

  it("a page of some gateway's is not kept as a document", () =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => answered("<html>", { "content-type": "text/html" })
        expect((yield* ask("GET", specsUrl)).status).toBe(200)
        script.answer = () => failed("NoConnection")
        expect((yield* ask("GET", specsUrl)).status).toBe(503)
      }),
    ))

  it.each([401, 403])("a key that Statsig refuses with %i loses what was kept for it", (status) =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => answered('{"time":1}')
        yield* ask("GET", specsUrl)
        yield* TestClock.adjust("11 seconds")
        script.answer = () => answered("{}", {}, status)
        expect((yield* ask("GET", specsUrl)).status).toBe(status)
        script.answer = () => failed("NoConnection")
        expect((yield* ask("GET", specsUrl)).status).toBe(503)
      }),
    ),
  )

  it("a Statsig that is slow is waited for two seconds where there is something to serve, else ten", () =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => Effect.never
        const first = yield* Effect.forkChild(ask("GET", specsUrl), { startImmediately: true })
        yield* TestClock.adjust("10 seconds")
        expect((yield* Fiber.join(first)).status).toBe(503)
        script.answer = () => answered('{"time":1}')
        yield* ask("GET", specsUrl)
        yield* TestClock.adjust("11 seconds")
        script.answer = () => Effect.never
        const next = yield* Effect.forkChild(ask("GET", specsUrl), { startImmediately: true })
        yield* TestClock.adjust("2 seconds")
        expect(seen(yield* Fiber.join(next))).toEqual([200, '{"time":1}', "13", stale])
      }),
    ))

  it("a user waits three seconds at most", () =>
    run(
      Effect.gen(function* () {
        const { script, ask } = yield* open()
        script.answer = () => Effect.never
        const asking = yield* Effect.forkChild(ask("POST", "/v1/initialize", {}, "{}"), {
          startImmediately: true,
        })
        yield* TestClock.adjust("3 seconds")
        expect((yield* Fiber.join(asking)).status).toBe(503)
      }),
    ))
})

describe("a process that starts while Statsig is away", () => {
  it("has the documents of those before it, of the same key only, for as long as the store has them", () =>
    run(
      Effect.gen(function* () {
        const store = yield* Layer.build(Store.layerMemory())
        const shared = Layer.succeedContext(store)
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { script, ask } = yield* open(shared)
            script.answer = () => answered('{"has_updates":true,"time":1}', { etag: '"1"' })
            yield* ask("GET", `${specsUrl}?sinceTime=0`)
            yield* ask("POST", "/v1/get_id_lists", {}, '{"statsigMetadata":{}}')
            // News to a process that runs are the whole to one that starts.
            script.answer = () => answered('{"has_updates":true,"time":2}', { etag: '"2"' })
            yield* ask("GET", `${specsUrl}?sinceTime=1`)
          }),
        )
        yield* TestClock.adjust("1 hour")
        const { script, ask } = yield* open(shared)
        script.answer = () => failed("NoConnection")
        const reply = yield* ask("GET", specsUrl)
        expect(seen(reply)).toEqual([200, '{"has_updates":true,"time":2}', "3600", stale])
        expect(reply.headers).toMatchObject({ "content-type": "application/json", etag: '"2"' })
        expect((yield* ask("POST", "/v1/get_id_lists", {}, "{}")).status).toBe(200)
        expect((yield* ask("GET", "/v2/download_config_specs")).status).toBe(503)
        expect((yield* ask("GET", specsUrl, { "statsig-api-key": otherKey })).status).toBe(503)
      }),
    ))

  it("asks Statsig all the same where the store does not answer", () =>
    run(
      Effect.gen(function* () {
        const store = yield* Layer.build(Store.layerMemory())
        const down = new StoreError({ reason: { _tag: "Unavailable" }, message: "down" })
        const broken = Context.add(store, Documents.Documents, {
          get: () => Effect.fail(down),
          put: () => Effect.fail(down),
          remove: () => Effect.fail(down),
        })
        const { script, ask } = yield* open(Layer.succeedContext(broken))
        script.answer = () => answered('{"time":1}')
        expect((yield* ask("GET", specsUrl)).status).toBe(200)
        yield* TestClock.adjust("1 minute")
        script.answer = () => failed("NoConnection")
        expect((yield* ask("GET", specsUrl)).status).toBe(200)
        expect((yield* ask("GET", "/v2/download_config_specs")).status).toBe(503)
      }),
    ))

  it("keeps a few forms of a document for one key, and its name tells nobody the key", () =>
    run(
      Effect.gen(function* () {
        const store = yield* Layer.build(Store.layerMemory())
        const names = new Set<string>()
        const documents = Context.get(store, Documents.Documents)
        const watched = Context.add(store, Documents.Documents, {
          ...documents,
          put: (document) => {
            names.add(document.name)
            return documents.put(document)
          },
        })
        const { ask } = yield* open(Layer.succeedContext(watched))
        const codings = ["br", "deflate", "gzip", "statsig-br", "zstd"]
        for (let set = 0; set < 32; set++) {
          const encoding = codings.filter((_, bit) => set & (1 << bit)).join(", ")
          expect((yield* ask("GET", specsUrl, { "accept-encoding": encoding })).status).toBe(200)
        }
        expect(names.size).toBe(16)
        for (const name of names) expect(name).toMatch(/^statsig\/[0-9a-f]{64}$/)
      }),
    ))
})

describe("a document", () => {
  it("is asked for again after ten seconds, by its etag, which is all that then comes", () =>
    run(
      Effect.gen(function* () {
        const { sent, script, ask } = yield* open()
        script.answer = ({ headers }) =>
          headers["if-none-match"] === '"a"' ? answered("", {}, 304) : answered('{"time":1}', { etag: '"a"' })
        for (let second = 0; second < 30; second++) {
          expect(text(yield* ask("GET", specsUrl))).toBe('{"time":1}')
          yield* TestClock.adjust("1 second")
        }
        expect(sent.map(({ headers }) => headers["if-none-match"])).toEqual([undefined, '"a"', '"a"'])
      }),
    ))

  it("is 304 to whoever has it, whatever they had when it was asked for", () =>
    run(
      Effect.gen(function* () {
        const { sent, script, ask } = yield* open()
        script.answer = () => answered('{"time":1}', { etag: 'W/"a"' })
        const reply = yield* ask("GET", specsUrl, { "if-none-match": '"b", "a"' })
        expect([reply.status, reply.body, reply.headers["etag"]]).toEqual([304, "", 'W/"a"'])
        expect((yield* ask("GET", specsUrl, { "if-none-match": '"b"' })).status).toBe(200)
        expect(sent).toHaveLength(1)
        expect(sent[0]?.headers["if-none-match"]).toBeUndefined()
      }),
    ))

  it("and its news since then are told apart, and news are kept for those who start", () =>
    run(
      Effect.gen(function* () {
        const { sent, script, ask } = yield* open()
        script.answer = ({ path }) =>
          path.includes("sinceTime=2")
            ? answered('{"has_updates":false}')
            : answered('{"has_updates":true,"time":2}')
        const since = (time: number) => ask("GET", `${specsUrl}?sinceTime=${time}`)
        expect(text(yield* since(2))).toBe('{"has_updates":false}')
        expect(text(yield* since(2))).toBe('{"has_updates":false}')
        expect(text(yield* since(1))).toBe('{"has_updates":true,"time":2}')
        // What was news to one is the whole to another.
        expect(text(yield* since(0))).toBe('{"has_updates":true,"time":2}')
        expect(text(yield* ask("GET", specsUrl))).toBe('{"has_updates":true,"time":2}')
        expect(sent.map(({ path }) => path.split("?")[1])).toEqual(["sinceTime=2", "sinceTime=1"])
        // Posted, it says the same.
        yield* ask("POST", specsUrl, {}, '{"sinceTime":2}')
        yield* ask("POST", specsUrl, {}, '{"sinceTime":2,"statsigMetadata":{"sessionID":"x"}}')
        yield* ask("POST", specsUrl, {}, '{"sinceTime":3}')
        expect(sent).toHaveLength(4)
      }),
    ))

  it("in another form is another one", () =>
    run(
      Effect.gen(function* () {
        const { sent, ask } = yield* open()
        const same = ["gzip, br", "br,gzip", "br;q=0.5, gzip, zstd;q=0", "x-made-up, gzip, BR"]
        for (const encoding of same) yield* ask("GET", specsUrl, { "accept-encoding": encoding })
        expect(sent).toHaveLength(1)
        yield* ask("GET", specsUrl, { "accept-encoding": "gzip" })
        yield* ask("GET", specsUrl, { "statsig-supports-proto": "true" })
        yield* ask("GET", "/v2/download_config_specs")
        yield* ask("GET", `${specsUrl}?supports_proto=true`)
        expect(sent).toHaveLength(5)
        // What is not known may mean anything, so it is nobody else's.
        yield* ask("GET", `${specsUrl}?other=1`)
        yield* ask("GET", `${specsUrl}?other=1`)
        expect(sent).toHaveLength(7)
      }),
    ))

  it("is asked for once by all who want it meanwhile", () =>
    run(
      Effect.gen(function* () {
        const { sent, script, ask } = yield* open()
        script.answer = () => Effect.delay(answered('{"time":1}'), "1 second")
        const asking = yield* Effect.forEach(Array.from({ length: 10 }), () =>
          Effect.forkChild(ask("GET", specsUrl), { startImmediately: true }),
        )
        yield* TestClock.adjust("1 second")
        for (const one of asking) expect(text(yield* Fiber.join(one))).toBe('{"time":1}')
        expect(sent).toHaveLength(1)
      }),
    ))
})
