import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { InvalidOptions } from "../../src/base/InvalidOptions.ts"
import type { ExtraReply, ExtraRequest, ExtraRoute } from "../../src/intake/ExtraRoutes.ts"
import { clientKey, keys, open, request, run, serverKey } from "../support/intake.ts"

/** A route that says what it was asked. */
const route = (changes: Partial<ExtraRoute> = {}): ExtraRoute => ({
  name: "start",
  paths: ["start", "files/*.json"],
  methods: ["GET", "POST"],
  browsers: true,
  maxBytes: 100,
  begin: (asked) => (body) =>
    Effect.succeed({ status: 200, body: `${asked.method} ${asked.path}${asked.query} ${body.bytes.length}` }),
  ...changes,
})

const opened = (...routes: ReadonlyArray<ExtraRoute>) =>
  open({ keys, extensions: [{ routes: Effect.succeed(routes) }] })

const origin = "https://shop.example"

describe("routes of an extension", () => {
  it.each([
    ["GET", "/v1/start", "GET /v1/start 0"],
    ["POST", "/any/prefix/start/?a=1", "POST /any/prefix/start?a=1 2"],
    ["GET", "/v1/files/secret.json?x", "GET /v1/files/secret.json?x 0"],
    ["GET", "http://host/v1/files/a.b.json", "GET /v1/files/a.b.json 0"],
  ])("%s %s is answered by it", (method, url, body) =>
    run(
      Effect.gen(function* () {
        const { http } = yield* opened(route())
        const reply = yield* http.handle(request({ method, url, body: method === "GET" ? "" : "{}" }))
        expect([reply.status, reply.body]).toEqual([200, body])
        expect(http.matches(url)).toBe(true)
      }),
    ),
  )

  it.each(["/v1/files/secret.txt", "/v1/secret.json", "/v1/files", "/started", "/v1/other/*.json"])(
    "%s is not",
    (url) =>
      run(
        Effect.gen(function* () {
          const { http } = yield* opened(route())
          expect(http.matches(url)).toBe(false)
          expect((yield* http.handle(request({ method: "GET", url }))).status).toBe(404)
        }),
      ),
  )

  it("are listed where their paths are fixed, and there are none without it", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* opened(route())
        expect(http.paths).toContain("start")
        expect(http.paths.filter((path) => path.includes("*"))).toEqual([])
        const alone = yield* open({ keys })
        expect([alone.http.paths.includes("start"), alone.http.matches("/v1/start")]).toEqual([false, false])
      }),
    ))

  it("never take one of ours", () =>
    run(
      Effect.gen(function* () {
        const { http, log } = yield* opened(route({ paths: ["log_event", "rgstr"] }))
        expect((yield* http.handle(request())).status).toBe(202)
        expect((yield* log.bounds(0)).head).not.toBe((yield* log.bounds(0)).tail)
      }),
    ))

  it("say what methods they take, also to browsers, and have the CORS of the intake", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* opened(route(), route({ name: "server", paths: ["server"], browsers: false }))
        const put = yield* http.handle(request({ method: "PUT", url: "/v1/start" }))
        expect([put.status, put.headers["allow"]]).toEqual([405, "GET, POST, OPTIONS"])
        const ask = (method: string, url: string) =>
          http.handle(request({ method, url, headers: { origin }, body: "" }))
        const preflight = yield* ask("OPTIONS", "/v1/start")
        expect([preflight.status, preflight.headers["access-control-allow-methods"]]).toEqual([
          204,
          "GET, POST, OPTIONS",
        ])
        expect((yield* ask("GET", "/v1/start")).headers["access-control-allow-origin"]).toBe(origin)
        expect((yield* ask("GET", "/v1/server")).headers["access-control-allow-origin"]).toBeUndefined()
      }),
    ))

  it("may answer by the head alone, with bytes, and with headers of their own", () =>
    run(
      Effect.gen(function* () {
        const bytes = Uint8Array.of(1, 2, 3)
        const headers = { "content-type": "text/plain", etag: "x" }
        const { http } = yield* opened(
          route({ begin: (): ExtraReply => ({ status: 201, body: bytes, headers }) }),
        )
        const asked = request({ url: "/v1/start" })
        const reply = yield* http.handle(asked)
        expect(reply).toMatchObject({ status: 201, headers })
        expect(reply.body).toBe(bytes)
        expect(asked.reads()).toBe(0)
      }),
    ))

  it("learn whose a key is", () =>
    run(
      Effect.gen(function* () {
        const kinds: Array<unknown> = []
        const begin = ({ principalOf }: ExtraRequest): ExtraReply => {
          for (const key of [serverKey, clientKey, "other"]) kinds.push(principalOf(key)?.kind)
          return { status: 204, body: "" }
        }
        const { http } = yield* opened(route({ begin }))
        yield* http.handle(request({ url: "/start" }))
        expect(kinds).toEqual(["server", "client", undefined])
      }),
    ))

  it("get no larger bodies than they want", () =>
    run(
      Effect.gen(function* () {
        const { http } = yield* opened(route())
        const large = { url: "/start", body: "x".repeat(101) }
        expect((yield* http.handle(request(large))).status).toBe(413)
        const asked = request({ ...large, headers: { "content-length": "101" } })
        expect([(yield* http.handle(asked)).status, asked.reads()]).toEqual([413, 0])
      }),
    ))

  it("are answered with 500 where they are wrong, and with 503 when the intake is closed", () =>
    run(
      Effect.gen(function* () {
        const broken = () => {
          throw new Error("a mistake")
        }
        const { http } = yield* opened(
          route({ begin: broken }),
          route({ name: "later", paths: ["later"], begin: () => () => Effect.die(new Error("a mistake")) }),
        )
        for (const url of ["/start", "/later"])
          expect((yield* http.handle(request({ url, body: "{}" }))).status).toBe(500)
        yield* http.close
        expect((yield* http.handle(request({ url: "/later" }))).status).toBe(503)
      }),
    ))

  it("have paths of the user's own, of which mistakes are said with all others", () =>
    run(
      Effect.gen(function* () {
        const routes = Effect.succeed([route({ name: "initialize", paths: ["initialize"] })])
        const { http } = yield* open({
          keys,
          extensions: [{ routes }],
          paths: { initialize: ["/v1/my-start"] },
        })
        const reply = yield* http.handle(request({ url: "/shop/v1/my-start", body: "{}" }))
        expect([reply.status, reply.body]).toEqual([200, "POST /shop/v1/my-start 2"])
        const wrong = open({
          keys: {},
          extensions: [{ routes }],
          paths: { log_event: ["/initialize"], get_id_lists: ["/lists"] },
        })
        const failure = yield* Effect.flip(wrong)
        expect(failure).toMatchObject({
          problems: [
            { path: "paths.get_id_lists", message: expect.stringContaining("initialize") },
            { path: "paths.log_event[0]", message: "is a path of initialize" },
          ],
        })
      }),
    ))

  it("that cannot be made fail the start, with what else is wrong", () =>
    run(
      Effect.gen(function* () {
        const problem = { path: "mine.option", message: "is wrong" }
        const routes = Effect.fail(new InvalidOptions({ problems: [problem] }))
        const failure = yield* Effect.flip(
          open({ keys, extensions: [{ routes }], cors: { origins: ["shop"] } }),
        )
        expect(failure).toMatchObject({ problems: [{ path: "cors.origins[0]" }, problem] })
      }),
    ))
})
