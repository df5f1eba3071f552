/** Over 400 lines because the contract is one list of cases for every adapter. */
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import { EventLog, HttpIngest, Store } from "@millrace/core"
import { Entry } from "@millrace/core/host"
import { Position } from "@millrace/core/store"
import { type BodyOptions, Codec, type Ingest } from "@millrace/node"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Result from "effect/Result"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clientCases, clientOptions, untrustedPeer } from "./clientCases.ts"
import { type GoldenReply, goldenOptions, goldenReplies } from "./goldenReplies.ts"
import { RawConnection, type RawReply, type RawRequest } from "./internal/rawHttp.ts"
import { suiteTimeout, usualPatience, within } from "./internal/waiting.ts"

/** How the host is to be set up around Millrace. */
export interface AdapterOptions {
  /** Where Millrace is mounted: `/prefix`. At the root without it. */
  readonly prefix?: string
  /** The host's own JSON parser runs before Millrace, for every request. */
  readonly bodyParser?: boolean
  /** The host answers every request with this `access-control-allow-origin`. */
  readonly allowOrigin?: string
  /** Something of the host's reads the whole body first, and leaves nothing. */
  readonly consume?: boolean
  /** Handed on to the adapter. */
  readonly body?: BodyOptions
}

/**
 * A host with Millrace mounted, and with three things of its own: `POST /mine` answers 200 and the
 * JSON it has parsed itself, `POST /v1/:name` 200 and `name`, and all other paths that are not
 * Millrace's 404 and {@link hostNotFound}.
 */
export interface AdapterHost {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** Takes no more connections, and resolves once requests in flight have been answered. */
  readonly close: () => Promise<void>
}

export type StartAdapter = (ingest: Ingest, options: AdapterOptions) => Promise<AdapterHost>

/** What the host itself says of a path it does not know. */
export const hostNotFound = "the host's own 404"

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex")

const json = { "content-type": "application/json" }

/** What is passed on as it is: every byte there is, under a name that nobody decodes. */
const relayed = {
  status: 200,
  headers: { "content-type": "application/x-mine", "content-encoding": "x-mine", etag: '"1"' },
  body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
}

/** Follows `?do=`, and echoes what has arrived. */
const makeScripted = () => {
  let entered = () => {}
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const inside = new Promise<void>((resolve) => {
    entered = resolve
  })
  const failures: Array<string> = []
  let failed = () => {}

  const ingest: Ingest = {
    matches: (url) => /\/(log_event|rgstr)\/*(\?.*)?$/.test(url),
    handle: async (request) => {
      const script = new URLSearchParams(request.url.split("?")[1])
      const action = script.get("do")
      if (action === "refuse") return { status: 401, headers: json, body: '{"refused":"schlüssel"}' }
      if (action === "relay") return relayed
      if (action === "unchanged") return { status: 304, headers: { etag: '"1"' }, body: "" }
      if (action === "defect") throw new Error("a defect")
      entered()
      if (action === "hold") await gate
      const body = await Effect.runPromise(
        Effect.result(request.body(Number(script.get("max") ?? 16 * 1024 * 1024))),
      )
      if (body._tag === "Failure") {
        failures.push(body.failure.reason)
        failed()
        return { status: 413, headers: json, body: JSON.stringify({ failure: body.failure.reason }) }
      }
      const { bytes, inflated } = body.success
      const { method, headers } = request
      return {
        status: 202,
        headers: json,
        body: JSON.stringify({
          method,
          length: bytes.length,
          sha256: digest(bytes),
          inflated,
          seen: headers["x-seen"],
        }),
      }
    },
  }
  return {
    ingest,
    /** Resolves when a request is being handled. */
    inside,
    /** Lets `do=hold` go on. */
    open: () => open(),
    failures,
    nextFailure: () =>
      new Promise<void>((resolve) => {
        failed = resolve
      }),
  }
}

type Scripted = ReturnType<typeof makeScripted>

const echo = (body: Uint8Array | string, more: object = {}) => {
  const bytes = typeof body === "string" ? Buffer.from(body) : body
  return { method: "POST", length: bytes.length, sha256: digest(bytes), inflated: false, ...more }
}

