import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { PassThrough } from "node:stream"
import { discardUpload, type Ingest, nodeHandler, replyHeaders } from "@millrace/node"
import { RawConnection } from "@millrace/testkit"
import { afterEach, describe, expect, it, vi } from "vitest"

const json = { "content-type": "application/json" }

describe("discardUpload", () => {
  afterEach(() => void vi.useRealTimers())

  const upload = () => new PassThrough() as unknown as IncomingMessage & PassThrough
  const outcome = (req: IncomingMessage) => new Promise<boolean>((resolve) => discardUpload(req, resolve))

  it("reads to the end", async () => {
    const req = upload()
    const done = outcome(req)
    req.end("the rest")
    expect(await done).toBe(true)
  })

  it("goes on where reading was paused", async () => {
    const req = upload()
    req.pause()
    const done = outcome(req)
    req.end("x".repeat(100_000))
    expect(await done).toBe(true)
  })

  it("knows that there is nothing left, or nobody", async () => {
    const ended = upload()
    ended.resume().end()
    await new Promise((resolve) => ended.once("end", resolve))
    expect(await outcome(ended)).toBe(true)
    const gone = upload()
    gone.destroy()
    expect(await outcome(gone)).toBe(false)
  })

  it("ends with its client", async () => {
    const req = upload()
    const done = outcome(req)
    req.destroy(new Error("reset"))
    expect(await done).toBe(false)
  })

  it("takes 10 seconds at most", async () => {
    vi.useFakeTimers()
    const req = upload()
    let whole: boolean | undefined
    discardUpload(req, (is) => {
      whole = is
    })
    req.write("slow")
    vi.advanceTimersByTime(9_999)
    expect(whole).toBeUndefined()
    vi.advanceTimersByTime(1)
    expect(whole).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe("replyHeaders", () => {
  const reply = {
    status: 202,
    headers: { ...json, "access-control-allow-origin": "https://a.example", vary: "origin" },
    body: "",
  }

  it("are ours", () => {
    expect(replyHeaders(reply, false, undefined)).toEqual(reply.headers)
  })

  it("leave CORS to a host that has its own, and keep what the host varies on", () => {
    expect(replyHeaders(reply, true, "accept-encoding")).toEqual({ ...json, vary: "accept-encoding, origin" })
  })
})

describe("writeReply", () => {
  const start = async (ingest: Ingest, before?: (res: ServerResponse) => void) => {
    const handler = nodeHandler(ingest)
    const server = createServer((req, res) => {
      handler(req, res)
      before?.(res)
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const connection = await RawConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    return {
      connection,
      stop: () => {
        server.closeAllConnections()
        return new Promise((resolve) => server.close(resolve))
      },
    }
  }
  const refusing: Ingest = {
    matches: () => true,
    handle: async () => ({ status: 401, headers: json, body: "{}" }),
  }

  it("an upload of more than 64 MB gets its reply, and is cut", async () => {
    const { connection, stop } = await start(refusing)
    const chunk = Buffer.alloc(1024 * 1024)
    const cut = connection.closed()
    void connection.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${chunk.length * 1000}\r\n\r\n`)
    expect((await connection.reply()).status).toBe(401)
    const writing = (async () => {
      for (let i = 0; i < 1000; i++) await connection.write(chunk)
    })()
    await expect(writing).rejects.toThrow()
    await cut
    await stop()
  })

  it("says nothing where the host has answered already", async () => {
    const { connection, stop } = await start(refusing, (res) => res.writeHead(503).end("the host's own"))
    const reply = await connection.exchange({ body: "x" })
    expect([reply.status, reply.text]).toEqual([503, "the host's own"])
    await stop()
  })
})
