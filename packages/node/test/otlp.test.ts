import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { InvalidOptions } from "@millrace/core"
import * as Effect from "effect/Effect"
import { expect, onTestFinished, test } from "vitest"
import { Millrace, Otlp } from "../src/index.ts"

interface Collected {
  readonly url: string | undefined
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: {
    readonly resourceSpans: ReadonlyArray<{
      readonly resource: {
        readonly attributes: ReadonlyArray<{ key: string; value: { stringValue: string } }>
      }
      readonly scopeSpans: ReadonlyArray<{
        readonly spans: ReadonlyArray<{
          readonly name: string
          readonly traceId: string
          readonly parentSpanId?: string
        }>
      }>
    }>
  }
}

/** Stands in for an OpenTelemetry collector. */
const collect = async (answer = 200) => {
  const requests: Array<Collected> = []
  const server = createServer((req, res) => {
    const parts: Array<Buffer> = []
    req.on("data", (part: Buffer) => parts.push(part))
    req.on("end", () => {
      const { url, headers } = req
      requests.push({ url, headers, body: JSON.parse(Buffer.concat(parts).toString()) })
      res.writeHead(answer, { "content-type": "application/json" }).end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    spans: () =>
      requests.flatMap(({ body }) =>
        body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      ),
  }
}

const key = "secret-1"
const traceId = "4bf92f3577b34da6a3ce929d0e0e4736"

const post = (millrace: Millrace.Millrace, headers: Readonly<Record<string, string>> = {}) => {
  const bytes = new TextEncoder().encode('{"user":{"userID":"u"},"event":"signed_up"}')
  return millrace.handle({
    method: "POST",
    url: "/v1/webhooks/event_webhook",
    headers: { "statsig-api-key": key, ...headers },
    body: () => Effect.succeed({ bytes, inflated: false }),
  })
}

const start = async (options: Otlp.OtlpOptions) => {
  const log: Array<string> = []
  const millrace = await Millrace.make({
    keys: { server: [key] },
    tracing: Otlp.layer(options),
    log: ({ message }) => log.push(message),
  })
  onTestFinished(async () => void (await millrace.close()))
  return { millrace, log }
}

test("spans reach the collector at the latest when it is closed, with what it asks for", async () => {
  const collector = await collect()
  const headers = { authorization: "Bearer t0ken" }
  const { millrace } = await start({ url: `${collector.url}/otlp/`, sample: 1, headers })
  expect((await post(millrace)).status).toBe(202)
  await millrace.close()
  const [first] = collector.requests
  expect(first?.url).toBe("/otlp/v1/traces")
  expect(first?.headers).toMatchObject({ ...headers, "content-type": "application/json" })
  expect(first?.body.resourceSpans[0]?.resource.attributes).toContainEqual({
    key: "service.name",
    value: { stringValue: "millrace" },
  })
  const [append, intake] = collector.spans()
  expect([append?.name, intake?.name]).toEqual(["millrace.append", "millrace.intake"])
  expect(append?.parentSpanId).toBe((intake as { readonly spanId?: string }).spanId)
})

test("of those that begin here as many are kept as is said, and those that callers ask for", async () => {
  const collector = await collect()
  const { millrace } = await start({ url: collector.url, sample: 0 })
  await post(millrace)
  await post(millrace, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` })
  await millrace.close()
  const found = collector.spans()
  expect(found.map(({ name }) => name)).toEqual(["millrace.append", "millrace.intake"])
  expect(new Set(found.map((span) => span.traceId))).toEqual(new Set([traceId]))
})

test("a collector that refuses them is told of once, and costs nothing else", async () => {
  const collector = await collect(400)
  const { millrace, log } = await start({ url: collector.url, sample: 1 })
  expect((await post(millrace)).status).toBe(202)
  await millrace.close()
  expect(collector.requests).toHaveLength(1)
  expect(log.filter((message) => message.includes("collector"))).toEqual(["spans do not reach the collector"])
})

test("what cannot be is refused at the start, and not shown", async () => {
  const options = { url: "collector-t0ken:4318", sample: 2 }
  const error = await start(options).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(InvalidOptions)
  expect((error as InvalidOptions).problems).toEqual([
    { path: "otlp.url", message: "expected a URL with http or https" },
    { path: "otlp.sample", message: "expected a number from 0 to 1" },
  ])
})
