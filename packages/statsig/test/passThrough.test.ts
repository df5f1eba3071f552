import { gzipSync } from "node:zlib"
import { Millrace } from "@millrace/node"
import { statsig } from "@millrace/statsig"
import { describe, expect, it } from "vitest"
import { clientKey, inFront, serverKey } from "./support/inFront.ts"
import { json } from "./support/standIn.ts"

const specs = JSON.stringify({ has_updates: true, time: 1_700_000_000_000, feature_gates: [] })

const key = { "statsig-api-key": serverKey }

describe("what is passed through", () => {
  it.each([
    ["POST", "/v1/initialize", "/v1/initialize"],
    ["POST", "/initialize/?t=1&se=1", "/v1/initialize?t=1&se=1"],
    ["POST", "/any/prefix/v1/initialize", "/v1/initialize"],
    ["GET", "/v1/download_config_specs", "/v1/download_config_specs"],
    ["GET", "/v2/download_config_specs?supports_proto=true", "/v2/download_config_specs?supports_proto=true"],
    ["GET", "/v1/download_config_specs/secret-1.json", "/v1/download_config_specs/secret-1.json"],
    ["GET", "/v2/download_config_specs/secret-1.json", "/v2/download_config_specs/secret-1.json"],
    [
      "GET",
      "/v2/statsig/v1/download_config_specs/secret%2D1.json",
      "/v1/download_config_specs/secret-1.json",
    ],
    ["POST", "/v1/download_config_specs", "/v1/download_config_specs"],
    ["POST", "/v1/get_id_lists", "/v1/get_id_lists"],
    ["POST", "/v1/check_gate", "/v1/check_gate"],
    ["POST", "/v1/get_config", "/v1/get_config"],
    ["POST", "/v1/get_layer", "/v1/get_layer"],
    ["POST", "/v2/get_layer", "/v1/get_layer"],
  ])("%s %s goes on as %s, and comes back", async (method, asked, sent) => {
    const { url, upstream } = await inFront(json(specs))
    const body = method === "POST" ? '{"user":{"userID":"a"}}' : ""
    const reply = await fetch(url + asked, { method, headers: key, ...(body === "" ? {} : { body }) })
    expect([reply.status, await reply.text()]).toEqual([200, specs])
    expect(upstream.got.map((got) => [got.method, got.url, got.body])).toEqual([[method, sent, body]])
    expect(upstream.got[0]?.headers["statsig-api-key"]).toBe(serverKey)
  })

  it.each([
    ["GET", "/v1/initialize", 405],
    ["PUT", "/v1/download_config_specs", 405],
    ["GET", "/v1/get_id_lists", 405],
    ["POST", "/v1/initialise", 404],
    ["GET", "/v1/download_config_specs/../secrets/secret-1.json", 404],
    ["GET", "/v1/other/secret-1.json", 404],
    ["GET", "/v1/download_config_specs/secret-1.txt", 404],
    ["POST", "/v1/layers", 404],
    ["GET", "/http://127.0.0.1:1/x", 404],
    ["POST", "/v1/sdk_exception", 202],
  ])("%s %s goes nowhere: %i", async (method, path, status) => {
    const { url, upstream } = await inFront(json(specs))
    // `fetch` would tidy the path up.
    const { request } = await import("node:http")
    const { port } = new URL(url)
    const got = await new Promise<number | undefined>((resolve) => {
      const sending = request({ port, method, path, headers: key }, (res) => {
        res.resume()
        resolve(res.statusCode)
      })
      sending.end(method === "GET" ? undefined : "{}")
    })
    expect([got, upstream.got]).toEqual([status, []])
  })

  it("is nothing unless it is asked for", async () => {
    const { url, upstream } = await inFront(json(specs), {}, { passThrough: false })
    expect((await fetch(`${url}/v1/initialize`, { method: "POST", headers: key })).status).toBe(404)
    expect(upstream.got).toEqual([])
  })

  it("has paths of the user's own, which are told apart from others'", async () => {
    const paths = { initialize: ["/v1/my-start"], download_config_specs: ["/v2/my-rules"] }
    const { url, upstream, millrace } = await inFront(json(specs), { paths })
    expect(millrace.matches("/shop/v1/my-start?k=x")).toBe(true)
    await fetch(`${url}/v1/my-start`, { method: "POST", headers: key, body: "{}" })
    await fetch(`${url}/v2/my-rules?k=${serverKey}`)
    expect(upstream.got.map((got) => got.url)).toEqual([
      "/v1/initialize",
      `/v2/download_config_specs?k=${serverKey}`,
    ])
    const wrong = { log_event: ["/v1/initialize"], get_layers: ["/a"], initialize: ["/v1/rgstr"] }
    const make = Millrace.make({
      keys: { server: [serverKey] },
      extensions: [statsig({ passThrough: true })],
      paths: wrong,
    })
    await expect(make).rejects.toMatchObject({
      problems: [
        { path: "paths.get_layers" },
        { path: "paths.log_event[0]", message: "is a path of initialize" },
        { path: "paths.initialize[0]", message: "is a path of log_event" },
      ],
    })
    const alone = Millrace.make({ keys: { server: [serverKey] }, paths: { initialize: ["/a"] } })
    await expect(alone).rejects.toMatchObject({ problems: [{ path: "paths.initialize" }] })
  })
})

