import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { expect, onTestFinished, test } from "vitest"
import { spanNames } from "../src/base/Telemetry.ts"
import * as Millrace from "../src/Millrace.ts"
import * as Store from "../src/ports/Store.ts"
import { Transport, type TransportRequest } from "../src/ports/Transport.ts"
import { layerTest } from "./support/codec.ts"
import { clientKey, event, keys, request, sdkBody, serverKey } from "./support/intake.ts"
import { keepSpans } from "./support/spans.ts"

/** A Millrace whose destination answers as it is told, and what it was sent. */
const start = async (kept: ReturnType<typeof keepSpans> | null, answers: ReadonlyArray<number> = []) => {
  const sent: Array<TransportRequest> = []
  let arrived = () => {}
  const transport = Layer.succeed(Transport, {
    send: (request) =>
      Effect.sync(() => {
        sent.push(request)
        arrived()
        return { status: answers[sent.length - 1] ?? 200, retryAfter: null, body: "" }
      }),
  })
  const millrace = await Millrace.make({
    keys,
    destinations: [{ id: "hook", url: "https://hook.test/", batch: { maxDelay: 0 }, retry: { first: 1 } }],
    store: Store.layerMemory(),
    transport,
    codec: layerTest,
    ...(kept === null ? {} : { tracing: kept.layer }),
  })
  onTestFinished(async () => void (await millrace.close()))
  const until = async (count: number): Promise<void> => {
    while (sent.length < count) {
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    }
  }
  return { millrace, sent, until }
}

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"
const spanId = "00f067aa0ba902b7"
const traceparent = `00-${traceId}-${spanId}-01`

test("spans are made of a request, its append, a batch and its attempts, and go on to the destination", async () => {
  const kept = keepSpans()
  const { millrace, sent, until } = await start(kept, [503])
  const headers = { "statsig-api-key": serverKey, traceparent }
  const reply = await millrace.handle(request({ headers, body: sdkBody(event("a"), event("b")) }))
  expect(reply.status).toBe(202)
  await until(2)
  await millrace.close()

  const shown = kept.spans.map((span) => ({
    name: span.name,
    kind: span.kind,
    attributes: Object.fromEntries(span.attributes),
    parent: span.parent._tag === "Some" ? span.parent.value.spanId : null,
    hasFailed: span.status._tag === "Ended" && span.status.exit._tag === "Failure",
  }))
  const [intake, append, batch, first, second] = kept.spans
  expect(shown).toEqual([
    {
      ...{ name: spanNames.intake, kind: "server", parent: spanId, hasFailed: false },
      attributes: { route: "log_event", "http.response.status_code": 202 },
    },
    {
      ...{ name: spanNames.append, kind: "internal", parent: intake!.spanId, hasFailed: false },
      attributes: { partition: 0, events: 2, bytes: expect.any(Number) },
    },
    {
      ...{ name: spanNames.batch, kind: "internal", parent: null, hasFailed: false },
      attributes: { destination: "hook", partition: 0, events: 2, replay: false },
    },
    {
      ...{ name: spanNames.attempt, kind: "client", parent: batch!.spanId, hasFailed: true },
      attributes: {
        ...{ destination: "hook", events: 2, bytes: expect.any(Number), replay: false },
        ...{ outcome: "not-now", "http.response.status_code": 503 },
      },
    },
    {
      ...{ name: spanNames.attempt, kind: "client", parent: batch!.spanId, hasFailed: false },
      attributes: {
        ...{ destination: "hook", events: 2, bytes: expect.any(Number), replay: false },
        ...{ outcome: "delivered", "http.response.status_code": 200 },
      },
    },
  ])
  expect([intake!.traceId, append!.traceId]).toEqual([traceId, traceId])
  expect(batch!.traceId).not.toBe(traceId)
  expect(sent.map(({ headers }) => headers["traceparent"])).toEqual(
    [first, second].map((span) => `00-${batch!.traceId}-${span!.spanId}-01`),
  )
})

test("of those that are not kept there is nothing, and nothing goes out", async () => {
  const kept = keepSpans(() => false)
  const { millrace, sent } = await start(kept)
  await millrace.handle(request({ body: sdkBody() }))
  // A key that is public cannot ask for more than there would be.
  await millrace.handle(
    request({ headers: { "statsig-api-key": clientKey, traceparent }, body: sdkBody(event("b")) }),
  )
  await millrace.close()
  expect(kept.spans).toEqual([])
  expect(sent.length).toBeGreaterThan(0)
  for (const { headers } of sent) expect(headers).not.toHaveProperty("traceparent")
})

test("without a tracer no header goes out either", async () => {
  const { millrace, sent } = await start(null)
  await millrace.handle(request({ headers: { "statsig-api-key": serverKey, traceparent } }))
  await millrace.close()
  expect(sent).toHaveLength(1)
  expect(sent[0]!.headers).not.toHaveProperty("traceparent")
})

test("no span has a value of an event, a key or a URL", async () => {
  const kept = keepSpans()
  const { millrace } = await start(kept, [400, 400, 503])
  const private_ = "somebody@example.com"
  const body = sdkBody({ ...event(), user: { userID: private_, email: private_ }, value: private_ })
  await millrace.handle(request({ url: `/v1/log_event?k=${serverKey}&st=${private_}`, headers: {}, body }))
  await millrace.handle(request({ body: `{"events":[{"eventName":"${private_}",` }))
  await millrace.close()
  expect(kept.names()).toContain(spanNames.attempt)
  const text = kept.text()
  for (const secret of [private_, serverKey, "hook.test"]) expect(text).not.toContain(secret)
})
