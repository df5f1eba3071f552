import { once } from "node:events"
import { type AddressInfo, createServer, type LookupFunction } from "node:net"
import { InvalidOptions, Transport as Port } from "@millrace/core"
import { Delivery } from "@millrace/core/host"
import { Transport } from "@millrace/node"
import { rawReply, scriptedReceiver } from "@millrace/testkit"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished, vi } from "vitest"

// What every transport does is in transport.contract.test.ts.

const serve = async (script: Parameters<typeof scriptedReceiver>[0]) => {
  const receiver = await scriptedReceiver(script)
  onTestFinished(() => receiver.close())
  return { ...receiver, port: new URL(receiver.url).port }
}

const ok = () => serve((socket) => socket.write(rawReply(200)))

const request = (url: string): Port.TransportRequest => ({
  url,
  headers: { "content-type": "application/json", "webhook-signature": "v1,s3cret" },
  body: new TextEncoder().encode("[]"),
  timeout: 20_000,
})

/** Sends one after the other over one transport; each gives its reply or its error. */
const sendAll = (urls: ReadonlyArray<string>, options: Transport.TransportOptions = {}) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const { send } = yield* Port.Transport
      const outcomes: Array<Port.TransportReply | Port.TransportError> = []
      for (const url of urls)
        outcomes.push(yield* Effect.catchTag(send(request(url)), "TransportError", Effect.succeed))
      return outcomes
    }).pipe(Effect.provide(Transport.layer(options))),
  )

const refused = (host: string) => ({
  _tag: "TransportError",
  reason: "AddressRefused",
  message: `${host} is not on the public Internet, and private destinations are not allowed`,
})

/** Answers one question after the other, the last answer for ever, and keeps what it was asked. */
const resolver = (...answers: ReadonlyArray<ReadonlyArray<string>>) => {
  const asked: Array<string> = []
  const lookup: LookupFunction = (name, _options, callback) => {
    const answer = answers[Math.min(asked.length, answers.length - 1)]!
    asked.push(name)
    callback(
      null,
      answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    )
  }
  return { lookup, asked }
}

