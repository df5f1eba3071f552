import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { PassThrough } from "node:stream"
import { bodyLimits, discardUpload, type Ingest, nodeHandler, replyHeaders, serve } from "@millrace/node"
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
  interface Around {
    readonly before?: (res: ServerResponse) => void
    readonly after?: (res: ServerResponse) => void
  }

  const start = async (ingest: Ingest, { before, after }: Around = {}) => {
    const handler = nodeHandler(ingest)
    const server = createServer((req, res) => {
      before?.(res)
      handler(req, res)
      after?.(res)
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
    const { connection, stop } = await start(refusing, {
      after: (res) => res.writeHead(503).end("the host's own"),
    })
    const reply = await connection.exchange({ body: "x" })
    expect([reply.status, reply.text]).toEqual([503, "the host's own"])
    await stop()
  })

  /** As sessions and timers do that add a header at the last moment. */
  const headerInEnd = (res: ServerResponse): void => {
    const { end } = res
    res.end = ((...args: Parameters<typeof end>) => {
      res.setHeader("x-late", "1")
      return end.apply(res, args)
    }) as typeof end
  }

  /**
   * As `on-headers` before 1.1 does, on which compression, sessions and loggers stand: it knows
   * lists of pairs only.
   */
  const headersAsPairs = (res: ServerResponse): void => {
    const { writeHead } = res
    res.writeHead = ((status: number, headers?: ReadonlyArray<readonly [string, string]> | object) => {
      if (Array.isArray(headers)) for (const [name, value] of headers) res.setHeader(name, value)
      else for (const [name, value] of Object.entries(headers ?? {})) res.setHeader(name, value)
      res.setHeader("x-late", "1")
      return writeHead.call(res, status)
    }) as typeof writeHead
  }

  it.each([
    ["end, which sets a header", headerInEnd],
    ["writeHead, which knows pairs of headers only", headersAsPairs],
  ])("goes through a host's own %s", async (_, before) => {
    const { connection, stop } = await start(refusing, { before })
    const { status, headers, text } = await connection.exchange({ body: "x" })
    expect({ status, type: headers["content-type"], late: headers["x-late"], text }).toEqual({
      status: 401,
      type: ["application/json"],
      late: ["1"],
      text: "{}",
    })
    await stop()
  })

  it("hands what a host's own method throws to the one who hears of defects", async () => {
    const defects: Array<unknown> = []
    const limits = bodyLimits()
    const server = createServer((req, res) => {
      const fail = () => {
        throw new Error("the host's")
      }
      Object.assign(res, { write: fail, end: fail })
      serve(refusing, req, res, {
        limits,
        onDefect: (defect) => {
          defects.push(defect)
          res.destroy()
        },
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const connection = await RawConnection.open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    const cut = connection.closed()
    void connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    await cut
    expect(defects).toEqual([new Error("the host's")])
    await new Promise((resolve) => server.close(resolve))
  })

  it("cuts a reply of which a host's own method has let nothing but the head out", async () => {
    const { connection, stop } = await start(refusing, {
      before: (res) => {
        res.end = () => {
          res.flushHeaders()
          throw new Error("the host's")
        }
      },
    })
    const cut = connection.closed()
    void connection.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
    await cut
    await stop()
  })
})
