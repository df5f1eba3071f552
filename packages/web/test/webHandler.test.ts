import type { HttpIngest } from "@millrace/core"
import { Millrace } from "@millrace/node"
import { type Ingest, webHandler } from "@millrace/web"
import * as Effect from "effect/Effect"
import { describe, expect, it, onTestFinished } from "vitest"

const kilobyte = 1024

const key = { "statsig-api-key": "secret-1", "statsig-client-time": "1700000000000" }
const event = { user: { userID: "u1" }, eventName: "page_view", time: 1_700_000_000_000 }
const body = JSON.stringify({ events: [event] })

const url = "https://shop.example/v1/log_event"

const makeMillrace = async (): Promise<Millrace.Millrace> => {
  const millrace = await Millrace.make({ keys: { server: ["secret-1"] } })
  onTestFinished(async () => void (await millrace.close()))
  return millrace
}

/** Reads up to so many bytes of each body, and says what came of it. */
const reading = (maxBytes: number, share?: HttpIngest.BodyShare): Ingest => ({
  matches: () => true,
  handle: async ({ body: read }) => {
    const result = await Effect.runPromise(Effect.result(read(maxBytes, share)))
    return result._tag === "Success"
      ? { status: 202, headers: {}, body: String(result.success.bytes.length) }
      : { status: 413, headers: {}, body: result.failure.reason }
  },
})

/** Pieces of a kilobyte, without end unless their number is given. */
const pieces = (count = Number.POSITIVE_INFINITY) => {
  const seen = { pulled: 0, isCancelled: false }
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (seen.pulled === count) return controller.close()
      seen.pulled += 1
      controller.enqueue(new Uint8Array(kilobyte))
    },
    cancel: () => {
      seen.isCancelled = true
    },
  })
  return { seen, stream }
}

const upload = (stream: ReadableStream | string, headers: Record<string, string> = {}): Request =>
  new Request(url, { method: "POST", headers, body: stream, duplex: "half" } as RequestInit)

describe("webHandler", () => {
  it("takes events, and answers 404 to what is not its own", async () => {
    const handler = webHandler(await makeMillrace())
    const reply = await handler(new Request(url, { method: "POST", headers: key, body }))
    expect([reply.status, await reply.text()]).toEqual([202, '{"success":true}'])
    const other = await handler(new Request("https://shop.example/cart"))
    expect([other.status, await other.text()]).toEqual([404, '{"message":"not found","status":404}'])
  })

  it("leaves what is not its own to the host, with all that the host has handed over", async () => {
    const handler = webHandler<[name: string]>(await makeMillrace(), {
      fallback: (request, name) => new Response(`${new URL(request.url).pathname} for ${name}`),
    })
    expect(await (await handler(new Request("https://shop.example/cart"), "Ada")).text()).toBe(
      "/cart for Ada",
    )
    expect((await handler(new Request(url, { method: "POST" }), "Ada")).status).toBe(401)
  })

  it("asks for the client's address only where somebody wants it", async () => {
    const peers: Array<string | undefined> = []
    const asked: Array<string> = []
    const wanting = (isWanted: boolean): Ingest => ({
      matches: () => true,
      handle: async (request) => {
        if (isWanted) peers.push(request.peer)
        return { status: 202, headers: {}, body: "" }
      },
    })
    const address = (_request: Request, peer: string | null) => {
      asked.push("once")
      return peer
    }
    await webHandler(wanting(false), { address })(new Request(url), "192.0.2.1")
    expect(asked).toEqual([])
    await webHandler(wanting(true), { address })(new Request(url), "192.0.2.1")
    await webHandler(wanting(true), { address })(new Request(url), null)
    await webHandler(wanting(true))(new Request(url))
    expect(peers).toEqual(["192.0.2.1", undefined, undefined])
  })

  it("hands on the path and the query, without the origin", async () => {
    const urls: Array<string> = []
    const ingest: Ingest = {
      matches: () => true,
      handle: async (request) => {
        urls.push(request.url)
        return { status: 202, headers: {}, body: "" }
      },
    }
    for (const asked of [
      "https://a.example/v1/rgstr?k=a/b",
      "http://[::1]:8080//v1//rgstr/",
      "http://a.example",
    ])
      await webHandler(ingest)(new Request(asked))
    expect(urls).toEqual(["/v1/rgstr?k=a/b", "//v1//rgstr/", "/"])
  })

  it("rejects with a defect: what becomes of it is the host's business", async () => {
    const broken: Ingest = { matches: () => true, handle: () => Promise.reject(new Error("a defect")) }
    await expect(webHandler(broken)(new Request(url))).rejects.toThrow("a defect")
  })
})

