import type { IncomingMessage } from "node:http"
import { consoleHandler } from "@millrace/console"
import { Action } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { describe, expect, onTestFinished, test } from "vitest"
import * as SignIn from "../src/access/SignIn.ts"
import * as Tokens from "../src/access/tokens.ts"
import { actions } from "../src/admin/AdminApi.ts"
import {
  adminReadToken,
  adminToken,
  ask,
  begin,
  listen,
  makeMillrace,
  makePage,
  signIn,
} from "./support/hosts.ts"

type Options = Parameters<typeof consoleHandler>[1]

const api = "/console/admin/v1"

const start = async (options: Options = { adminToken, adminReadToken }) => {
  const lines: Array<string> = []
  const millrace = await makeMillrace({
    destinations: [
      {
        id: "hook",
        url: "http://user:hunter2-password@127.0.0.1:9/",
        headers: { "x-api-key": "hunter2-header" },
        signing: { standardWebhooks: ["whsec_aHVudGVyMi1zZWNyZXQtaHVudGVyMi1zZWNyZXQh"] },
      },
    ],
    allowPrivateDestinations: true,
    log: ({ level, message, fields }) => void lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  })
  const port = await listen(consoleHandler(millrace, { page: makePage(), ...options }))
  return { millrace, port, lines }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

describe("without a token", () => {
  test.each([{}, { adminToken: "" }, { adminToken: undefined }])(
    "%o, there is no console",
    async (options) => {
      const { port, lines } = await start(options)
      for (const path of [
        "/console",
        "/console/",
        "/console/index.html",
        `${api}/status`,
        `${api}/openapi.json`,
      ]) {
        expect(await ask(port, { path })).toMatchObject({ status: 404, json: { message: "not found" } })
        expect(await ask(port, { path, body: {}, headers: bearer("") })).toMatchObject({ status: 404 })
      }
      expect(lines.filter((line) => line.includes("console"))).toEqual([
        "Warn no console: it was given no adminToken to sign in with {}",
      ])
    },
  )
})

describe("nobody who has not signed in", () => {
  test("gets a byte of any action, or learns which there are", async () => {
    const { port } = await start()
    const forged = "full.AAAAAAAAAAAAAAAAAAAAAA.9999999999999.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    const nobody = [
      {},
      { cookie: "" },
      { cookie: `millrace_console=${forged}` },
      { authorization: "Basic YTpi" },
    ]
    const paths = [...Object.values(actions).map(({ path }) => path), "no/such", "console/whoami"]
    const json = { message: "sign in first, or send a token", status: 401 }
    for (const headers of nobody) {
      for (const path of paths) {
        expect(await ask(port, { path: `${api}/${path}`, body: {}, headers })).toMatchObject({
          status: 401,
          json,
        })
      }
      expect(await ask(port, { path: `${api}/openapi.json`, headers })).toMatchObject({ status: 401, json })
    }
  })
})

describe("the cookie", () => {
  test("is for this console and for its own pages only", async () => {
    const { port } = await start()
    const path = `${api}/console/sign-in`
    const value = "full\\.[\\w-]{22}\\.\\d+\\.[\\w-]{43}"
    const plain = await ask(port, { path, body: { token: adminToken } })
    expect(plain.json).toEqual({ role: "full", until: expect.any(Number) })
    expect(plain.headers["set-cookie"]).toEqual([
      expect.stringMatching(
        `^millrace_console=${value}; Path=/console/; Max-Age=43200; HttpOnly; SameSite=Strict$`,
      ),
    ])
    const https = { "x-forwarded-proto": "https" }
    const secure = await ask(port, { path, body: { token: adminToken }, headers: https })
    expect(secure.headers["set-cookie"]).toEqual([
      expect.stringMatching(
        `^__Secure-millrace_console=${value}; Path=/console/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$`,
      ),
    ])
    const cookie = secure.headers["set-cookie"]![0]!.split(";", 1)[0]!
    const whoami = (headers: Readonly<Record<string, string>>) =>
      ask(port, { path: `${api}/console/whoami`, body: {}, headers })
    expect(await whoami({ ...https, cookie: `a=b; ${cookie}; c=d` })).toMatchObject({ status: 200 })
    // A cookie that came by https is not taken from a connection that anybody can write on.
    expect(await whoami({ cookie })).toMatchObject({ status: 401 })
  })

  test("is of no use once somebody has signed out, wherever it was copied", async () => {
    const { port } = await start()
    const cookie = await signIn(port, "/console")
    const other = await signIn(port, "/console")
    const whoami = (cookie: string) =>
      ask(port, { path: `${api}/console/whoami`, body: {}, headers: { cookie } })
    expect(await whoami(cookie)).toMatchObject({ status: 200, json: { role: "full" } })
    const out = await ask(port, { path: `${api}/console/sign-out`, body: {}, headers: { cookie } })
    expect(out.headers["set-cookie"]).toEqual([
      "millrace_console=; Path=/console/; Max-Age=0; HttpOnly; SameSite=Strict",
    ])
    expect(await whoami(cookie)).toMatchObject({ status: 401 })
    expect(await whoami(other)).toMatchObject({ status: 200 })
  })

  test("is of no use anywhere on the store once somebody has signed out at one of its processes", async () => {
    const { port, millrace } = await start()
    const elsewhere = await listen(consoleHandler(millrace, { adminToken, page: makePage() }))
    const whoami = (cookie: string) =>
      ask(elsewhere, { path: `${api}/console/whoami`, body: {}, headers: { cookie } })
    const cookie = await signIn(port, "/console")
    const other = await signIn(port, "/console")
    await ask(port, { path: `${api}/console/sign-out`, body: {}, headers: { cookie } })
    expect(await whoami(cookie)).toMatchObject({ status: 401 })
    expect(await whoami(other)).toMatchObject({ status: 200 })
  })
})