describe("whose key may ask", () => {
  const ask = async (path: string, headers: Record<string, string>, method = "GET") => {
    const { url, upstream } = await inFront(json(specs))
    const reply = await fetch(url + path, { method, headers, ...(method === "POST" ? { body: "{}" } : {}) })
    await reply.text()
    return [reply.status, upstream.got.length]
  }

  it.each([
    ["in the header", "/v1/download_config_specs", key],
    ["in the query", `/v1/download_config_specs?k=${serverKey}`, {}],
    ["in the path", `/v1/download_config_specs/${serverKey}.json`, {}],
    ["in all of them", `/v1/download_config_specs/${serverKey}.json?k=${serverKey}`, key],
  ])("one that is known, %s", async (_, path, headers) => {
    expect(await ask(path, headers as Record<string, string>)).toEqual([200, 1])
  })

  it.each([
    ["none", "/v1/download_config_specs", {}, 401],
    ["an unknown one", "/v1/download_config_specs/secret-2.json", {}, 401],
    ["two that differ", `/v1/download_config_specs/secret-1.json?k=${clientKey}`, {}, 400],
    [
      "a client's in the header, a server's in the path",
      "/v1/download_config_specs/secret-1.json",
      { "statsig-api-key": clientKey },
      400,
    ],
    ["two in the query", "/v1/download_config_specs?k=secret-1&k=client-1", {}, 400],
    ["one that is no text", "/v1/download_config_specs/%ff.json", {}, 400],
  ])("not %s, and nothing is sent", async (_, path, headers, status) => {
    expect(await ask(path, headers as Record<string, string>)).toEqual([status, 0])
  })

  it("a client key gets what Statsig answers to it, and never what a server key got", async () => {
    const { url, upstream } = await inFront((got, res) => {
      const isServer = got.headers["statsig-api-key"] === serverKey || got.url.includes(serverKey)
      json(isServer ? specs : '{"on":"device"}')(got, res)
    })
    const text = async (path: string) => (await fetch(url + path)).text()
    expect(await text(`/v1/download_config_specs?k=${serverKey}`)).toBe(specs)
    expect(await text(`/v1/download_config_specs?k=${clientKey}`)).toBe('{"on":"device"}')
    expect(await text(`/v1/download_config_specs/${clientKey}.json`)).toBe('{"on":"device"}')
    expect(upstream.got).toHaveLength(3)
    expect(await ask("/v1/get_id_lists", { "statsig-api-key": clientKey }, "POST")).toEqual([403, 0])
  })

  it("any, where events are taken from anybody, but never none", async () => {
    const { url, upstream } = await inFront(json(specs), { keys: "none" })
    const statuses = await Promise.all(
      ["", "?k=whoever"].map(
        async (query) => (await fetch(`${url}/v1/download_config_specs${query}`)).status,
      ),
    )
    expect([statuses, upstream.got.length]).toEqual([[401, 200], 1])
  })
})