describe("a body", () => {
  it("is put together of its pieces", async () => {
    const reply = await webHandler(reading(8 * kilobyte))(upload(pieces(8).stream))
    expect([reply.status, await reply.text()]).toEqual([202, String(8 * kilobyte)])
  })

  it("is read as far as it may be, and no further before the reply", async () => {
    const { seen, stream } = pieces()
    const reply = await webHandler(reading(8 * kilobyte))(upload(stream))
    expect(reply.status).toBe(413)
    expect(seen.pulled).toBeLessThan(12)
  })

  it("is read to its end behind a reply that came early", async () => {
    const { seen, stream } = pieces(100)
    const reply = await webHandler(reading(8 * kilobyte))(upload(stream))
    expect(await reply.text()).toBe("TooLarge")
    expect(seen).toEqual({ pulled: 100, isCancelled: false })
  })

  it("without an end is cut off", async () => {
    const { seen, stream } = pieces()
    const reply = await webHandler(reading(8 * kilobyte))(upload(stream))
    expect([reply.headers.get("content-length"), await reply.text()]).toEqual(["8", "TooLarge"])
    expect(seen.isCancelled).toBe(true)
    expect(seen.pulled).toBeLessThan(66 * 1024)
  })

  it("that claims to be larger is not read before the reply", async () => {
    const { seen, stream } = pieces()
    const reply = await webHandler(reading(kilobyte))(upload(stream, { "content-length": "2000" }))
    expect(reply.status).toBe(413)
    expect(seen.pulled).toBeLessThan(2)
    await reply.body?.cancel()
  })

  it("is counted and not kept for whoever does not want it", async () => {
    const reply = await webHandler(reading(8 * kilobyte, "unkept"))(upload(pieces(8).stream))
    expect([reply.status, await reply.text()]).toEqual([202, "0"])
  })

  it("whose client goes away is said to be aborted", async () => {
    const stream = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) })
    expect(await (await webHandler(reading(kilobyte))(upload(stream))).text()).toBe("Aborted")
  })

  it("that somebody has read, or is reading, is said to be consumed", async () => {
    const read = upload("text")
    await read.text()
    const locked = upload("text")
    locked.body!.getReader()
    for (const request of [read, locked])
      expect(await (await webHandler(reading(kilobyte))(request)).text()).toBe("Consumed")
  })
})

describe("a reply", () => {
  const answering = (reply: HttpIngest.IngestReply): Ingest => ({
    matches: () => true,
    handle: async () => reply,
  })

  it("has its length in bytes, and no body for HEAD", async () => {
    const handler = webHandler(answering({ status: 401, headers: { "x-a": "b" }, body: "größe" }))
    for (const [method, text] of [
      ["POST", "größe"],
      ["HEAD", ""],
    ] as const) {
      const reply = await handler(new Request(url, { method }))
      expect([reply.status, Object.fromEntries(reply.headers), await reply.text()]).toEqual([
        401,
        { "content-length": "7", "x-a": "b" },
        text,
      ])
    }
  })

  it.each([204, 304])("of %s has neither a body nor a length", async (status) => {
    const reply = await webHandler(answering({ status, headers: {}, body: "" }))(upload("text"))
    expect([reply.status, reply.body, reply.headers.get("content-length")]).toEqual([status, null, null])
  })

  it("leaves CORS to the host that says so", async () => {
    const request = () => new Request(url, { method: "OPTIONS", headers: { origin: "https://shop.example" } })
    const millrace = await makeMillrace()
    const names = async (cors?: boolean) =>
      [...(await webHandler(millrace, cors === undefined ? {} : { cors })(request())).headers.keys()].filter(
        (name) => name.startsWith("access-control-"),
      )
    expect(await names()).toContain("access-control-allow-origin")
    expect(await names(false)).toEqual([])
  })
})