describe("a request of another page is refused", () => {
  const host = "console.example:8443"
  test.each<readonly [string, Readonly<Record<string, string>>, number]>([
    ["of a command", {}, 200],
    ["of the page", { "sec-fetch-site": "same-origin", origin: `http://${host}` }, 200],
    ["of the page behind TLS", { origin: `https://${host}` }, 200],
    ["of another site", { "sec-fetch-site": "cross-site" }, 403],
    ["of a neighbour", { "sec-fetch-site": "same-site" }, 403],
    ["that somebody has typed", { "sec-fetch-site": "none" }, 403],
    ["of another origin", { origin: "http://evil.example" }, 403],
    ["of another port", { origin: "http://console.example:1" }, 403],
    ["of no origin", { origin: "null" }, 403],
    ["that contradicts itself", { "sec-fetch-site": "same-origin", origin: "http://evil.example" }, 403],
    ["of a form", { "content-type": "text/plain" }, 415],
    ["of another form", { "content-type": "application/x-www-form-urlencoded" }, 415],
  ])("%s", async (_, headers, status) => {
    const { port } = await start()
    const cookie = await signIn(port, "/console")
    const question = { path: `${api}/destinations/disable`, body: { id: "hook" } }
    for (const shown of [{ cookie }, bearer(adminToken)]) {
      const reply = await ask(port, { ...question, headers: { host, ...shown, ...headers } })
      expect(reply.status).toBe(status)
    }
    const guess = { path: `${api}/console/sign-in`, body: { token: adminToken } }
    expect((await ask(port, { ...guess, headers: { host, ...headers } })).status).toBe(status)
  })

  test("nothing is changed by reading an address", async () => {
    const { port } = await start()
    const headers = bearer(adminToken)
    for (const { path } of Object.values(actions)) {
      expect((await ask(port, { path: `${api}/${path}`, headers })).status).toBe(405)
    }
  })
})

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

test("every reply says what a page may do, and none is for another origin", async () => {
  const { port } = await start()
  const headers = { ...bearer(adminToken), origin: "http://127.0.0.1" }
  const questions = [
    { path: "/console" },
    { path: "/console/" },
    { path: "/console/no-such.js" },
    { path: `${api}/status`, body: {}, headers: bearer(adminToken) },
    { path: `${api}/status`, body: {} },
    { path: `${api}/status`, body: {}, headers },
    { path: `${api}/console/sign-in`, method: "OPTIONS", headers: { origin: "http://evil.example" } },
  ]
  for (const question of questions) {
    const reply = await ask(port, question)
    expect(reply.headers).toMatchObject({
      "content-security-policy": policy,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    })
    if (question.path.startsWith(api)) expect(reply.headers["cache-control"]).toBe("no-store")
    expect(Object.keys(reply.headers).filter((name) => name.startsWith("access-control"))).toEqual([])
  }
})

describe("a wrong token", () => {
  test("may be tried five times from one address, by whichever way", async () => {
    const { port } = await start()
    const signing = (token: string) => ask(port, { path: `${api}/console/sign-in`, body: { token } })
    const asking = (token: string) => ask(port, { path: `${api}/status`, body: {}, headers: bearer(token) })
    const cookie = await signIn(port, "/console")
    for (const attempt of [signing, asking, signing, asking, signing]) {
      expect(await attempt("wrong")).toMatchObject({ status: 401, json: { message: "the token is wrong" } })
    }
    for (const attempt of [signing, asking]) {
      expect(await attempt(adminToken)).toMatchObject({
        status: 429,
        json: { message: expect.stringMatching(/^too many wrong tokens: try again in \d+ s$/) },
      })
    }
    // Those who are in stay in.
    expect(await ask(port, { path: `${api}/status`, body: {}, headers: { cookie } })).toMatchObject({
      status: 200,
    })
  })

  test("may be tried again after a minute", () =>
    Effect.gen(function* () {
      const ended = { add: () => Effect.void, has: () => Effect.succeed(false) }
      const { byToken } = SignIn.make(Tokens.of({ adminToken }), ended)
      for (let n = 0; n < 5; n++) {
        expect(yield* Effect.flip(byToken("wrong", "10.0.0.1"))).toMatchObject({ status: 401 })
      }
      expect(yield* Effect.flip(byToken(adminToken, "10.0.0.1"))).toMatchObject({ status: 429 })
      expect(yield* byToken(adminToken, "10.0.0.2")).toMatchObject({ role: "full" })
      yield* TestClock.adjust("1 minute")
      expect(yield* byToken(adminToken, "10.0.0.1")).toMatchObject({ role: "full" })
    }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise))
})

