import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { consoleHandler } from "@millrace/console"
import { expect, test } from "vitest"
import { adminToken, ask, begin, listen, makeMillrace, makePage } from "./support/hosts.ts"

const start = async () => {
  const millrace = await makeMillrace()
  return listen(consoleHandler(millrace, { adminToken, page: makePage() }))
}

const script = "/console/assets/index-Ab3_x9Zq.js"
const content = `// ${"x".repeat(2000)}\n`

test("what has its content in its name is kept for ever, and the rest is asked for anew", async () => {
  const port = await start()
  const page = await ask(port, { path: "/console/" })
  expect(page).toMatchObject({ status: 200, text: "<!doctype html><title>Console</title>" })
  expect(page.headers).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
  })
  const hashed = await ask(port, { path: script })
  expect(hashed).toMatchObject({ status: 200, text: content })
  expect(hashed.headers).toMatchObject({
    "content-type": "text/javascript; charset=utf-8",
    "cache-control": "public, max-age=31536000, immutable",
  })
  for (const { headers, path } of [
    { headers: page.headers, path: "/console/" },
    { headers: hashed.headers, path: script },
  ]) {
    const { etag = "" } = headers
    for (const known of [etag, `"other", W/${etag}`]) {
      expect(await ask(port, { path, headers: { "if-none-match": known } })).toMatchObject({
        status: 304,
        text: "",
        headers: { etag },
      })
    }
    expect(await ask(port, { path, headers: { "if-none-match": '"other"' } })).toMatchObject({ status: 200 })
  }
})

test("a browser gets what it can inflate", async () => {
  const port = await start()
  const inflate = { br: brotliDecompressSync, gzip: gunzipSync, none: (body: Buffer) => body } as const
  const cases = [
    ["gzip, deflate, br", "br"],
    ["gzip;q=1, br;q=0", "gzip"],
    ["gzip;q=0.5", "gzip"],
    ["gzip;q=0", "none"],
    ["zstd, brotli", "none"],
  ] as const
  for (const [accepted, coding] of cases) {
    const response = await begin(port, { path: script, headers: { "accept-encoding": accepted } })
    const chunks: Array<Buffer> = []
    for await (const chunk of response) chunks.push(chunk as Buffer)
    expect([accepted, response.headers["content-encoding"] ?? "none"]).toEqual([accepted, coding])
    expect(inflate[coding](Buffer.concat(chunks)).toString()).toBe(content)
    expect(response.headers).toMatchObject({ vary: "accept-encoding" })
  }
})

test("a head is that of the reply without its body", async () => {
  const port = await start()
  const { headers } = await ask(port, { path: script })
  const head = await ask(port, { path: script, method: "HEAD" })
  expect(head).toMatchObject({ status: 200, text: "" })
  expect(head.headers["content-length"]).toBe(headers["content-length"])
  expect(await ask(port, { path: script, method: "DELETE" })).toMatchObject({
    status: 405,
    headers: { allow: "GET, HEAD" },
  })
})

test.each([
  "/console/../millrace-outside.html",
  "/console/..%2fmillrace-outside.html",
  "/console/%2e%2e/millrace-outside.html",
  "/console/..\\millrace-outside.html",
  "/console//etc/passwd",
  "/console/assets",
  "/console/assets/",
  "/console/assets/notes.exe",
  "/console/index.html/",
  "/console/constructor",
  "/console/__proto__",
  "/consoleindex.html",
])("%s is nothing of the page", async (path) => {
  const reply = await ask(await start(), { path })
  expect([reply.status, reply.text.includes("outside")]).toEqual([404, false])
})

test("a page that was not built is a 404, and the admin API stays", async () => {
  const millrace = await makeMillrace()
  const port = await listen(consoleHandler(millrace, { adminToken, page: "/no/such/directory" }))
  expect(await ask(port, { path: "/console/" })).toMatchObject({ status: 404 })
  const headers = { authorization: `Bearer ${adminToken}` }
  expect(await ask(port, { path: "/console/admin/v1/status", body: {}, headers })).toMatchObject({
    status: 200,
  })
})
