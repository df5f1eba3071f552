/** Over 400 lines because the contract is one list of cases for every transport. */
import type { Socket } from "node:net"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import { type InvalidOptions, Transport } from "@millrace/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { describe, expect, it, onTestFinished } from "vitest"
import { type ScriptedProxyOptions, scriptedProxy } from "./internal/scriptedProxy.ts"
import {
  rawReply,
  type ScriptedReceiver,
  type ScriptedReceiverOptions,
  scriptedReceiver,
} from "./internal/scriptedReceiver.ts"
import { otherSelfSigned, selfSigned } from "./internal/selfSigned.ts"
import { suiteTimeout, within } from "./internal/waiting.ts"

/** A transport that may send to 127.0.0.1, where the receivers of the contract are. */
export type MakeTransport = () => Layer.Layer<Transport.Transport, InvalidOptions>

type Script = Parameters<typeof scriptedReceiver>[0]

type Outcome = Transport.TransportReply | Transport.TransportError

/** ms. Long enough for anything that is to succeed. */
const patient = 20_000

/** ms. More than a test may take: what is to end before must be ended. */
const endless = 600_000

/** ms. What a receiver that never ends is given. */
const brief = 150

/**
 * More than any transport may read of a reply or keep in buffers on the way, and far less than what
 * is offered.
 */
const boundedBytes = 64 * 1024 * 1024

const secret = "s3cret"

const request = (
  url: string,
  more: Partial<Transport.TransportRequest> = {},
): Transport.TransportRequest => ({
  url,
  headers: { "content-type": "application/json", "webhook-id": "msg_1" },
  body: new TextEncoder().encode('[{"eventName":"größe"}]'),
  timeout: patient,
  ...more,
})

/** A request that holds the secret wherever one may stand. */
const secretRequest = (url: string, timeout = patient): Transport.TransportRequest => {
  const { protocol, host } = new URL(url)
  return request(`${protocol}//user:${secret}@${host}/${secret}?token=${secret}`, {
    headers: { authorization: `Bearer ${secret}`, "webhook-signature": `v1,${secret}` },
    body: new TextEncoder().encode(JSON.stringify([{ eventName: secret }])),
    timeout,
  })
}

const serve = async (script: Script, options?: ScriptedReceiverOptions): Promise<ScriptedReceiver> => {
  const receiver = await scriptedReceiver(script, options)
  onTestFinished(() => receiver.close())
  return receiver
}

const serveProxy = async (options?: ScriptedProxyOptions) => {
  const proxy = await scriptedProxy(options)
  onTestFinished(() => proxy.close())
  return proxy
}

/** With credentials that hold the secret. */
const withSecret = (url: string): string => url.replace("://", `://user:${secret}@`)

const closed = (socket: Socket): Promise<unknown> =>
  within(
    "the transport to close a connection",
    socket.closed ? null : new Promise((resolve) => socket.once("close", resolve)),
  )

const allClosed = ({ sockets }: ScriptedReceiver) => Promise.all(sockets.map(closed))

/** Writes the same text again and again until the connection is closed. */
const repeat = (socket: Socket, text: string, every = 10): void => {
  const timer = setInterval(() => socket.write(text), every)
  socket.on("close", () => clearInterval(timer))
}

/** Writes as fast as the other side reads, at most so many bytes. */
const flood = (socket: Socket, chunk: string, bytes: number): void => {
  let left = bytes
  const more = () => {
    while (left > 0 && socket.writable) {
      left -= chunk.length
      if (!socket.write(chunk, "latin1")) return
    }
  }
  socket.on("drain", more)
  more()
}

const failed = (reason: Transport.TransportError["reason"]) => ({ _tag: "TransportError", reason })

const expectNoSecret = (outcome: Outcome) =>
  expect(`${JSON.stringify(outcome)} ${String(outcome)}`).not.toContain(secret)

/** A transport that lives until it is closed, or the test is finished. */
const open = async (make: MakeTransport) => {
  const scope = Scope.makeUnsafe()
  const close = () => within("the transport to close", Effect.runPromise(Scope.close(scope, Exit.void)))
  onTestFinished(close)
  const context = await within(
    "the transport to open",
    Effect.runPromise(Layer.buildWithScope(make(), scope)),
  )
  const transport = Context.get(context, Transport.Transport)
  return {
    transport,
    close,
    send: (one: Transport.TransportRequest): Promise<Outcome> => {
      const sending = transport.send(one).pipe(
        // Whether the body is free is each transport's to say, or not.
        Effect.map(({ status, retryAfter, body }) => ({ status, retryAfter, body })),
        Effect.catchTag("TransportError", Effect.succeed),
      )
      return within("the transport to answer", Effect.runPromise(sending), patient)
    },
  }
}