describe("what goes on and what comes back", () => {
  it("are the SDK's headers and bytes, never cookies and what is between here and there", async () => {
    const { url, upstream } = await inFront((_, res) => {
      res.writeHead(201, {
        "content-type": "application/json; charset=utf-8",
        "content-encoding": "gzip",
        etag: '"1"',
        "last-modified": "Sun, 01 Jan 2023 00:00:00 GMT",
        "x-statsig-region": "west",
        "set-cookie": "a=b",
        "access-control-allow-origin": "https://statsig.example",
        server: "theirs",
        "x-other": "1",
      })
      res.end(gzipSync(specs))
    })
    const body = gzipSync('{"user":{}}')
    const reply = await fetch(`${url}/v1/initialize?k=${clientKey}&gz=1`, {
      method: "POST",
      headers: {
        "content-type": "text/plain",
        "content-encoding": "gzip",
        "accept-encoding": "br;q=0.1, gzip",
        "user-agent": "sdk/1",
        "if-none-match": '"0"',
        "statsig-client-time": "17",
        "statsig-anything": "kept",
        cookie: "session=secret",
        authorization: "Bearer secret",
        "x-forwarded-for": "1.2.3.4",
        "x-forwarded-host": "evil",
        forwarded: "for=1.2.3.4",
        referer: "https://shop.example/?secret",
        origin: "https://shop.example",
      },
      body,
    })
    expect(await reply.text()).toBe(specs)
    expect(reply.status).toBe(201)
    expect(Object.fromEntries(reply.headers)).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "content-encoding": "gzip",
      etag: '"1"',
      "last-modified": "Sun, 01 Jan 2023 00:00:00 GMT",
      "x-statsig-region": "west",
      "access-control-allow-origin": "https://shop.example",
    })
    for (const name of ["set-cookie", "server", "x-other"]) expect(reply.headers.has(name)).toBe(false)
    const [got] = upstream.got
    expect(got?.body).toBe(body.toString("latin1"))
    const { host, connection, "content-length": length, ...headers } = got!.headers
    expect([host, length]).toEqual([new URL(upstream.url).host, String(body.length)])
    expect(connection).toBe("keep-alive")
    expect(headers).toEqual({
      "content-type": "text/plain",
      "content-encoding": "gzip",
      "accept-encoding": "br;q=0.1, gzip",
      "user-agent": "sdk/1",
      "if-none-match": '"0"',
      "statsig-client-time": "17",
      "statsig-anything": "kept",
    })
  })

  it("and where the client is, where that is kept: gates may depend on it", async () => {
    const client = { ip: "keep", trust: ["127.0.0.1"] } as const
    const { url, upstream } = await inFront(json(specs), { client })
    const forwarded = { ...key, "x-forwarded-for": "6.6.6.6, 203.0.113.7" }
    await fetch(`${url}/v1/initialize`, { method: "POST", headers: forwarded, body: "{}" })
    await fetch(`${url}/v1/download_config_specs`, { headers: forwarded })
    expect(upstream.got.map(({ headers }) => headers["x-forwarded-for"])).toEqual(["203.0.113.7", undefined])
  })

  it.each([204, 400, 403, 404, 429, 500])("a %i is passed back as it is", async (status) => {
    const { url } = await inFront(json(status === 204 ? "" : '{"a":1}', {}, status))
    const reply = await fetch(`${url}/v1/initialize`, { method: "POST", headers: key, body: "{}" })
    expect([reply.status, await reply.text()]).toEqual([status, status === 204 ? "" : '{"a":1}'])
  })

  it("a redirection leads nobody away with a key", async () => {
    const { url } = await inFront(json("", { location: "http://evil.example/" }, 302))
    const reply = await fetch(`${url}/v1/initialize`, { method: "POST", headers: key, body: "{}" })
    expect([reply.status, reply.headers.has("location")]).toEqual([502, false])
  })

  it("browsers may ask, also by GET where a route takes it, and read a refusal", async () => {
    const { url } = await inFront(json(specs))
    const preflight = async (path: string) => {
      const reply = await fetch(url + path, {
        method: "OPTIONS",
        headers: {
          origin: "https://shop.example",
          "access-control-request-method": "POST",
          "access-control-request-headers": "statsig-sdk-type",
        },
      })
      return [reply.status, reply.headers.get("access-control-allow-methods")]
    }
    expect(await preflight("/v1/initialize?k=x")).toEqual([204, "POST, OPTIONS"])
    expect(await preflight("/v1/download_config_specs?k=x")).toEqual([204, "GET, POST, OPTIONS"])
    expect(await preflight("/v1/get_id_lists")).toEqual([204, null])
    const refused = await fetch(`${url}/v1/initialize?k=unknown`, {
      method: "POST",
      headers: { origin: "https://shop.example" },
    })
    expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
      401,
      "https://shop.example",
    ])
  })

  it("a body that is too large is refused, and so is a query", async () => {
    const { url, upstream } = await inFront(json(specs))
    const large = { method: "POST", headers: key, body: "a".repeat(1024 * 1024 + 1) }
    expect((await fetch(`${url}/v1/initialize`, large)).status).toBe(413)
    expect((await fetch(`${url}/v1/initialize?${"a".repeat(5000)}`, { ...large, body: "{}" })).status).toBe(
      400,
    )
    expect(upstream.got).toEqual([])
  })
})

it("options that cannot work are said with their paths", async () => {
  const options = {
    upstream: { api: "ftp://a", cdn: "https://cdn.example/v1", sdk: "https://a" },
    passThrough: "yes",
    freshFor: "soon",
    realy: true,
  } as unknown as Parameters<typeof statsig>[0]
  const make = Millrace.make({ extensions: [statsig(options)] })
  await expect(make).rejects.toMatchObject({ _tag: "InvalidOptions" })
  const { problems } = (await make.catch((error: unknown) => error)) as {
    problems: ReadonlyArray<{ path: string }>
  }
  expect(problems.map(({ path }) => path).sort()).toEqual([
    "statsig.freshFor",
    "statsig.passThrough",
    "statsig.realy",
    "statsig.upstream.api",
    "statsig.upstream.cdn",
    "statsig.upstream.sdk",
  ])
})