describe("the guard", () => {
  it("refuses loopback as it is, in every spelling and by name: nothing connects", async () => {
    const { port, sockets } = await ok()
    const hosts = [
      "127.0.0.1",
      "127.1",
      "2130706433",
      "0x7f.1",
      "127.0.0.1.",
      "[::ffff:127.0.0.1]",
      "localhost",
    ]
    const urls = hosts.map((host) => `http://user:s3cret@${host}:${port}/s3cret?token=s3cret`)
    const outcomes = await sendAll(urls)
    expect(outcomes).toMatchObject(
      ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "::ffff:7f00:1", "localhost"].map(
        refused,
      ),
    )
    expect(JSON.stringify(outcomes) + outcomes.join()).not.toContain("s3cret")
    expect(sockets).toHaveLength(0)
  })

  it("asks no resolver about an address", async () => {
    const { lookup, asked } = resolver(["8.8.8.8"])
    expect(await sendAll(["http://10.0.0.1/", "https://[::1]/"], { lookup })).toMatchObject([
      refused("10.0.0.1"),
      refused("::1"),
    ])
    expect(asked).toEqual([])
  })

  it("connects to the vetted address: a name that changes under it is looked up once a connection", async () => {
    const { port, sockets } = await serve((socket) => socket.end(rawReply(200, "", "connection: close\r\n")))
    const { lookup, asked } = resolver(["127.0.0.1"], ["127.0.0.2"])
    const url = `http://rebinding.example:${port}/`
    // Only the first answer is allowed; whoever asked twice for one connection would get the
    // second.
    const outcomes = await sendAll([url, url, url], { lookup, allow: ["127.0.0.1"] })
    expect(outcomes).toMatchObject([
      { status: 200 },
      refused("rebinding.example"),
      refused("rebinding.example"),
    ])
    expect(asked).toHaveLength(3)
    expect(sockets).toHaveLength(1)
  })

  it("of several addresses only those that are not refused are connected to", async () => {
    const { port, sockets } = await ok()
    const { lookup } = resolver(["::1", "10.0.0.1", "127.0.0.1", "169.254.169.254"])
    expect(await sendAll([`http://mixed.example:${port}/`], { lookup, allow: ["127.0.0.1"] })).toMatchObject([
      { status: 200 },
    ])
    expect(sockets).toHaveLength(1)
  })

  it("a connection that is kept was vetted, and stays the same one", async () => {
    const { port, requests, sockets } = await ok()
    const { lookup, asked } = resolver(["127.0.0.1"], ["10.0.0.1"])
    const url = `http://kept.example:${port}/`
    const [first] = await sendAll([url, url], { lookup, allow: ["127.0.0.1"] })
    expect(first).toMatchObject({ status: 200 })
    // The second goes over the same connection or is refused: nothing goes to the second answer.
    expect(sockets).toHaveLength(1)
    expect(requests.length).toBe(3 - asked.length)
  })

  it("a name that is allowed may be anywhere; what a redirect names is never asked for", async () => {
    const { port, requests } = await serve((socket) =>
      socket.write(rawReply(302, "", "location: http://169.254.169.254/latest/meta-data/\r\n")),
    )
    const { lookup, asked } = resolver(["127.0.0.1"])
    expect(
      await sendAll([`http://Hooks.Internal:${port}/`], { lookup, allow: ["hooks.internal"] }),
    ).toMatchObject([{ status: 302 }])
    expect(requests).toHaveLength(1)
    expect(asked).toEqual(["hooks.internal"])
  })

  it("an entry of allow that is none: the transport is not made", async () => {
    const error = await Effect.runPromise(
      Effect.flip(Effect.scoped(Effect.provide(Port.Transport, Transport.layer({ allow: ["::1", "10/8"] })))),
    )
    expect(error).toBeInstanceOf(InvalidOptions)
    expect(error).toMatchObject({ problems: [{ path: "allow[1]" }] })
  })
})

describe("a body", () => {
  it("is free when its receiver has answered, but not before it has left", async () => {
    const received: Array<Buffer> = []
    const server = createServer((socket) => {
      socket.once("data", (first: Buffer) => {
        received.push(first)
        socket.pause()
        socket.write(rawReply(200))
        socket.on("data", (chunk: Buffer) => received.push(chunk))
      })
      // Only now: a listener for data makes a socket flow.
      server.once("go on", () => socket.resume())
    })
    await once(server.listen(0, "127.0.0.1"), "listening")
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    // More than the buffers of two sockets hold.
    const body = Buffer.alloc(64 * 1024 * 1024, "a")
    await Effect.runPromise(
      Effect.gen(function* () {
        const { send } = yield* Port.Transport
        const url = `http://127.0.0.1:${port}/`
        expect(yield* send({ ...request(url), body })).toMatchObject({ status: 200, isBodyFree: false })
        server.emit("go on")
        const other = yield* Effect.promise(() => ok())
        expect(yield* send(request(other.url))).toMatchObject({ status: 200, isBodyFree: true })
      }).pipe(Effect.provide(Transport.layer({ allowPrivate: true }))),
    )
    expect(Buffer.concat(received).toString("latin1")).toMatch(/\r\n\r\na+$/)
  })
})