interface Real {
  readonly ingest: Ingest
  /** The users of the events that it has taken, in order. */
  readonly users: () => Promise<ReadonlyArray<Readonly<Record<string, unknown>>>>
  readonly close: () => Promise<void>
}

/** The real intake on memory, as every host serves it. */
const makeReal = async (client: HttpIngest.ClientOptions = {}): Promise<Real> => {
  const runtime = ManagedRuntime.make(
    HttpIngest.layer({ ...goldenOptions, client }).pipe(
      Layer.provideMerge(Layer.mergeAll(Store.layerMemory(), Codec.layer)),
      // Some golden replies are worth a line in a log, but none in a test report.
      Layer.provideMerge(Logger.layer([])),
    ),
  )
  const http = await runtime.runPromise(HttpIngest.HttpIngest)
  return {
    ingest: { matches: http.matches, handle: (request) => runtime.runPromise(http.handle(request)) },
    users: async () => {
      const read = Effect.flatMap(EventLog.EventLog, (log) =>
        log.read(0, Position.origin, { maxEntries: 1_000, maxBytes: 1e9 }),
      )
      const entries = await runtime.runPromise(read)
      return entries.flatMap((entry) => Result.getOrThrow(Entry.decode(entry)).events.map(({ user }) => user))
    },
    close: () => runtime.dispose(),
  }
}

const toRaw = ({ request }: GoldenReply, prefix = ""): RawRequest => ({
  method: request.method,
  path: `${prefix}${request.url}`,
  headers: Object.entries(request.headers).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((line): [string, string] => [name, line]),
  ),
  ...(request.method === "POST" || request.body.length > 0 ? { body: request.body } : {}),
})

/** Ours among a reply's headers, and `content-length`: what must be the same on every host. */
const ours = (reply: RawReply) =>
  Object.fromEntries(
    Object.entries(reply.headers)
      .filter(([name]) =>
        /^(access-control-.*|content-type|content-length|allow|accept-encoding|retry-after|vary)$/.test(name),
      )
      .map(([name, lines]) => [name, lines.join(" AND ")]),
  )

const expectGolden = (actual: RawReply, { reply }: GoldenReply) => {
  const length = Buffer.byteLength(reply.body)
  expect({ status: actual.status, headers: ours(actual), body: actual.text }).toEqual({
    status: reply.status,
    headers: reply.status === 204 ? reply.headers : { ...reply.headers, "content-length": String(length) },
    body: reply.body,
  })
}

/** What a JSON parser of the host's takes without complaint, and then hands on as a value. */
const passesParser = ({ request, reply }: GoldenReply) =>
  reply.status === 202 &&
  request.headers["content-type"] === "application/json" &&
  [undefined, "gzip", "identity"].includes(request.headers["content-encoding"] as string | undefined) &&
  (typeof request.body === "string" || request.headers["content-encoding"] === "gzip") &&
  request.url.includes("log_event")

const event = { user: { userID: "ü-😀" }, eventName: "größe", time: 1_700_000_000_000 }
const accepted: RawRequest = {
  path: "/v1/log_event",
  headers: [
    ["statsig-api-key", goldenOptions.keys.server[0]],
    ["statsig-client-time", "1700000000000"],
    ["content-type", "application/json"],
  ],
  body: JSON.stringify({ events: [event] }),
}
/**
 * More than sockets hold between two processes: it is only written whole when the other side reads
 * it.
 */
const huge = Buffer.alloc(12 * 1024 * 1024, "x")

/**
 * What every HTTP adapter does: the same request gives the same reply, to the byte, whatever the
 * host; the host keeps what is its own; connections live on. A binding is one call with a function
 * that starts the host.
 *
 * @example
 * ```ts
 * adapterContract("express", async (ingest, options) => {
 *   const app = express()
 *   app.use(options.prefix ?? "/", expressHandler(ingest, options.body))
 *   ...
 * })
 * ```
 */
