import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { deflateSync, gzipSync } from "node:zlib"
import { expect, onTestFinished, test } from "vitest"
import { residentBytes, type Server, serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { type Receiver, receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const key = "secret-bad"
const MiB = 1024 * 1024

const start = async (): Promise<{ readonly server: Server; readonly receiver: Receiver }> => {
  const receiver = await receive()
  const server = await serve(["--server-key", key, "--webhook", receiver.url], { cwd: tempDir() })
  return { server, receiver }
}

const stop = async (server: Server): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

const event = { eventName: "e", user: { userID: "u" }, time: 1_700_000_000_000 }
const events = (...list: ReadonlyArray<unknown>): string => JSON.stringify({ events: list })
const without = (name: keyof typeof event): string => events({ ...event, [name]: undefined })
const having = (fields: Readonly<Record<string, unknown>>): string => events({ ...event, ...fields })
const nested = (levels: number): string =>
  `{"events":[{"eventName":"e","user":{},"time":1,"metadata":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}]}`
const encoded = (coding: string) => ({ "content-encoding": coding })
const bomb = gzipSync(new Uint8Array(512 * MiB))

/** `says` is what the message has to name. */
const cases: ReadonlyArray<
  readonly [
    name: string,
    body: string | Uint8Array,
    status: number,
    says: string,
    headers?: Readonly<Record<string, string>>,
    path?: string,
  ]
> = [
  ["nothing", "", 400, "body"],
  ["broken JSON", '{"events":[', 400, "body"],
  ["JSON and more", `${events(event)} x`, 400, "body"],
  ["a number", "7", 400, "body"],
  ["null", "null", 400, "body"],
  ["a text", '"events"', 400, "body"],
  ["no events", "{}", 400, "events"],
  ["events that are an object", '{"events":{"length":1}}', 400, "events"],
  ["an event that is null", events(null), 400, "events[0]"],
  ["an event that is a list", events([]), 400, "events[0]"],
  ["no name", without("eventName"), 400, "events[0].eventName"],
  ["an empty name", having({ eventName: "" }), 400, "events[0].eventName"],
  ["a name that is a number", having({ eventName: 1 }), 400, "events[0].eventName"],
  ["no user", without("user"), 400, "events[0].user"],
  ["a user that is a text", having({ user: "u" }), 400, "events[0].user"],
  ["a userID that is an object", having({ user: { userID: {} } }), 400, "events[0].user.userID"],
  ["no time", without("time"), 400, "events[0].time"],
  ["a time that is a text", having({ time: "now" }), 400, "events[0].time"],
  [
    "a time beyond all numbers",
    '{"events":[{"eventName":"e","user":{},"time":1e999}]}',
    400,
    "events[0].time",
  ],
  ["a value that is a list", having({ value: [] }), 400, "events[0].value"],
  ["metadata that is a text", having({ metadata: "m" }), 400, "events[0].metadata"],
  [
    "statsigMetadata that is a list",
    JSON.stringify({ events: [event], statsigMetadata: [] }),
    400,
    "statsigMetadata",
  ],
  ["65 levels", nested(65), 400, "nest"],
  ["200,000 levels", nested(200_000), 400, "nest"],
  ["200,000 levels of lists without an end", "[".repeat(200_000), 400, "body"],
  ["a million levels, compressed", gzipSync("[".repeat(MiB)), 400, "body", encoded("gzip")],
  ["invalid UTF-8", Buffer.from(having({ eventName: "\u00ff" }), "latin1"), 400, "body"],
  [
    "a client time that is none",
    events(event),
    400,
    "STATSIG-CLIENT-TIME",
    { "statsig-client-time": "yesterday" },
  ],
  ["an unknown encoding", events(event), 415, "content-encoding", encoded("br")],
  ["two encodings", gzipSync(gzipSync(events(event))), 415, "content-encoding", encoded("gzip, gzip")],
  ["a declared gzip that is none", events(event), 400, "body", encoded("gzip")],
  ["a declared gzip that is deflate", deflateSync(events(event)), 400, "body", encoded("gzip")],
  ["a declared zstd that is none", events(event), 400, "body", encoded("zstd")],
  ["half a gzip", gzipSync(nested(60)).subarray(0, -9), 400, "body", encoded("gzip")],
  ["11 MB", new Uint8Array(11 * MiB).fill(0x20), 413, "body"],
  ["512 MB of zeros in a small gzip", bomb, 413, "body", encoded("gzip")],
  ["10,001 events", `{"events":[${"1,".repeat(10_000)}1]}`, 413, "events"],
  ["a webhook's list of lists", events([]), 400, "events[0]", {}, "/v1/webhooks/event_webhook"],
  ["no key", events(event), 401, "statsig-api-key", { "statsig-api-key": "" }],
  ["a wrong key", events(event), 401, "statsig-api-key", { "statsig-api-key": "secret-worse" }],
]

test("gets a 4xx that names the path; memory stays bounded, and the next request is taken", async () => {
  const { server, receiver } = await start()
  const send = (body: string | Uint8Array, headers = {}, path = "/v1/log_event") =>
    post(`${server.url}${path}`, { ...eventHeaders(key), ...headers }, body)
  await send(eventsBody(["before"]))
  const before = residentBytes(server.pid)

  for (const [name, body, status, says, headers, path] of cases) {
    const reply = await send(body, headers, path)
    expect.soft(reply.status, name).toBe(status)
    const refusal = JSON.parse(reply.body) as { readonly message: string; readonly status: number }
    expect.soft(Object.keys(refusal).sort(), name).toEqual(["message", "status"])
    expect.soft(refusal.status, name).toBe(status)
    expect.soft(refusal.message, name).toContain(says)
    expect.soft(refusal.message.length, name).toBeLessThan(200)
  }

  const bombs = await Promise.all(Array.from({ length: 64 }, () => send(bomb, encoded("gzip"))))
  expect(bombs.map(({ status }) => status)).toEqual(bombs.map(() => 413))
  // One bomb let off is more than this.
  expect(residentBytes(server.pid) - before).toBeLessThan(256 * MiB)

  expect(await send(eventsBody(["after"]))).toMatchObject({ status: 202 })
  await receiver.until(() => receiver.events.length >= 2)
  await stop(server)
  expect(receiver.events.map(({ metadata }) => metadata["id"])).toEqual(["before", "after"])
  expect(server.stderr()).not.toContain("ERROR")
})

test("__proto__ is a key like any other: it goes through, and changes nothing else", async () => {
  const { server, receiver } = await start()
  const polluted = '"__proto__":{"polluted":"yes","toString":1}'
  const body = `{"events":[{"eventName":"first","user":{"userID":"u",${polluted}},"time":1,"metadata":{${polluted}},${polluted}}],${polluted}}`
  for (const text of [body, events({ ...event, eventName: "second", metadata: {} })]) {
    expect(await post(`${server.url}/v1/log_event`, eventHeaders(key), text)).toMatchObject({ status: 202 })
  }
  await receiver.until(() => receiver.events.length >= 2)
  await stop(server)
  const [first, second] = receiver.events
  expect(Object.getOwnPropertyDescriptor(first!.metadata, "__proto__")?.value).toEqual({
    polluted: "yes",
    toString: 1,
  })
  expect(JSON.stringify(second)).not.toContain("polluted")
})

/** A connection that was written to and left open; resolves once it is there. */
const openSocket = async (url: string, text: string): Promise<Socket> => {
  const { port } = new URL(url)
  const socket = connect(Number(port), "127.0.0.1")
  onTestFinished(() => void socket.destroy())
  socket.on("error", () => {})
  await once(socket, "connect")
  socket.write(text)
  return socket
}

const answerTo = async (url: string, text: string): Promise<string> => {
  const socket = await openSocket(url, text)
  let answer = ""
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    answer += chunk
  })
  await once(socket, "close")
  return answer
}