describe("those who may only read", () => {
  test("are refused every action that changes something, and no other", async () => {
    const { port } = await start()
    const cookie = await signIn(port, "/console", adminReadToken)
    for (const headers of [{ cookie }, bearer(adminReadToken)]) {
      for (const { path, changes } of Object.values(actions)) {
        const { status, json } = await ask(port, { path: `${api}/${path}`, body: { nobody: 1 }, headers })
        // What they may ask is looked at: this is no input of any.
        if (changes)
          expect([path, json]).toEqual([path, { message: "this sign-in may only read", status: 403 }])
        else expect([path, status]).toEqual([path, 400])
      }
    }
  })

  test("see events without what they say of users", async () => {
    const { port, millrace } = await start()
    const response = await begin(port, { path: `${api}/tail`, body: {}, headers: bearer(adminReadToken) })
    await millrace.logEvent({
      event: "paid",
      user: { userID: "u1", email: "u1@example.com" },
      value: "hunter2",
    })
    let text = ""
    for await (const chunk of response.setEncoding("utf8")) {
      text += chunk
      if (text.endsWith("\n")) break
    }
    expect(JSON.parse(text)).toMatchObject({
      event: { eventName: "paid", userID: "u1", value: "•••", user: { userID: "u1", email: "•••" } },
    })
  })
})

describe("a host", () => {
  test("may say itself who is let in", async () => {
    const { port } = await start({
      authorize: async ({ headers }) => {
        if (headers["x-user"] === "defect") throw new Error("hunter2")
        if (headers["x-user"] === "ann") return { role: "full", name: "ann" }
        return headers["x-user"] === "bob" ? "read" : null
      },
    })
    const whoami = (user: string) =>
      ask(port, { path: `${api}/console/whoami`, body: {}, headers: { "x-user": user } })
    expect((await whoami("ann")).json).toEqual({ role: "full", until: null })
    expect((await whoami("bob")).json).toEqual({ role: "read", until: null })
    expect(await whoami("eve")).toMatchObject({ status: 401 })
    const broken = await whoami("defect")
    expect([broken.status, broken.text.includes("hunter2")]).toEqual([500, false])
  })
})

test("no reply has a secret in it", async () => {
  const { port } = await start()
  const headers = bearer(adminToken)
  const streams = new Set(
    Object.values<Action.Action>(actions)
      .filter(Action.isTelling)
      .map(({ path }) => path),
  )
  for (const { path } of Object.values(actions)) {
    if (streams.has(path)) continue
    for (const body of [{}, { id: "hook" }, { destination: "hook" }]) {
      const { text } = await ask(port, { path: `${api}/${path}`, body, headers })
      expect([path, /hunter2|aHVudGVyMi|0123456789/.test(text)]).toEqual([path, false])
    }
  }
})

test("an operator's document is there for those who are in", async () => {
  const { port } = await start()
  const { json } = await ask(port, { path: `${api}/openapi.json`, headers: bearer(adminReadToken) })
  const { paths } = json as { paths: Readonly<Record<string, { post: { responses: object } }>> }
  expect(Object.keys(paths)).toContain("/admin/v1/console/sign-in")
  for (const { path, changes } of Object.values(actions)) {
    const statuses = Object.keys(paths[`/admin/v1/${path}`]!.post.responses)
    expect([path, statuses.includes("401"), statuses.includes("403")]).toEqual([path, true, changes])
  }
})

describe("streams", () => {
  test("end with the client, and with Millrace, so that nothing keeps the process", async () => {
    const { port, millrace } = await start()
    const tail = {
      path: `${api}/tail`,
      body: {},
      headers: { ...bearer(adminToken), accept: "text/event-stream" },
    }
    const first = await begin(port, tail)
    expect(first.headers["content-type"]).toBe("text/event-stream")
    const second = await begin(port, tail)
    first.destroy()
    const cut = new Promise((resolve) => second.once("error", resolve).once("end", resolve).resume())
    await millrace.close()
    await cut
    expect(second.complete).toBe(false)
    expect(await ask(port, tail)).toMatchObject({ status: 503 })
  })

  test("are no more than there may be", async () => {
    const { port } = await start()
    const tail = { path: `${api}/tail`, body: {}, headers: bearer(adminToken) }
    const open: Array<IncomingMessage> = []
    for (let n = 0; n < 500; n++) open.push(await begin(port, tail))
    onTestFinished(() => {
      for (const response of open) response.destroy()
    })
    expect(await ask(port, tail)).toMatchObject({
      status: 503,
      json: { message: "500 streams are open, or this server is stopping: come back later" },
    })
    // One that goes makes room.
    open[0]!.destroy()
    await expect
      .poll(async () => {
        const next = await begin(port, tail)
        next.destroy()
        return next.statusCode
      })
      .toBe(200)
  })
})
