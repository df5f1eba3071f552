import { once } from "node:events"
import { connect } from "node:net"
import { createServer, type Ingest, type MillraceServer, type ServerOptions } from "@millrace/node"
import * as Effect from "effect/Effect"
import { afterEach, describe, expect, it } from "vitest"

const json = { "content-type": "application/json" }

/** Answers 202 to everything it can read; `/hold` waits for `open`. */
const scripted = () => {
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  let entered = () => {}
  const inside = new Promise<void>((resolve) => {
    entered = resolve
  })
  const ingest: Ingest = {
    matches: (url) => !url.startsWith("/other"),
    handle: async (request) => {
      if (request.url === "/hold") {
        entered()
        await gate
      }
      if (request.url === "/refuse") return { status: 401, headers: json, body: "{}" }
      const body = await Effect.runPromise(Effect.result(request.body(1000)))
      return body._tag === "Success"
        ? { status: 202, headers: json, body: '{"success":true}' }
        : { status: 413, headers: json, body: JSON.stringify({ reason: body.failure.reason }) }
    },
  }
  return { ingest, open, inside }
}

let server: MillraceServer | undefined
afterEach(async () => {
  await server?.close("1 millis")
  server = undefined
})

const start = async (ingest: Ingest, options?: ServerOptions) => {
  server = createServer(ingest, options)
  const { port } = await server.listen(0)
  return {
    server,
    url: `http://127.0.0.1:${port}`,
    open: async () => {
      const socket = connect(port, "127.0.0.1")
      socket.on("error", () => {})
      await once(socket, "connect")
      return socket
    },
  }
}

const read = async (socket: AsyncIterable<unknown>) => {
  let text = ""
  for await (const chunk of socket) text += String(chunk)
  return text
}

const post = (url: string) => fetch(url, { method: "POST", body: "{}" })

describe("createServer", () => {
  it("three hundred half-open connections do not hurt others, and are closed", async () => {
    const { url, open } = await start(scripted().ingest, { headersTimeout: "300 millis" })
    const starts = ["", "P", "POST /v1/log_event HTTP/1.1\r\nHost: a\r\nX: "]
    const sockets = await Promise.all(
      Array.from({ length: 300 }, async (_, i) => {
        const socket = await open()
        socket.write(starts[i % starts.length]!)
        return socket
      }),
    )
    const replies = await Promise.all(Array.from({ length: 50 }, () => post(url)))
    expect(replies.map((reply) => reply.status)).toEqual(replies.map(() => 202))
    await Promise.all(sockets.map((socket) => (socket.resume().closed ? undefined : once(socket, "close"))))
  })

  it("a body that does not come is given up", async () => {
    const { open } = await start(scripted().ingest, { bodyTimeout: "50 millis" })
    const socket = await open()
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
    const [chunk] = await once(socket, "data")
    expect(String(chunk)).toContain('{"reason":"TimedOut"}')
    socket.destroy()
  })

  it.each([
    ["no HTTP", "nonsense\r\n\r\n", 400],
    ["a head that is too large", `GET / HTTP/1.1\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431],
    ["two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400],
    ["no Host", "POST /v1/log_event HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400],
    ["no Host and a wait for 100", "POST / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", 400],
    ["another expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: else\r\n\r\n", 417],
    [
      "a length and chunks",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      400,
    ],
  ])("%s is answered in the form of all errors", async (_, bytes, status) => {
    const { open } = await start(scripted().ingest)
    const socket = await open()
    socket.write(bytes)
    const text = await read(socket)
    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4))).toMatchObject({ status })
  })

  it("a client that waits for 100 gets its refusal instead, and the connection closes", async () => {
    const { open } = await start(scripted().ingest)
    for (const [path, length, status] of [
      ["/refuse", 10, 401],
      ["/", 1001, 413],
    ] as const) {
      const socket = await open()
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`,
      )
      const [chunk] = await once(socket, "data")
      expect(String(chunk)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
      expect(String(chunk).toLowerCase()).toContain("connection: close")
      socket.destroy()
    }
  })

  it("hands over what is not ours", async () => {
    const { url } = await start(scripted().ingest, { fallback: (_req, res) => void res.end("mine") })
    expect(await (await post(`${url}/other`)).text()).toBe("mine")
  })

  it("says why it cannot listen", async () => {
    const { url } = await start(scripted().ingest)
    const second = createServer(scripted().ingest)
    await expect(second.listen(Number(new URL(url).port))).rejects.toMatchObject({ code: "EADDRINUSE" })
  })

  it("close lets requests in flight finish, closes kept connections, and may be called again", async () => {
    const { ingest, inside, open: release } = scripted()
    const { server, url, open } = await start(ingest)
    const idle = await open()
    idle.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
    await once(idle, "data")
    const held = post(`${url}/hold`)
    await inside
    const closing = server.close()
    expect(server.close()).toBe(closing)
    if (!idle.closed) await once(idle, "close")
    await expect(post(url)).rejects.toThrow()
    release()
    const reply = await held
    expect([reply.status, reply.headers.get("connection")]).toEqual([202, "close"])
    await closing
  })

  it("close cuts what is not done at the deadline", async () => {
    const { ingest, inside } = scripted()
    const { server, url } = await start(ingest)
    const held = post(`${url}/hold`)
    const lost = expect(held).rejects.toThrow()
    await inside
    await server.close("20 millis")
    await lost
  })
})