describe("a connection", () => {
  it("is not used for longer than a minute, so that a name that moves is followed", async () => {
    vi.useFakeTimers({ toFake: ["Date"] })
    onTestFinished(() => void vi.useRealTimers())
    const { port, sockets } = await ok()
    const { lookup, asked } = resolver(["127.0.0.1"])
    const url = `http://moves.example:${port}/`
    await Effect.runPromise(
      Effect.gen(function* () {
        const { send } = yield* Port.Transport
        yield* send(request(url))
        vi.setSystemTime(Date.now() + 61_000)
        yield* send(request(url))
      }).pipe(Effect.provide(Transport.layer({ allowPrivate: true, lookup }))),
    )
    expect(asked).toEqual(["moves.example", "moves.example"])
    expect(sockets).toHaveLength(2)
  })

  it("is opened to the address that takes it, the refused and the dead ones apart", async () => {
    const { port, sockets } = await ok()
    const { lookup } = resolver(["10.0.0.1", "127.0.0.9", "127.0.0.8", "127.0.0.1"])
    const options = { lookup, allow: ["127.0.0.0/8"] }
    expect(await sendAll([`http://several.example:${port}/`], options)).toMatchObject([{ status: 200 }])
    expect(sockets).toHaveLength(1)
  })
})

describe("errors", () => {
  it.each([
    ["CERT_HAS_EXPIRED", "the certificate has expired"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "the certificate is self-signed"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "the certificate is for another host"],
  ])("%s: %s, which is a wrong set-up and no outage", async (code, words) => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error("s3cret"), { code }), [])
    const [error] = await sendAll(["https://hook.example/"], { lookup })
    expect(error).toMatchObject({ reason: "CertificateRefused", message: `${words} (${code})` })
    expect(Delivery.verdictOfError(error as Port.TransportError)).toMatchObject({ outcome: "misconfigured" })
  })

  it.each([
    ["a TLS alert in place of a reply", Buffer.from([0x15, 3, 1, 0, 2, 2, 70])],
    ["another one", Buffer.from([0x15, 3, 3, 0, 2, 2, 10])],
  ])("say that a port wants TLS: %s", async (_, alert) => {
    const { url } = await serve((socket) => socket.end(alert))
    const [error] = await sendAll([url], { allowPrivate: true })
    expect(error).toMatchObject({
      reason: "ConnectionFailed",
      message: "this port wants TLS: is it https:// instead of http://?",
    })
  })

  it("say how a connection failed, by its code", async () => {
    const gone = await scriptedReceiver(() => {})
    await gone.close()
    expect(await sendAll([gone.url], { allowPrivate: true })).toMatchObject([
      { reason: "ConnectionFailed", message: "connection refused (ECONNREFUSED)" },
    ])
  })

  it("say whether anything of the request has left", async () => {
    const gone = await scriptedReceiver(() => {})
    await gone.close()
    const none: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new Error("none"), { code: "ENOTFOUND" }), [])
    const reset = await serve((socket) => socket.resetAndDestroy())
    const name = `http://moved.example:${reset.port}/`
    const unsent = await sendAll([gone.url, "http://none.example/"], { allowPrivate: true, lookup: none })
    for (const error of unsent) expect(error).toMatchObject({ reason: "ConnectionFailed", neverLeft: true })
    expect(await sendAll([reset.url], {})).toMatchObject([{ reason: "AddressRefused", neverLeft: true }])
    const { lookup } = resolver(["127.0.0.1"])
    const [sent] = await sendAll([name], { allowPrivate: true, lookup })
    expect(sent).toMatchObject({ reason: "ConnectionFailed" })
    expect(sent).not.toHaveProperty("neverLeft")
  })

  it("say how long an attempt was given", async () => {
    const { url } = await serve(() => {})
    const send = Effect.flatMap(Port.Transport, (transport) =>
      Effect.flip(transport.send({ ...request(url), timeout: 50 })),
    )
    const error = await Effect.runPromise(Effect.provide(send, Transport.layer({ allowPrivate: true })))
    expect(error.message).toBe("no complete reply within 50 ms")
  })

  it("of a resolver's own are the attempt's", async () => {
    const message = "not today"
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(new Port.TransportError({ reason: "AddressRefused", message }), [])
    expect(await sendAll(["https://hook.example/"], { lookup })).toMatchObject([
      { reason: "AddressRefused", message },
    ])
  })
})