const head = (lines: ReadonlyArray<string>): string =>
  [`POST /v1/log_event HTTP/1.1`, "host: x", "connection: close", ...lines, "", ""].join("\r\n")

test("what is no HTTP gets a 4xx too, where an answer is possible", async () => {
  const { server } = await start()
  const withKey = [`statsig-api-key: ${key}`, "statsig-client-time: 1700000000000"]
  for (const [name, text, status] of [
    ["no HTTP at all", "hello\r\n\r\n", 400],
    ["TLS", "\u0016\u0003\u0001\u0002\u0000\u0001", 400],
    ["a head without an end", head([`x: ${"y".repeat(64 * 1024)}`]), 431],
    ["two lengths", head([...withKey, "content-length: 2", "content-length: 3"]), 400],
    ["a length and chunks", head([...withKey, "content-length: 2", "transfer-encoding: chunked"]), 400],
    ["a chunk of a strange size", `${head([...withKey, "transfer-encoding: chunked"])}zz\r\n`, 400],
    ["two keys", `${head([...withKey, "statsig-api-key: secret-other", "content-length: 2"])}{}`, 401],
    ["a method of its own", "BREW /v1/log_event HTTP/1.1\r\nhost: x\r\n\r\n", 400],
  ] as const) {
    expect.soft(await answerTo(server.url, text), name).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  }
  expect(await post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody(["a"]))).toMatchObject({
    status: 202,
  })
})

test("300 half-open connections hold up neither others nor the stop", async () => {
  const { server } = await start()
  const halves = [
    "",
    "POST /v1/log_event HTTP/1.1\r\nhost: x\r\nstatsig-api",
    `POST /v1/log_event HTTP/1.1\r\nhost: x\r\nstatsig-api-key: ${key}\r\ncontent-length: 1000\r\n\r\n{"events":`,
  ]
  await Promise.all(Array.from({ length: 300 }, (_, index) => openSocket(server.url, halves[index % 3]!)))
  const replies = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      post(`${server.url}/v1/log_event`, eventHeaders(key), eventsBody([String(index)])),
    ),
  )
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202))
  await stop(server)
})
