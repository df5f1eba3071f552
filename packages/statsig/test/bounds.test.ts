import * as Effect from "effect/Effect"
import { describe, expect, it } from "vitest"
import { inFront, serverKey } from "./support/inFront.ts"
import { type Answer, json } from "./support/standIn.ts"

const megabyte = 1024 * 1024

/** Sends as fast as it is read, and says how much has gone out once the connection is closed. */
const endless =
  (sent: (bytes: number) => void): Answer =>
  (_, res) => {
    res.writeHead(200, { "content-type": "application/json" })
    const chunk = Buffer.alloc(64 * 1024, 0x20)
    let bytes = 0
    const write = () => {
      while (!res.destroyed && res.write(chunk)) bytes += chunk.length
    }
    res.on("drain", write)
    res.on("close", () => sent(bytes))
    write()
  }

describe("a reply of Statsig's", () => {
  const paths = [
    ["POST", "/v1/initialize"],
    ["GET", "/v1/download_config_specs"],
  ] as const

  const ask = (url: string, method: string, path: string) =>
    fetch(url + path, {
      method,
      headers: { "statsig-api-key": serverKey },
      ...(method === "POST" ? { body: "{}" } : {}),
    })

  it.each(paths)("of 100 MB is not read: %s %s", async (method, path) => {
    const { url } = await inFront((_, res) => {
      res.writeHead(200, { "content-type": "application/json", "content-length": String(100 * megabyte) })
      res.write(Buffer.alloc(megabyte, 0x20))
    })
    const before = process.memoryUsage().arrayBuffers
    const reply = await ask(url, method, path)
    expect([502, 503]).toContain(reply.status)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 * megabyte)
  })

  it.each(paths)("that never ends is cut off: %s %s", async (method, path) => {
    let cut = (_: number): void => {}
    const closed = new Promise<number>((resolve) => {
      cut = resolve
    })
    const { url } = await inFront(endless((bytes) => cut(bytes)))
    const reply = await ask(url, method, path)
    expect([502, 503]).toContain(reply.status)
    // What is in the sockets' buffers has gone out, too.
    expect(await closed).toBeLessThan(50 * megabyte)
  })

  it("that comes byte by byte is given up, and the connection closed", async () => {
    let closed = (): void => {}
    const isClosed = new Promise<void>((resolve) => {
      closed = resolve
    })
    const { url } = await inFront((_, res) => {
      res.writeHead(200, { "content-type": "application/json" })
      const timer = setInterval(() => res.write(" "), 50)
      res.on("close", () => {
        clearInterval(timer)
        closed()
      })
    })
    expect((await ask(url, "POST", "/v1/initialize")).status).toBe(503)
    await isClosed
  })
})

describe("a Statsig that cannot be reached", () => {
  it("by a connection that was closed under the request is asked once more", async () => {
    let closed = 0
    const { url, upstream } = await inFront((got, res) => {
      if (closed === 2) return json("{}")(got, res)
      closed += 1
      res.destroy()
    })
    const ask = async () => {
      const reply = await fetch(`${url}/v1/initialize?k=${serverKey}`, { method: "POST", body: "{}" })
      return reply.status
    }
    expect([await ask(), upstream.got.length]).toEqual([503, 2])
    expect([await ask(), upstream.got.length]).toEqual([200, 3])
  })

  it("because nobody listens there is known to be away, and what was kept is served", async () => {
    const { url, upstream, log } = await inFront(json("{}"), {}, { freshFor: 0 })
    const ask = async (path: string, method: string) => {
      const reply = await fetch(`${url}${path}?k=${serverKey}`, { method })
      return [reply.status, reply.headers.get("warning")]
    }
    expect(await ask("/v1/download_config_specs", "GET")).toEqual([200, null])
    await upstream.close()
    const stale = '110 - "Response is Stale"'
    for (let tries = 0; tries < 3; tries++) {
      expect(await ask("/v1/download_config_specs", "GET")).toEqual([200, stale])
      expect(await ask("/v1/initialize", "POST")).toEqual([503, null])
    }
    expect(log.filter((line) => line.includes("Statsig does not answer"))).toHaveLength(2)
    expect(log.join()).not.toContain(serverKey)
  })
})

describe("config specs of 10 MB", () => {
  it("cost one request to Statsig and one buffer for 1,000 who ask within a second", async () => {
    const specs = Buffer.alloc(10 * megabyte, 0x20)
    specs.write('{"has_updates":true}')
    const { millrace, upstream } = await inFront((got, res) => {
      setTimeout(() => json(specs)(got, res), 200)
    })
    const request = {
      method: "GET",
      url: `/v2/download_config_specs/${serverKey}.json`,
      headers: { "accept-encoding": "gzip, deflate, br" },
    }
    const empty = Effect.succeed({ bytes: new Uint8Array(0), inflated: false })
    const before = process.memoryUsage().arrayBuffers
    const replies = await Promise.all(
      Array.from({ length: 1_000 }, (_, n) =>
        millrace.handle({ ...request, url: `${request.url}?t=${n}&sid=${n}`, body: () => empty }),
      ),
    )
    expect(upstream.got).toHaveLength(1)
    expect(new Set(replies.map(({ body }) => body)).size).toBe(1)
    expect(replies[0]?.body.length).toBe(specs.length)
    // The document, and what reading it took.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(45 * megabyte)
  })

  it("arrive whole over sockets, for many at once", async () => {
    const specs = Buffer.alloc(10 * megabyte, 0x20)
    specs.write('{"has_updates":true}')
    const { url, upstream } = await inFront(json(specs))
    const lengths = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const reply = await fetch(`${url}/v1/download_config_specs?k=${serverKey}`)
        return Buffer.compare(Buffer.from(await reply.arrayBuffer()), specs)
      }),
    )
    expect([upstream.got.length, new Set(lengths)]).toEqual([1, new Set([0])])
  })
})