export const adapterContract = (name: string, start: StartAdapter): void => {
  const open = async (ingest: Ingest, options: AdapterOptions = {}) => {
    const host = await within("the host to start", start(ingest, options))
    const connections: Array<RawConnection> = []
    const close = () => within("the host to close", host.close())
    return {
      ...{ ...host, close },
      connect: async () => {
        const connection = await RawConnection.open(host.url, usualPatience)
        connections.push(connection)
        return connection
      },
      once: async (request: RawRequest) => {
        const connection = await RawConnection.open(host.url, usualPatience)
        try {
          return await connection.exchange(request)
        } finally {
          connection.destroy()
        }
      },
      stop: async () => {
        for (const connection of connections) connection.destroy()
        await close()
      },
    }
  }
  type Host = Awaited<ReturnType<typeof open>>

  /** A host of the tests of one group, on an ingest of their own. */
  const withScripted = (options: AdapterOptions, tests: (get: () => Host & Scripted) => void) => {
    let current: (Host & Scripted) | undefined
    beforeAll(async () => {
      const scripted = makeScripted()
      current = { ...(await open(scripted.ingest, options)), ...scripted, open: scripted.open }
    })
    afterAll(() => current?.stop())
    tests(() => current!)
  }

  const withReal = (
    options: AdapterOptions,
    tests: (get: () => Host & Pick<Real, "users">) => void,
    client?: HttpIngest.ClientOptions,
  ) => {
    let current: (Host & Pick<Real, "users">) | undefined
    let close: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const real = await makeReal(client)
      close = real.close
      current = { ...(await open(real.ingest, options)), users: real.users }
    })
    afterAll(async () => {
      await current?.stop()
      await close?.()
    })
    tests(() => current!)
  }

  describe(`adapter contract: ${name}`, { timeout: suiteTimeout }, () => {
    describe("golden replies", () => {
      withReal({}, (host) => {
        it.each(goldenReplies.map((golden) => [golden.name, golden] as const))("%s", async (_, golden) => {
          expectGolden(await host().once(toRaw(golden)), golden)
        })

        it("all of them on one connection", async () => {
          const connection = await host().connect()
          for (const golden of goldenReplies) expectGolden(await connection.exchange(toRaw(golden)), golden)
        })
      })
    })

    describe("golden replies behind a prefix", () => {
      withReal({ prefix: "/prefix" }, (host) => {
        it.each(goldenReplies.map((golden) => [golden.name, golden] as const))("%s", async (_, golden) => {
          expectGolden(await host().once(toRaw(golden, "/prefix")), golden)
        })
      })
    })

    describe("golden replies behind the host's own parser", () => {
      withReal({ bodyParser: true }, (host) => {
        it.each(goldenReplies.filter(passesParser).map((golden) => [golden.name, golden] as const))(
          "%s",
          async (_, golden) => {
            expectGolden(await host().once(toRaw(golden)), golden)
          },
        )

        it("what the parser does not take, Millrace reads itself", async () => {
          const path = `/v1/rgstr?k=${goldenOptions.keys.client[0]}&st=javascript-client`
          const body = gzipSync(accepted.body!)
          for (const headers of [[], [["Content-Type", "text/plain;charset=UTF-8"]] as const]) {
            const reply = await host().once({ path, headers, body })
            expect([reply.status, reply.text]).toEqual([202, '{"success":true}'])
          }
        })
      })
    })

    describe("a body that somebody else has read", () => {
      withReal({ consume: true }, (host) => {
        it("is a clear set-up error, at once", async () => {
          const reply = await host().once(accepted)
          expect(reply.status).toBe(500)
          expect(reply.text).toContain("already read by the host")
        })
      })
    })

    describe("the client", () => {
      const seen = async (host: Host & Pick<Real, "users">, headers: RawRequest["headers"]) => {
        const reply = await host.once({ ...accepted, headers: [...accepted.headers!, ...headers!] })
        expect(reply.status).toBe(202)
        return (await host.users()).at(-1)!
      }

      for (const options of [{}, { bodyParser: true }]) {
        withReal(
          options,
          (host) => {
            it.each(clientCases.map((one) => [one.name, one] as const))(
              `${"bodyParser" in options ? "behind a parser: " : ""}%s`,
              async (_, { headers, ip }) => {
                const agent = ["user-agent", "the client's own"] as const
                expect(await seen(host(), [...headers, agent])).toEqual({
                  ...event.user,
                  ...(ip === null ? {} : { ip }),
                  userAgent: "the client's own",
                })
              },
            )
          },
          clientOptions,
        )
      }

      withReal(
        {},
        (host) => {
          it("is the peer when nobody is trusted, whatever the headers say", async () => {
            for (const { headers } of clientCases) {
              expect(await seen(host(), headers)).toEqual({ ...event.user, ip: untrustedPeer })
            }
          })
        },
        { ip: "keep" },
      )

      withReal({}, (host) => {
        it("is not kept unless somebody asks for it", async () => {
          expect(await seen(host(), clientCases[1]!.headers)).toEqual(event.user)
        })
      })
    })

    describe("CORS of the host's own", () => {
      withReal({ allowOrigin: "https://host.example" }, (host) => {
        it.each(["POST", "OPTIONS", "GET"])("is left alone on %s", async (method) => {
          const reply = await host().once({
            ...(method === "POST" ? accepted : { path: "/v1/log_event" }),
            method,
          })
          const cors = Object.entries(reply.headers).filter(([name]) => name.startsWith("access-control-"))
          expect(cors).toEqual([["access-control-allow-origin", ["https://host.example"]]])
        })
      })
    })

    describe("bodies", () => {
      withScripted({}, (host) => {
        const post = (body: Uint8Array | string, more: RawRequest = {}) =>
          host().once({ path: "/v1/log_event", body, ...more })

        it.each([
          ["empty", ""],
          ["one byte", "x"],
          ["not ASCII", "größe 😀 \u0000"],
          ["no UTF-8", Uint8Array.of(0xff, 0xfe, 0xc3, 0x28, 0x00)],
          ["a BOM", "\ufeff{}"],
          ["1 MiB and more", huge.subarray(0, 1_052_241)],
          ["10 MB", huge.subarray(0, 10_000_000)],
        ])("%s: the bytes arrive as they are, with a length and chunked", async (_, body) => {
          for (const chunked of [false, true]) {
            const reply = await post(body, { chunked })
            expect([reply.status, JSON.parse(reply.text)]).toEqual([202, echo(body)])
          }
        })

        it("no body at all", async () => {
          const reply = await host().once({ path: "/v1/log_event" })
          expect([reply.status, JSON.parse(reply.text)]).toEqual([202, echo("")])
        })

        it.each([
          "application/json",
          "text/plain;charset=UTF-8",
          "application/x-www-form-urlencoded",
          "multipart/form-data; boundary=x",
          "application/octet-stream",
          "garbage",
          "; charset==;;",
          "a/b/c",
          "application/json, application/json",
          "größe/ü",
          "",
        ])("content type %j decides nothing", async (type) => {
          const body = '{"events":[]}'
          const reply = await post(body, { headers: [["Content-Type", type]] })
          expect([reply.status, JSON.parse(reply.text)]).toEqual([202, echo(body)])
        })

        it("header names in any case", async () => {
          const reply = await post("x", { headers: [["X-sEEn", "yes"]] })
          expect(JSON.parse(reply.text)).toEqual(echo("x", { seen: "yes" }))
        })

        it("a header twice is not one of its values", async () => {
          const reply = await post("x", {
            headers: [
              ["X-Seen", "one"],
              ["x-seen", "two"],
            ],
          })
          expect(String(JSON.parse(reply.text).seen)).toMatch(/^one, ?two$/)
        })

        it("arrives in pieces, the head too", async () => {
          const connection = await host().connect()
          for (const piece of [
            "POST /v1/log_event HT",
            "TP/1.1\r\nHost: a\r\nContent-Le",
            "ngth: 4\r\n\r\nab",
            "cd",
          ])
            await connection.write(piece)
          expect(JSON.parse((await connection.reply()).text)).toEqual(echo("abcd"))
        })

        it("Expect: 100-continue", async () => {
          const connection = await host().connect()
          const head: RawRequest = {
            path: "/v1/log_event",
            headers: [
              ["Expect", "100-continue"],
              ["Content-Length", "4"],
            ],
          }
          await connection.send(head)
          expect((await connection.reply()).status).toBe(100)
          await connection.write("abcd")
          expect(JSON.parse((await connection.reply()).text)).toEqual(echo("abcd"))
        })

        it("a client that goes away in the middle", async () => {
          const connection = await host().connect()
          const failure = host().nextFailure()
          await connection.send({
            path: "/v1/log_event",
            headers: [["Content-Length", "1000"]],
            body: "only this",
          })
          await within("the request to reach Millrace", host().inside)
          connection.destroy()
          await within("Millrace to hear that the client went away", failure)
          expect(host().failures.at(-1)).toBe("Aborted")
          expect((await post("still here")).status).toBe(202)
        })
      })
    })

    describe("bodies that come too slowly, or are too much together", () => {
      withScripted({ body: { bodyTimeout: "100 millis", maxBufferedBytes: 100_000 } }, (host) => {
        it("TimedOut", async () => {
          const connection = await host().connect()
          await connection.send({ path: "/v1/log_event", headers: [["Content-Length", "10"]], body: "slow" })
          const reply = await connection.reply()
          expect([reply.status, reply.text]).toEqual([413, '{"failure":"TimedOut"}'])
        })

        it("Overloaded, and all of it is given back", async () => {
          const over = await host().once({ path: "/v1/log_event", body: huge.subarray(0, 100_001) })
          expect(over.text).toBe('{"failure":"Overloaded"}')
          for (let i = 0; i < 5; i++) {
            const reply = await host().once({ path: "/v1/log_event", body: huge.subarray(0, 90_000) })
            expect(reply.status).toBe(202)
          }
        })
      })
    })

    describe("replies of somebody else", () => {
      withScripted({}, (host) => {
        it.each(["GET", "POST"])("arrive as they are, to the byte: %s", async (method) => {
          const connection = await host().connect()
          for (let i = 0; i < 2; i++) {
            const reply = await connection.exchange({ method, path: "/v1/log_event?do=relay" })
            expect([reply.status, Buffer.compare(reply.body, relayed.body)]).toEqual([200, 0])
            expect(reply.headers).toMatchObject({
              "content-type": ["application/x-mine"],
              "content-encoding": ["x-mine"],
              "content-length": ["256"],
              etag: ['"1"'],
            })
          }
        })

        it("a 304 has neither a body nor a length, and the connection lives on", async () => {
          const connection = await host().connect()
          const reply = await connection.exchange({ method: "GET", path: "/v1/log_event?do=unchanged" })
          expect([reply.status, reply.headers["etag"], reply.headers["content-length"]]).toEqual([
            304,
            ['"1"'],
            undefined,
          ])
          const next = await connection.exchange({ path: "/v1/rgstr", body: "next" })
          expect(JSON.parse(next.text)).toEqual(echo("next"))
        })
      })
    })

    describe("replies before the body has come", () => {
      withScripted({}, (host) => {
        const cases = [
          ["413 by declared length", { path: "/v1/log_event?max=1024", chunked: false }, 413],
          ["413 chunked", { path: "/v1/log_event?max=1024", chunked: true }, 413],
          ["401 without reading", { path: "/v1/log_event?do=refuse", chunked: false }, 401],
          ["401 without reading, chunked", { path: "/v1/log_event?do=refuse", chunked: true }, 401],
        ] as const

        it.each(cases)(
          "%s: reaches a client that writes all of it first, and the connection lives on",
          async (_, request, status) => {
            const connection = await host().connect()
            for (let i = 0; i < 2; i++) {
              await connection.send({ ...request, body: huge })
              const reply = await connection.reply()
              expect(reply.status).toBe(status)
              expect(reply.headers["content-length"]).toEqual([String(reply.body.length)])
              const next = await connection.exchange({ path: "/v1/rgstr", body: "next" })
              expect(JSON.parse(next.text)).toEqual(echo("next"))
            }
          },
        )

        it.each(cases)("%s: reaches a client that will close the connection", async (_, request, status) => {
          const connection = await host().connect()
          await connection.send({ ...request, headers: [["Connection", "close"]], body: huge })
          expect((await connection.reply()).status).toBe(status)
          await connection.closed()
        })

        it("comes at once: while the client has sent nothing but the head", async () => {
          const connection = await host().connect()
          await connection.send({
            path: "/v1/log_event?do=refuse",
            headers: [["Content-Length", String(huge.length)]],
          })
          const reply = await connection.reply()
          expect([reply.status, reply.text]).toEqual([401, '{"refused":"schlüssel"}'])
          await connection.write(huge)
          expect((await connection.exchange({ path: "/v1/rgstr", body: "next" })).status).toBe(202)
        })
      })
    })

    describe("the host", () => {
      withScripted({}, (host) => {
        it("answers unknown paths itself, whatever the method", async () => {
          for (const method of ["GET", "POST", "OPTIONS", "DELETE"])
            for (const path of ["/", "/v1", "/v2/other/thing", "/v1/log_event/more", "/LOG_EVENT/x"]) {
              const reply = await host().once({ method, path })
              expect([method, path, reply.status, reply.text]).toEqual([method, path, 404, hostNotFound])
            }
        })

        it("keeps its own routes, and its own parser", async () => {
          const mine = await host().once({
            path: "/mine",
            headers: [["Content-Type", "application/json"]],
            body: '{"a": 1}',
          })
          expect([mine.status, JSON.parse(mine.text)]).toEqual([200, { a: 1 }])
          const parametric = await host().once({ path: "/v1/other", body: "" })
          expect([parametric.status, parametric.text]).toEqual([200, "other"])
        })

        it("does not shadow ours with its parametric route", async () => {
          const reply = await host().once({ path: "/v1/log_event", body: "x" })
          expect(JSON.parse(reply.text)).toEqual(echo("x"))
        })

        it("tells of a defect with 500, and goes on", async () => {
          expect((await host().once({ path: "/v1/log_event?do=defect", body: "x" })).status).toBe(500)
          expect((await host().once({ path: "/v1/log_event", body: "x" })).status).toBe(202)
        })
      })
    })

    describe("behind a prefix", () => {
      withScripted({ prefix: "/deep/prefix" }, (host) => {
        it("takes the paths under it, with or without /v1", async () => {
          for (const path of ["/v1/log_event", "/log_event", "//v1//rgstr/", "/more/v1/rgstr?a=b"]) {
            const reply = await host().once({ path: `/deep/prefix${path}`, body: "x" })
            expect([path, reply.status]).toEqual([path, 202])
          }
        })

        it("leaves unknown ones to the host", async () => {
          const reply = await host().once({ path: "/deep/prefix/other", body: "x" })
          expect([reply.status, reply.text]).toEqual([404, hostNotFound])
        })
      })
    })

    describe("connections", () => {
      withScripted({}, (host) => {
        it("a hundred requests at once each get their own reply", async () => {
          const bodies = Array.from({ length: 100 }, (_, i) => `${i}`.repeat(1 + i * 37))
          const replies = await Promise.all(
            bodies.map((body, i) => host().once({ path: "/v1/log_event", body, chunked: i % 2 === 0 })),
          )
          expect(replies.map((reply) => JSON.parse(reply.text))).toEqual(bodies.map((body) => echo(body)))
        })

        it("is kept alive, pipelined requests too", async () => {
          const connection = await host().connect()
          const bodies = ["one", "two", "three"]
          for (const body of bodies) await connection.send({ path: "/v1/log_event", body })
          for (const body of bodies) expect(JSON.parse((await connection.reply()).text)).toEqual(echo(body))
        })

        it("HEAD has the head only", async () => {
          const connection = await host().connect()
          const head = await connection.exchange({ method: "HEAD", path: "/v1/log_event?do=refuse" })
          expect([head.status, head.text]).toEqual([401, ""])
          expect((await connection.exchange({ path: "/v1/log_event", body: "x" })).status).toBe(202)
        })
      })
    })

    it("closes once requests in flight have their replies", async () => {
      const scripted = makeScripted()
      const host = await open(scripted.ingest)
      const connection = await host.connect()
      await connection.send({
        path: "/v1/log_event?do=hold",
        headers: [["Connection", "close"]],
        body: "in flight",
      })
      await within("the request to reach Millrace", scripted.inside)
      let closed = false
      const closing = host.close().then(() => {
        closed = true
      })
      // The host has begun to close once it takes no connection any more.
      await expect
        .poll(() =>
          RawConnection.open(host.url).then(
            (probe) => probe.destroy(),
            () => "refused",
          ),
        )
        .toBe("refused")
      expect(closed).toBe(false)
      scripted.open()
      expect(JSON.parse((await connection.reply()).text)).toEqual(echo("in flight"))
      await closing
    })
  })
}
