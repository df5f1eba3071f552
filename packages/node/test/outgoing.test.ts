import { writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { Signature } from "@millrace/core"
import { Codec, Millrace } from "@millrace/node"
import { rawReply, scriptedProxy, scriptedReceiver, selfSigned } from "@millrace/testkit"
import { expect, it, onTestFinished } from "vitest"

/** A machine that does other things besides takes its time. */
const patient = { timeout: 30_000 }

interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A receiver that demands a token, and gives it back in its answer when it is wrong. */
const receiver = async (token: string, refuse = (_: number) => false) => {
  const received: Array<Received> = []
  const server = createServer((req, res) => {
    const chunks: Array<Buffer> = []
    req.on("data", (chunk: Buffer) => chunks.push(chunk))
    req.on("end", () => {
      received.push({ headers: req.headers, body: Buffer.concat(chunks) })
      const isKnown = req.headers["authorization"] === `Bearer ${token}`
      res.writeHead(refuse(received.length) ? 503 : isKnown ? 200 : 401)
      res.end(`no: ${req.headers["authorization"]}`)
    })
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  onTestFinished(() => void server.close())
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/` }
}

const standardWebhooks = `whsec_${Buffer.from("0123456789abcdef0123456789abcdef").toString("base64")}`

const start = async (destination: Record<string, unknown>) => {
  const lines: Array<string> = []
  const millrace = await Millrace.make({
    keys: "none",
    allowPrivateDestinations: true,
    destinations: [
      { id: "warehouse", batch: { maxDelay: 20 }, retry: { first: 1, max: 1 }, ...destination } as never,
    ],
    log: (line) => lines.push(JSON.stringify(line)),
  })
  onTestFinished(async () => void (await millrace.close({ deadline: 0 })))
  return { millrace, lines }
}

it("a receiver that demands a token and gzip gets all events, signed as they were sent", async () => {
  process.env["OUTGOING_TEST_TOKEN"] = "Bearer t0p-s3cret"
  onTestFinished(() => void delete process.env["OUTGOING_TEST_TOKEN"])
  const { received, url } = await receiver("t0p-s3cret", (request) => request <= 2)
  const { millrace, lines } = await start({
    url,
    compress: "gzip",
    format: "ndjson",
    headers: { Authorization: { env: "OUTGOING_TEST_TOKEN" }, "x-team": "growth" },
    signing: { standardWebhooks: [standardWebhooks] },
  })
  await millrace.logEvent({ event: "a", user: { userID: "u" } })
  await expect.poll(() => received.length, patient).toBe(3)
  const [first, second, third] = received
  expect(third?.headers).toMatchObject({
    authorization: "Bearer t0p-s3cret",
    "x-team": "growth",
    "content-encoding": "gzip",
    "content-type": "application/x-ndjson",
  })
  // The same batch is the same bytes on every attempt.
  expect(first?.body.equals(second!.body)).toBe(true)
  expect(second?.body.equals(third!.body)).toBe(true)
  expect(first?.headers["webhook-id"]).toBe(third?.headers["webhook-id"])
  const [line, ...others] = String(gunzipSync(third!.body)).split("\n")
  expect(JSON.parse(line!)).toMatchObject({ eventName: "a" })
  expect(others).toEqual([""])
  const secrets = { standardWebhooks: [standardWebhooks], statsig: null }
  const message = { headers: third!.headers, body: third!.body }
  expect(Signature.verify(Codec.codec, secrets, message, Date.now())._tag).toBe("Success")
  expect(lines.join("\n")).not.toContain("t0p-s3cret")
})

it("what a receiver repeats of a header is in no attempt, log or error", async () => {
  const { url } = await receiver("another")
  const { millrace, lines } = await start({ url, headers: { authorization: "Bearer t0p-s3cret" } })
  await millrace.logEvent({ event: "a", user: { userID: "u" } })
  await expect.poll(async () => (await millrace.attempts()).length, patient).toBeGreaterThan(0)
  const seen = JSON.stringify([
    await millrace.attempts(),
    await millrace.destinations(),
    await millrace.readiness(),
    lines,
  ])
  expect(seen).toContain("answered 401: no: ***")
  expect(seen).not.toContain("t0p-s3cret")
})

it("a receiver with an authority of its own, that knows us by a certificate, behind a proxy", async () => {
  const tls = { ...selfSigned, requestCert: true, ca: selfSigned.cert }
  const receiver = await scriptedReceiver((socket) => socket.write(rawReply(200)), { tls })
  const proxy = await scriptedProxy()
  const folder = await mkdtemp(join(tmpdir(), "millrace-outgoing-"))
  onTestFinished(async () => {
    await Promise.all([receiver.close(), proxy.close()])
    await rm(folder, { recursive: true })
  })
  const file = join(folder, "key.pem")
  writeFileSync(file, selfSigned.key)
  process.env["OUTGOING_TEST_CA"] = selfSigned.cert
  onTestFinished(() => void delete process.env["OUTGOING_TEST_CA"])
  const { millrace, lines } = await start({
    url: receiver.url,
    tls: { ca: { env: "OUTGOING_TEST_CA" }, cert: selfSigned.cert, key: { file } },
    proxy: proxy.url.replace("://", "://user:t0p-s3cret@"),
  })
  await millrace.logEvent({ event: "a", user: { userID: "u" } })
  await expect.poll(() => receiver.requests.length, patient).toBe(1)
  expect(proxy.requests).toEqual([
    {
      line: `CONNECT ${new URL(receiver.url).host}`,
      authorization: `Basic ${Buffer.from("user:t0p-s3cret").toString("base64")}`,
    },
  ])
  const seen = JSON.stringify([await millrace.attempts(), await millrace.destinations(), lines])
  expect(seen).not.toMatch(/t0p-s3cret|PRIVATE KEY/)
})

it("a proxy that refuses is told, and its credentials are not", async () => {
  const proxy = await scriptedProxy({ status: 407 })
  onTestFinished(() => proxy.close())
  for (const url of ["https://127.0.0.1:1/", "http://127.0.0.1:1/"]) {
    const { millrace, lines } = await start({ url, proxy: proxy.url.replace("://", "://user:t0p-s3cret@") })
    await millrace.logEvent({ event: "a", user: { userID: "u" } })
    await expect.poll(async () => (await millrace.attempts()).length, patient).toBeGreaterThan(0)
    const seen = JSON.stringify([await millrace.attempts(), await millrace.destinations(), lines])
    expect(seen).toContain("the proxy refuses: it wants other credentials (407)")
    expect(seen).not.toMatch(/t0p-s3cret|dXNlcjp/)
  }
})

it("certificates and proxies that are none are mistakes at the start, by their paths", async () => {
  const tls = { ca: { env: "NOT_SET_ANYWHERE" }, key: { file: "/none" }, cert: selfSigned.cert }
  await expect(start({ url: "https://x.test/", tls, proxy: { env: "NONE" } })).rejects.toMatchObject({
    problems: [
      { path: "destinations[0].tls.ca", message: expect.stringContaining("not set") },
      { path: "destinations[0].tls.key", message: expect.stringContaining("not there") },
      { path: "destinations[0].proxy", message: expect.stringContaining("not set") },
    ],
  })
  await expect(start({ url: "https://x.test/", tls: { ca: "t0p-s3cret" } })).rejects.toMatchObject({
    problems: [{ path: "destinations[0].tls.ca", message: "expected certificates in PEM" }],
  })
})

it("a variable that is not set is a mistake at the start, by its path", async () => {
  const starting = start({ url: "https://x.test/", headers: { authorization: { env: "NOT_SET_ANYWHERE" } } })
  await expect(starting).rejects.toMatchObject({
    problems: [
      { path: "destinations[0].headers.authorization", message: expect.stringContaining("not set") },
    ],
  })
})

it("a template is sent for each event by itself", async () => {
  const { received, url } = await receiver("t0p-s3cret")
  const { millrace } = await start({
    url,
    headers: { authorization: "Bearer t0p-s3cret" },
    format: { template: { text: "{{eventName}} by {{userID}}", value: "{{metadata.n}}" } },
  })
  await Promise.all(
    ["a", "b"].map((eventName, n) =>
      millrace.logEvent({ event: eventName, user: { userID: "u" }, metadata: { n } }),
    ),
  )
  await expect.poll(() => received.length, patient).toBe(2)
  expect(received.map(({ body }) => JSON.parse(String(body)))).toEqual([
    { text: "a by u", value: 0 },
    { text: "b by u", value: 1 },
  ])
})

it("a message is one for the whole batch", async () => {
  const { received, url } = await receiver("t0p-s3cret")
  const { millrace } = await start({
    url,
    headers: { authorization: "Bearer t0p-s3cret" },
    format: "slack",
    batch: { maxEvents: 3, maxDelay: "1 hour" },
  })
  for (const eventName of ["a", "a", "<!channel>"]) {
    await millrace.logEvent({ event: eventName, user: { userID: "u" } })
  }
  await expect.poll(() => received.length, patient).toBe(1)
  const text = String(received[0]!.body)
  expect(JSON.parse(text)).toMatchObject({
    blocks: expect.any(Array),
    text: expect.stringContaining("3 events"),
  })
  expect(text).not.toContain("<!channel>")
})