/** Sets variables of the environment for one test. */
const setVariables = (values: Readonly<Record<string, string>>): void => {
  for (const [name, value] of Object.entries(values)) {
    const before = process.env[name]
    process.env[name] = value
    onTestFinished(() => {
      if (before === undefined) delete process.env[name]
      else process.env[name] = before
    })
  }
}

describe("proxies", () => {
  it("of the environment are not used unless they are asked for", async () => {
    const proxy = await serve((socket) => socket.end(rawReply(502)))
    const { url, requests } = await ok()
    setVariables({
      HTTP_PROXY: proxy.url,
      http_proxy: proxy.url,
      ALL_PROXY: proxy.url,
      NODE_USE_ENV_PROXY: "1",
    })
    expect(await sendAll([url], { allowPrivate: true })).toMatchObject([{ status: 200 }])
    expect([requests.length, proxy.sockets.length]).toEqual([1, 0])
  })

  it("of the environment are used where they are asked for, as they were at the start", async () => {
    const proxy = await serve((socket) => socket.write(rawReply(502)))
    const { url, requests } = await ok()
    setVariables({ http_proxy: proxy.url, no_proxy: "localhost" })
    const outcomes = await Effect.runPromise(
      Effect.gen(function* () {
        const { send } = yield* Port.Transport
        setVariables({ http_proxy: "http://127.0.0.1:1" })
        const connection = { proxy: "env" }
        return [
          yield* send({ ...request(url), connection }),
          yield* send({ ...request(url.replace("127.0.0.1", "localhost")), connection }),
        ]
      }).pipe(Effect.provide(Transport.layer({ allowPrivate: true }))),
    )
    expect(outcomes).toMatchObject([{ status: 502 }, { status: 200 }])
    expect([requests.length, proxy.requests.length]).toEqual([1, 1])
  })

  it("are vetted, as is a receiver in digits: nothing connects to what is refused", async () => {
    const { url, sockets } = await ok()
    const { lookup, asked } = resolver(["127.0.0.1"])
    const named = `http://proxy.example:${new URL(url).port}`
    const sendBy = (proxy: string, target: string, options: Transport.TransportOptions) =>
      Effect.runPromise(
        Effect.flatMap(Port.Transport, ({ send }) =>
          Effect.flip(send({ ...request(target), connection: { proxy } })),
        ).pipe(Effect.provide(Transport.layer({ lookup, ...options }))),
      )
    for (const target of ["https://hook.example/", "http://hook.example/"]) {
      for (const proxy of [url, named]) {
        const { hostname } = new URL(proxy)
        expect(await sendBy(proxy, target, {})).toMatchObject({
          reason: "AddressRefused",
          message: `the proxy ${hostname} is not on the public Internet, and private destinations are not allowed`,
        })
      }
    }
    for (const host of ["10.0.0.1", "169.254.169.254", "[::1]"]) {
      for (const scheme of ["http", "https"]) {
        const error = await sendBy(url, `${scheme}://${host}/`, { allow: ["127.0.0.1"] })
        expect(error).toMatchObject({ reason: "AddressRefused", neverLeft: true })
        expect(error.message).toContain(host)
      }
    }
    expect(sockets).toEqual([])
    // Nobody but the proxy is asked for the receiver's name.
    expect(new Set(asked)).toEqual(new Set(["proxy.example"]))
  })

  it("resolve the receiver's name", async () => {
    const proxy = await ok()
    const { lookup, asked } = resolver(["127.0.0.1"])
    const sent = Effect.flatMap(Port.Transport, ({ send }) =>
      send({ ...request("http://hook.example/x"), connection: { proxy: proxy.url } }),
    )
    await Effect.runPromise(Effect.provide(sent, Transport.layer({ lookup, allow: ["127.0.0.1"] })))
    expect(proxy.requests[0]!.head).toMatch(/^POST http:\/\/hook\.example\/x HTTP\/1\.1\r\n/)
    expect(proxy.requests[0]!.head).toMatch(/^host: hook\.example$/im)
    expect(asked).toEqual([])
  })
})