const statuses = [200, 201, 202, 204, 304, 400, 401, 403, 404, 408, 410, 413, 422, 429, 500, 501, 503, 599]

/** Handed on as they are: what they mean is not the transport's to say. */
const retryAfters = [
  "120",
  "0",
  "-1",
  "1e400",
  "99999999999999999999999999",
  "soon",
  "1.5",
  "Fri, 31 Dec 1999 23:59:59 GMT",
  '";DROP TABLE',
]

const redirectTargets = [
  "/elsewhere",
  "http://169.254.169.254/latest/meta-data/",
  "http://127.0.0.1:1/",
  "http://[::1]/",
  "https://example.com/",
  "file:///etc/passwd",
  "//",
]

const endlessReplies: ReadonlyArray<readonly [string, Script]> = [
  ["nothing is answered", () => {}],
  ["the head does not end", (socket) => socket.write("HTTP/1.1 200 OK\r\nx-slow: ")],
  [
    "the head drips",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-slow: ")
      repeat(socket, "x")
    },
  ],
  ["the body does not come", (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")],
  ["the body does not end", (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")],
  [
    "the body drips",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
      repeat(socket, "x")
    },
  ],
  [
    "chunks drip",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
      repeat(socket, "1\r\nx\r\n")
    },
  ],
  ["it is only ever announced", (socket) => repeat(socket, "HTTP/1.1 103 Early Hints\r\n\r\n")],
]

const brokenReplies: ReadonlyArray<readonly [string, Script]> = [
  ["a reset before the head", (socket) => socket.resetAndDestroy()],
  ["an end before the head", (socket) => socket.end()],
  ["an end within the head", (socket) => socket.end("HTTP/1.1 200 O")],
  ["an end within a header", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n")],
  ["an end in place of a body", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n")],
  ["an end within the body", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")],
  [
    "an end within a chunk",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab"),
  ],
  [
    "an end between chunks",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n"),
  ],
  [
    "a reset within the body",
    (socket) =>
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc", () => socket.resetAndDestroy()),
  ],
  ["another protocol", (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n")],
  ["bytes of no protocol", (socket) => socket.end(Buffer.from([0, 255, 13, 10, 13, 10, 128]))],
  ["a status that is none", (socket) => socket.end("HTTP/1.1 banana OK\r\ncontent-length: 0\r\n\r\n")],
  ["a header that is none", (socket) => socket.end("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")],
  ["a length that is none", (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n")],
  [
    "two lengths",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 9\r\n\r\n"),
  ],
  [
    "a chunk whose size is none",
    (socket) => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
  ],
  [
    "a header of 16 MB",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\nx-huge: ")
      flood(socket, "x".repeat(65_536), 16 * 1024 * 1024)
    },
  ],
  [
    "a million headers",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n")
      flood(socket, "x-more: x\r\n".repeat(1000), 11_000_000)
    },
  ],
]

/**
 * Registers the contract of the `Transport` port as vitest tests: what delivery relies on, whatever
 * the far end does. Everything happens over real sockets, against receivers on 127.0.0.1 that
 * answer as the worst of the Internet do.
 *
 * A reply counts when it is complete, whatever its status. A 2xx whose body breaks off is therefore
 * no delivery: its sender may have broken while it was handling the events, and sending them again
 * under the same id is what at-least-once means.
 *
 * @example
 * ```ts
 * transportContract("undici", () => Transport.layer({ allowPrivate: true }))
 * ```
 */
export const transportContract = (name: string, make: MakeTransport): void => {
  /** Sends one request to a receiver of its own. */
  const sendTo = async (
    script: Script,
    more: Partial<Transport.TransportRequest> = {},
    options?: ScriptedReceiverOptions,
  ) => {
    const receiver = await serve(script, options)
    const { send } = await open(make)
    return { receiver, outcome: await send(request(receiver.url, more)) }
  }

  describe(`${name} keeps the contract of Transport`, { timeout: suiteTimeout }, () => {
    describe("sending", () => {
      it("posts the bytes with the headers, and gives the reply", async () => {
        const receiver = await serve((socket) =>
          socket.write(rawReply(202, "thank you", "retry-after: 7\r\n")),
        )
        const { send } = await open(make)
        expect(await send(request(`${receiver.url}/hook?token=1`))).toEqual({
          status: 202,
          retryAfter: "7",
          body: "thank you",
        })
        const [{ head, body }] = receiver.requests as [{ head: string; body: string }]
        expect(head).toMatch(/^POST \/hook\?token=1 HTTP\/1\.1\r\n/)
        expect(head).toMatch(/^webhook-id: msg_1$/im)
        expect(head).toMatch(/^content-type: application\/json$/im)
        expect(head).toMatch(/^content-length: 25$/im)
        expect(Buffer.from(body, "latin1").toString()).toBe('[{"eventName":"größe"}]')
      })

      it("tells more of the reply to whoever wants it, within bounds", async () => {
        const { count, length } = Transport.maxReplyHeaders
        const many = Array.from({ length: count + 10 }, (_, at) => `x-${at}: ${"v".repeat(length + 10)}\r\n`)
        const receiver = await serve((socket) =>
          socket.write(rawReply(202, "thank you", `server: it\r\n${many.join("")}`)),
        )
        const { send } = await open(make)
        const reply = (await send(request(receiver.url, { wantsDetails: true }))) as Transport.TransportReply
        expect(reply).toMatchObject({ status: 202, body: "thank you" })
        if (reply.details === undefined) return
        const { headers, address, connect, firstByte } = reply.details
        expect(headers["server"]).toBe("it")
        expect(Object.keys(headers).length).toBeLessThanOrEqual(count)
        for (const value of Object.values(headers)) expect(value.length).toBeLessThanOrEqual(length)
        expect(address).toBe("127.0.0.1")
        expect(Math.min(connect, firstByte)).toBeGreaterThanOrEqual(0)
      })

      it("credentials in a URL become a header, unless there is one", async () => {
        const receiver = await serve((socket) => socket.write(rawReply(200)))
        const { host } = new URL(receiver.url)
        const { send } = await open(make)
        await send(request(`http://us%40er:p%C3%A4ss@${host}/`))
        await send(request(`http://user:pass@${host}/`, { headers: { Authorization: "Bearer mine" } }))
        expect(receiver.requests[0]!.head).toContain(
          `authorization: Basic ${Buffer.from("us@er:päss").toString("base64")}`,
        )
        expect(receiver.requests[1]!.head.match(/^authorization: .*$/gim)).toEqual([
          "Authorization: Bearer mine",
        ])
        // A % that escapes nothing is one, and so is any byte that is escaped.
        for (const [credentials, sent] of [
          ["user:100%", "user:100%"],
          ["user:%zz%25%", "user:%zz%%"],
          ["%:50%2", "%:50%2"],
          ["user:%E4", "user:\xe4"],
        ] as const) {
          await send(request(`http://${credentials}@${host}/`))
          expect(receiver.requests.at(-1)!.head).toContain(
            `authorization: Basic ${Buffer.from(sent, "latin1").toString("base64")}`,
          )
        }
      })

      it("fifty requests at once get each its own reply", async () => {
        const receiver = await serve((socket, { body }) =>
          setTimeout(() => socket.write(rawReply(200, body)), Number(body) % 7),
        )
        const { send } = await open(make)
        const bodies = Array.from({ length: 50 }, (_, at) => String(at))
        const outcomes = await Promise.all(
          bodies.map((body) => send(request(receiver.url, { body: new TextEncoder().encode(body) }))),
        )
        expect(outcomes).toEqual(bodies.map((body) => ({ status: 200, retryAfter: null, body })))
      })

      it("connections are used again, and closed with the transport", async () => {
        const receiver = await serve((socket) => socket.write(rawReply(200, "ok")))
        const { send, close } = await open(make)
        for (let count = 0; count < 10; count++) await send(request(receiver.url))
        expect(receiver.requests).toHaveLength(10)
        // Two, because the next request may come before the reply to the last is put away.
        expect(receiver.sockets.length).toBeLessThanOrEqual(2)
        await close()
        await allClosed(receiver)
      })
    })

    describe("a reply", () => {
      it.each(statuses)("%i is one like any other", async (status) => {
        const { outcome } = await sendTo((socket) => socket.end(rawReply(status)))
        expect(outcome).toEqual({ status, retryAfter: null, body: "" })
      })

      it.each([301, 302, 303, 307, 308])("%i is not followed, wherever it leads", async (status) => {
        for (const target of redirectTargets) {
          const { outcome, receiver } = await sendTo((socket) =>
            socket.write(rawReply(status, "", `location: ${target}\r\n`)),
          )
          expect(outcome).toEqual({ status, retryAfter: null, body: "" })
          expect(receiver.requests).toHaveLength(1)
        }
      })

      it.each(retryAfters)("retry-after: %s is handed on as it came", async (retryAfter) => {
        const { outcome } = await sendTo((socket) =>
          socket.write(rawReply(503, "", `Retry-After: ${retryAfter}\r\n`)),
        )
        expect(outcome).toMatchObject({ status: 503, retryAfter })
      })

      it("of several retry-after the first is taken", async () => {
        const { outcome } = await sendTo((socket) =>
          socket.write(rawReply(429, "", "retry-after: 7\r\nretry-after: 9\r\n")),
        )
        expect(outcome).toMatchObject({ status: 429, retryAfter: "7" })
      })

      it("the beginning of its body is kept, as text", async () => {
        const { outcome } = await sendTo((socket) =>
          socket.write(rawReply(500, `${"ü".repeat(Transport.maxReplyLength + 500)}end`)),
        )
        expect(outcome).toMatchObject({ status: 500, body: "ü".repeat(Transport.maxReplyLength) })
      })

      it("headers of 20 KB, as proxies write them, are read", async () => {
        const policy = `content-security-policy: ${"x".repeat(20_000)}\r\n`
        const { outcome } = await sendTo((socket) => socket.write(rawReply(200, "ok", policy)))
        expect(outcome).toMatchObject({ status: 200, body: "ok" })
      })

      it.each([
        ["gzip", gzipSync],
        ["x-gzip", gzipSync],
        ["deflate", deflateSync],
        ["br", brotliCompressSync],
      ] as const)(
        "a body that is compressed as %s is read, as far as it is wanted",
        async (encoding, compress) => {
          for (const [text, read] of [
            ["no such hook: größe", "no such hook: größe"],
            ["x".repeat(32 * 1024 * 1024), "x".repeat(Transport.maxReplyLength)],
          ] as const) {
            const body = compress(text)
            const { outcome } = await sendTo((socket) => {
              socket.write(
                `HTTP/1.1 503 X\r\ncontent-encoding: ${encoding}\r\ncontent-length: ${body.length}\r\n\r\n`,
              )
              socket.write(body)
            })
            expect(outcome).toMatchObject({ status: 503, body: read })
          }
        },
      )

      it.each([
        ["content-encoding: gzip\r\n", "plain after all", "plain after all"],
        ["content-encoding: gzip\r\n", "\x1f\x8b\x08broken", "(its body says that it is gzip, and is not)"],
        ["content-encoding: utf-8\r\n", "plain", "plain"],
        ["content-encoding: x-own\r\n", "\x01\x02", "(its body is in the content encoding x-own)"],
        ["content-encoding: a, b, c\r\n", "\x01\x02", "(its body is in the content encoding another)"],
        ["content-type: text/plain; charset=iso-8859-1\r\n", "gr\xf6\xdfe", "größe"],
        ["content-type: text/plain; charset=none-such\r\n", "plain", "plain"],
        ["content-encoding: gzip\r\n", "", ""],
      ])("what cannot be read of it is described: %j, %j", async (header, bytes, body) => {
        const { outcome } = await sendTo((socket) =>
          socket.write(
            rawReply(500, "", header).replace(/content-length: 0/i, `content-length: ${bytes.length}`) +
              bytes,
            "latin1",
          ),
        )
        expect(outcome).toMatchObject({ status: 500, body })
      })

      it("a body that is no text does no harm", async () => {
        const { outcome } = await sendTo((socket) => {
          socket.write("HTTP/1.1 500 X\r\ncontent-length: 3\r\n\r\n")
          socket.write(Buffer.from([0x61, 0xff, 0xc3]))
        })
        expect(outcome).toMatchObject({ status: 500, body: "a\ufffd\ufffd" })
      })

      it.each([
        ["with its length", "content-length: 1073741824\r\n\r\n", "x".repeat(65_536)],
        ["in chunks", "transfer-encoding: chunked\r\n\r\n", `8000\r\n${"x".repeat(0x8000)}\r\n`],
        ["up to the end of the connection", "\r\n", "x".repeat(65_536)],
      ])("of a body of 1 GB, %s, little is read, and its connection is closed", async (_, head, chunk) => {
        const { outcome, receiver } = await sendTo((socket) => {
          socket.write(`HTTP/1.1 200 OK\r\n${head}`)
          flood(socket, chunk, 1024 ** 3)
        })
        expect(outcome).toEqual({
          status: 200,
          retryAfter: null,
          body: "x".repeat(Transport.maxReplyLength),
        })
        await allClosed(receiver)
        expect(receiver.sockets[0]!.bytesWritten).toBeLessThan(boundedBytes)
      })

      it.each([
        ["with its length", "content-length: 2\r\n\r\nok"],
        ["up to the end of the connection", "\r\nok"],
      ])("HTTP/1.0, %s, is one", async (_, rest) => {
        const { outcome } = await sendTo((socket) => socket.end(`HTTP/1.0 200 OK\r\n${rest}`))
        expect(outcome).toEqual({ status: 200, retryAfter: null, body: "ok" })
      })

      it("what is announced by 102 and 103 is not it yet", async () => {
        const { outcome } = await sendTo((socket) =>
          socket.write(
            `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${rawReply(503)}`,
          ),
        )
        expect(outcome).toMatchObject({ status: 503 })
      })

      it.each(["100 Continue", "101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x"])(
        "%s, which nobody asked for, never stands for one",
        async (line) => {
          const { outcome } = await sendTo((socket) =>
            socket.write(`HTTP/1.1 ${line}\r\n\r\n${rawReply(503)}`),
          )
          if ("status" in outcome) expect(outcome.status).toBe(503)
          else expect(outcome).toMatchObject(failed("ConnectionFailed"))
        },
      )

      it("may come before all of the request has been sent", async () => {
        const { outcome } = await sendTo(
          (socket) => socket.end(rawReply(413, "", "connection: close\r\n")),
          { body: new Uint8Array(32 * 1024 * 1024).fill(0x20) },
          { early: true },
        )
        // The connection may be reset before the reply has been read.
        if ("status" in outcome) expect(outcome.status).toBe(413)
        else expect(outcome).toMatchObject(failed("ConnectionFailed"))
      })
    })

    describe("time", () => {
      it.each(endlessReplies)("runs out when %s, and the connection is closed", async (_, script) => {
        const receiver = await serve(script)
        const { send } = await open(make)
        const outcome = await send(secretRequest(receiver.url, brief))
        expect(outcome).toMatchObject(failed("Timeout"))
        expectNoSecret(outcome)
        await allClosed(receiver)
      })

      it("runs out when the receiver does not read", async () => {
        const { outcome } = await sendTo(
          (socket) => socket.pause(),
          { body: new Uint8Array(64 * 1024 * 1024).fill(0x20), timeout: brief },
          { early: true },
        )
        expect(outcome).toMatchObject(failed("Timeout"))
      })

      // Well below any transport's own limit of time for a connection.
      it("runs out when TLS is never agreed on", { timeout: 5_000 }, async () => {
        const receiver = await serve(() => {})
        const { send, close } = await open(make)
        const outcome = await send(secretRequest(receiver.url.replace("http", "https"), brief))
        expect(outcome).toMatchObject(failed("Timeout"))
        expectNoSecret(outcome)
        await close()
        await allClosed(receiver)
      })

      it.each([0, 0.5, Number.MAX_SAFE_INTEGER])("%d ms is one, too", async (timeout) => {
        const { outcome } = await sendTo((socket) => socket.write(rawReply(200)), { timeout })
        if (timeout < 1 && "reason" in outcome) expect(outcome.reason).toBe("Timeout")
        else expect(outcome).toMatchObject({ status: 200 })
      })
    })

    describe("ConnectionFailed:", () => {
      it.each(brokenReplies)("%s", async (_, script) => {
        const receiver = await serve(script)
        const { send } = await open(make)
        const outcome = await send(secretRequest(receiver.url))
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expectNoSecret(outcome)
        await allClosed(receiver)
        expect(receiver.sockets.length).toBe(1)
        expect(receiver.sockets[0]!.bytesWritten).toBeLessThan(boundedBytes)
      })

      it("nobody is there", async () => {
        const gone = await scriptedReceiver(() => {})
        await gone.close()
        const { send } = await open(make)
        const outcome = await send(secretRequest(gone.url))
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expectNoSecret(outcome)
      })

      it("the name is not known", async () => {
        const { send } = await open(make)
        // RFC 6761: a name that never exists.
        const outcome = await send(secretRequest("http://nobody.invalid/"))
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expectNoSecret(outcome)
      })

      it("a certificate that nobody has signed: nothing is sent", async () => {
        const receiver = await serve((socket) => socket.write(rawReply(200)), { tls: selfSigned })
        const { send } = await open(make)
        const outcome = await send(secretRequest(receiver.url))
        expect(outcome).toMatchObject(failed("CertificateRefused"))
        expect(String(outcome)).toContain("self-signed")
        expectNoSecret(outcome)
        expect(receiver.requests).toEqual([])
      })

      it("no TLS where it is expected: nothing is sent", async () => {
        const receiver = await serve(() => {}, { greeting: rawReply(400) })
        const { send } = await open(make)
        const outcome = await send(secretRequest(receiver.url.replace("http", "https")))
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expect(String(outcome)).toContain("no TLS on this port")
        expectNoSecret(outcome)
      })

      it("what cannot be sent is not, and shows nothing of itself", async () => {
        const receiver = await serve((socket) => socket.write(rawReply(200)))
        const { send } = await open(make)
        for (const one of [
          request(receiver.url, { headers: { "x-bad": `${secret}\r\nx-injected: 1` } }),
          request(receiver.url, { headers: { [`bad ${secret}`]: "1" } }),
          request(`no-url-${secret}`),
          request(`ftp://${secret}/`),
          request(`http://[${secret}]/`),
        ]) {
          const outcome = await send(one)
          expect(outcome).toMatchObject(failed("ConnectionFailed"))
          expectNoSecret(outcome)
        }
        expect(receiver.requests).toEqual([])
      })
    })

    describe("a connection used again", () => {
      /** A second request over a transport whose first one went well. */
      const twice = async (script: Script, firstStatus = 200) => {
        const receiver = await serve(script)
        const { send } = await open(make)
        expect(await send(request(receiver.url))).toMatchObject({ status: firstStatus })
        return { receiver, outcome: await send(secretRequest(receiver.url)) }
      }

      it("that the receiver closes just then: a reply or ConnectionFailed, and never silence", async () => {
        for (let round = 0; round < 20; round++) {
          const { outcome } = await twice((socket) => {
            socket.write(rawReply(200))
            if (round % 2 === 0) socket.end()
            else setImmediate(() => socket.end())
          })
          if ("status" in outcome) expect(outcome.status).toBe(200)
          else expect(outcome).toMatchObject(failed("ConnectionFailed"))
        }
      })

      it("that the receiver resets instead of answering", async () => {
        const { outcome } = await twice((socket, _, index) =>
          index === 0 ? socket.write(rawReply(200)) : socket.resetAndDestroy(),
        )
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expectNoSecret(outcome)
      })

      it("what came after the last reply is not the next one", async () => {
        const { outcome } = await twice((socket) => socket.write(`${rawReply(503)}${rawReply(200)}`), 503)
        if ("status" in outcome) expect(outcome.status).toBe(503)
        else expect(outcome).toMatchObject(failed("ConnectionFailed"))
      })

      it("a body longer than it said does not leak into the next reply", async () => {
        const long =
          "HTTP/1.1 500 X\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
        const { outcome } = await twice((socket) => socket.write(long), 500)
        if ("status" in outcome) expect(outcome.status).toBe(500)
        else expect(outcome).toMatchObject(failed("ConnectionFailed"))
      })

      it("an attempt that timed out leaves nothing for the next", async () => {
        const receiver = await serve((socket, _, index) => {
          if (index === 1) socket.write(rawReply(503))
        })
        const { send } = await open(make)
        expect(await send(request(receiver.url, { timeout: brief }))).toMatchObject(failed("Timeout"))
        await closed(receiver.sockets[0]!)
        expect(await send(request(receiver.url))).toMatchObject({ status: 503 })
      })
    })

    describe("a connection that is asked for", () => {
      const ok: Script = (socket) => socket.write(rawReply(200, "ok"))
      const reply = { status: 200, retryAfter: null, body: "ok" }
      const trusting = { tls: { ca: selfSigned.cert } }
      const known = { ca: selfSigned.cert, cert: selfSigned.cert, key: selfSigned.key }
      /** Asks for a certificate, and knows one. */
      const demanding = { ...selfSigned, requestCert: true, ca: selfSigned.cert }

      it("believes the authority it is given; others do not, also right behind it", async () => {
        const receiver = await serve(ok, { tls: selfSigned })
        const { send } = await open(make)
        for (const connection of [trusting, structuredClone(trusting)]) {
          expect(await send(request(receiver.url, { connection }))).toEqual(reply)
        }
        // Two, because the next request may come before the reply to the last is put away.
        expect(receiver.sockets.length).toBeLessThanOrEqual(2)
        for (const connection of [undefined, {}, { tls: { ca: otherSelfSigned.cert } }]) {
          const outcome = await send({
            ...secretRequest(receiver.url),
            ...(connection === undefined ? {} : { connection }),
          })
          expect(outcome).toMatchObject(failed("CertificateRefused"))
          expectNoSecret(outcome)
        }
        expect(receiver.requests).toHaveLength(2)
      })

      it("expects the certificate to be for another name, if it is told so", async () => {
        const { outcome, receiver } = await sendTo(
          ok,
          { connection: { tls: { ...trusting.tls, servername: "another.example" } } },
          { tls: selfSigned },
        )
        expect(outcome).toMatchObject(failed("CertificateRefused"))
        expect(receiver.requests).toEqual([])
      })

      it("shows its certificate to a receiver that demands one", async () => {
        const receiver = await serve(ok, { tls: demanding })
        const { send } = await open(make)
        expect(await send(request(receiver.url, { connection: { tls: known } }))).toEqual(reply)
        const none = await send({ ...secretRequest(receiver.url), connection: trusting })
        expect(none).toMatchObject(failed("CertificateRefused"))
        expect(String(none)).toContain("wants a client certificate")
        expectNoSecret(none)
        const wrong = { ...trusting.tls, ...otherSelfSigned }
        const outcome = await send(request(receiver.url, { connection: { tls: wrong } }))
        // Some receivers say why, and others only hang up.
        expect(outcome).toMatchObject({ _tag: "TransportError" })
        expect(receiver.requests).toHaveLength(1)
      })

      it.each([
        ["no certificate", { cert: "s3cret", key: selfSigned.key }],
        ["no key", { cert: selfSigned.cert, key: "s3cret" }],
        ["another's key", { cert: selfSigned.cert, key: otherSelfSigned.key }],
      ])("that has %s is set up wrongly: nothing is sent", async (_, tls) => {
        const { outcome, receiver } = await sendTo(ok, { connection: { tls } }, { tls: selfSigned })
        expect(outcome).toMatchObject(failed("CertificateRefused"))
        expectNoSecret(outcome)
        expect(receiver.sockets).toEqual([])
      })

      it("leads through a proxy: by a tunnel to TLS, and else with the whole URL", async () => {
        const proxy = await serveProxy()
        const secure = await serve(ok, { tls: selfSigned })
        const plain = await serve(ok)
        const { send } = await open(make)
        const connection = { tls: known, proxy: withSecret(proxy.url) }
        for (const { url } of [secure, plain]) {
          const sent = request(`${url.replace("://", "://me:mine@")}/hook?token=1`, { connection })
          expect(await send(sent)).toEqual(reply)
        }
        const authorization = `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`
        expect(proxy.requests).toEqual([
          { line: `CONNECT ${new URL(secure.url).host}`, authorization },
          { line: `POST ${plain.url}/hook?token=1`, authorization },
        ])
        for (const { requests } of [secure, plain]) {
          for (const { head } of requests) {
            expect(head).toMatch(/^POST \/hook\?token=1 HTTP\/1\.1\r\n/)
            expect(head).toContain(`authorization: Basic ${Buffer.from("me:mine").toString("base64")}`)
            expect(head).not.toMatch(/proxy-authorization/i)
          }
          expect(requests).toHaveLength(1)
        }
      })

      it("leads through a proxy that is asked by TLS", async () => {
        const proxy = await serveProxy({ tls: selfSigned })
        const { send } = await open(make)
        for (const options of [{ tls: selfSigned }, {}]) {
          const receiver = await serve(ok, options)
          const connection = { tls: trusting.tls, proxy: proxy.url }
          expect(await send(request(receiver.url, { connection }))).toEqual(reply)
          const unknown = await send(request(receiver.url, { connection: { proxy: proxy.url } }))
          expect(unknown).toMatchObject(failed("CertificateRefused"))
          expect(String(unknown)).toContain("proxy")
        }
        expect(proxy.requests).toHaveLength(2)
      })

      it.each([
        ["that wants other credentials", { status: 407 }, "other credentials (407)"],
        ["that may not", { status: 403 }, "refuses to connect there (403)"],
        ["that cannot", { status: 502 }, "could not connect (502)"],
        ["that is none", { reply: "SSH-2.0-OpenSSH_9.2\r\n\r\n" }, "not HTTP"],
        ["that hangs up", { reply: "" }, "closed the connection"],
        ["that does not end", { reply: `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(10_000)}` }, "too long"],
      ])("fails at a proxy %s, and says that it is the proxy", async (_, options, words) => {
        const proxy = await serveProxy(options)
        const receiver = await serve(ok, { tls: selfSigned })
        const { send } = await open(make)
        const connection = { ...trusting, proxy: withSecret(proxy.url) }
        const outcome = await send({ ...secretRequest(receiver.url), connection })
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expect(String(outcome)).toMatch(/proxy/)
        expect(String(outcome)).toContain(words)
        expectNoSecret(outcome)
        expect(receiver.sockets).toEqual([])
        await Promise.all(proxy.sockets.map(closed))
      })

      it("fails at a proxy that wants other credentials for a plain request", async () => {
        const proxy = await serveProxy({ status: 407 })
        const { outcome } = await sendTo(ok, { connection: { proxy: withSecret(proxy.url) } })
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expect(String(outcome)).toContain("the proxy refuses")
        expectNoSecret(outcome)
      })

      it("fails where there is no proxy, or its URL is none", async () => {
        const gone = await scriptedProxy()
        await gone.close()
        for (const options of [{ tls: selfSigned }, {}]) {
          for (const proxy of [withSecret(gone.url), `ftp://${secret}.example`, secret]) {
            const { outcome, receiver } = await sendTo(ok, { connection: { proxy } }, options)
            expect(outcome).toMatchObject(failed("ConnectionFailed"))
            expect(String(outcome)).toContain("proxy")
            expectNoSecret(outcome)
            expect(receiver.sockets).toEqual([])
          }
        }
      })

      it("runs out of time when the proxy keeps silent, and is closed with the transport", async () => {
        const silent = await serve(() => {})
        const { send, close } = await open(make)
        const connection = { proxy: silent.url }
        const outcome = await send({ ...secretRequest("https://127.0.0.1:1/", brief), connection })
        expect(outcome).toMatchObject(failed("Timeout"))
        expectNoSecret(outcome)
        await close()
        await allClosed(silent)
      })
    })

    describe("an end from our side", () => {
      const begin = async () => {
        let arrived = () => {}
        const inside = new Promise<void>((resolve) => {
          arrived = resolve
        })
        const receiver = await serve(() => arrived())
        const opened = await open(make)
        return { ...opened, receiver, inside }
      }

      it("interrupted, it stops at once and closes the connection", async () => {
        const { transport, receiver, inside } = await begin()
        const fiber = Effect.runFork(transport.send(request(receiver.url, { timeout: endless })))
        await inside
        await Effect.runPromise(Fiber.interrupt(fiber))
        // While the transport lives on.
        await allClosed(receiver)
      })

      it("interrupted before it has a connection, it sends nothing", async () => {
        const receiver = await serve((socket) => socket.write(rawReply(200)))
        const { transport, send } = await open(make)
        const fiber = Effect.runFork(transport.send(request(receiver.url)))
        await Effect.runPromise(Fiber.interrupt(fiber))
        await send(request(receiver.url, { headers: { "webhook-id": "msg_2" } }))
        expect(receiver.requests.map(({ head }) => /webhook-id: (\S+)/.exec(head)?.[1])).toEqual(["msg_2"])
      })

      it("closing the transport ends what is in flight", async () => {
        const { send, close, receiver, inside } = await begin()
        const sending = send(secretRequest(receiver.url))
        await inside
        await close()
        const outcome = await sending
        expect(outcome).toMatchObject(failed("ConnectionFailed"))
        expectNoSecret(outcome)
        await allClosed(receiver)
      })
    })
  })
}
