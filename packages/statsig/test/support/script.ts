import { HttpIngest, Store } from "@millrace/core"
import { Codec } from "@millrace/node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { decode } from "../../src/Options.ts"
import * as PassThrough from "../../src/passThrough.ts"
import { Upstream, UpstreamError, type UpstreamReply, type UpstreamRequest } from "../../src/Upstream.ts"

export const serverKey = "secret-1"
export const otherKey = "secret-2"
const start = Date.UTC(2026, 0, 1)
const bytesOf = (text: string) => new TextEncoder().encode(text)

type Outcome = Effect.Effect<UpstreamReply, UpstreamError>

export const answered = (
  body: string,
  headers: Readonly<Record<string, string>> = {},
  status = 200,
): Outcome =>
  Effect.succeed({ status, headers: { "content-type": "application/json", ...headers }, body: bytesOf(body) })

export const failed = (reason: UpstreamError["reason"]): Outcome =>
  Effect.fail(new UpstreamError({ reason, code: "ECONNREFUSED" }))

/** A Millrace whose Statsig answers as the test says. */
export const open = Effect.fnUntraced(function* (store: Layer.Layer<Store.Store> = Store.layerMemory()) {
  const sent: Array<UpstreamRequest> = []
  const script = { answer: (_: UpstreamRequest): Outcome => answered("{}") }
  const upstream = Upstream.of({
    send: (request) =>
      Effect.suspend(() => {
        sent.push(request)
        return script.answer(request)
      }),
  })
  const routes = Effect.flatMap(Effect.fromResult(decode({ passThrough: true })), (settings) =>
    Effect.provideService(PassThrough.make(settings), Upstream, upstream),
  )
  const services = yield* Layer.build(
    HttpIngest.layer({ keys: { server: [serverKey, otherKey] }, extensions: [{ routes }] }).pipe(
      Layer.provide([store, Codec.layer]),
    ),
  )
  const http = Context.get(services, HttpIngest.HttpIngest)
  const ask = (
    method: string,
    url: string,
    headers: Readonly<Record<string, string>> = {},
    body = "",
  ): Effect.Effect<HttpIngest.IngestReply> =>
    http.handle({
      ...{ method, url, headers: { "statsig-api-key": serverKey, ...headers } },
      body: () => Effect.succeed({ bytes: bytesOf(body), inflated: false }),
    })
  return { sent, script, ask }
})

/** Runs a test under a virtual clock. @param lines get what is logged */
export const run = (effect: Effect.Effect<void, unknown, Scope.Scope>, lines: Array<string> = []) =>
  Effect.runPromise(
    Effect.scoped(Effect.andThen(TestClock.setTime(start), effect)).pipe(
      Effect.provide([
        TestClock.layer(),
        Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))]),
      ]),
    ),
  )
