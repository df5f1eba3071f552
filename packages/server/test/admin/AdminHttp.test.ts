import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs"
import { createServer, type RequestListener, request } from "node:http"
import { connect } from "node:net"
import { join } from "node:path"
import { AdminApi, AdminHttp } from "@millrace/console/admin"
import { Action } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { describe, expect, onTestFinished, test } from "vitest"
import * as AdminClient from "../../src/admin/AdminClient.ts"
import * as AdminSocket from "../../src/admin/AdminSocket.ts"
import { makeChanges, tempDir } from "../support/resources.ts"

const run = Effect.runPromise

/** Answers with what it was asked, and nothing else. */
const makeAdmin = () => {
  const calls: Array<readonly [path: string, unknown]> = []
  const { notify, until } = makeChanges()
  let tails = 0
  const admin: AdminApi.Admin = {
    ...Action.serve(AdminApi.actions, ({ path }) => (input) => {
      calls.push([path, input])
      switch (path) {
        case "destinations/rewind":
          return Effect.succeed({ events: 3 })
        case "destinations/skip":
          return Effect.fail(new AdminApi.AdminError({ status: 404, message: "no such\nthing" }))
        case "doctor":
          return Effect.die(new Error("secret"))
        default:
          return Effect.succeed({})
      }
    }),
    tail: () =>
      Effect.sync(() => {
        tails += 1
        return Stream.concat(Stream.make({ missed: 1 }, { missed: 2 }), Stream.never).pipe(
          Stream.ensuring(
            Effect.sync(() => {
              tails -= 1
              notify()
            }),
          ),
        )
      }),
  }
  return { admin, calls, tails: () => tails, until }
}

const listen = async (path: string, listener: RequestListener) => {
  const scope = Scope.makeUnsafe()
  await run(Scope.provide(AdminSocket.listen(path, listener), scope))
  const close = () => run(Scope.close(scope, Exit.void))
  onTestFinished(close)
  return close
}

interface Reply {
  readonly status: number
  readonly body: unknown
}

const ask = (
  socketPath: string,
  {
    method = "POST",
    path = "/admin/v1/destinations/rewind",
    type = "application/json",
    body = '{"id":"a","since":1}',
  } = {},
) =>
  new Promise<Reply>((resolve, reject) => {
    const sending = request({ socketPath, method, path, agent: false, headers: { "content-type": type } })
    sending.once("error", reject)
    sending.once("response", async (response) => {
      let text = ""
      for await (const chunk of response.setEncoding("utf8")) text += chunk
      resolve({ status: response.statusCode!, body: JSON.parse(text) })
    })
    sending.end(body)
  })

describe("over HTTP", () => {
  const start = async () => {
    const made = makeAdmin()
    const path = join(tempDir(), "a.sock")
    await listen(path, AdminHttp.listener(made.admin))
    return { ...made, path }
  }

  test("an operation gets its input and gives its output", async () => {
    const { path, calls } = await start()
    expect(await ask(path)).toEqual({ status: 200, body: { events: 3 } })
    expect(
      await ask(path, { path: "/admin/v1/status?x=1", body: "", type: "application/json; charset=utf-8" }),
    ).toEqual({
      status: 200,
      body: {},
    })
    expect(calls).toEqual([
      ["destinations/rewind", { id: "a", since: 1 }],
      ["status", {}],
    ])
  })

  test.each([
    ["another path", { path: "/admin/v2/status" }, 404, "not found"],
    ["an unknown operation", { path: "/admin/v1/toString" }, 404, "there is no such operation"],
    ["another method", { method: "PUT" }, 405, "method not allowed: expected POST"],
    ["what a page may send anywhere", { type: "text/plain" }, 415, "content-type: expected application/json"],
    ["no JSON", { body: "{" }, 400, "the body is not JSON"],
    ["no object", { body: "[]" }, 400, expect.stringMatching(/^body: /)],
    ["a wrong input", { body: '{"id":1,"x":2}' }, 400, "x: unknown key\nid: expected string\nsince: missing"],
    [
      "too much",
      { body: `"${"x".repeat(AdminApi.maxRequestBytes)}"` },
      413,
      `the body is larger than ${AdminApi.maxRequestBytes} bytes`,
    ],
    ["what fails", { path: "/admin/v1/destinations/skip", body: '{"id":"a"}' }, 404, "no such\nthing"],
    ["a mistake of ours", { path: "/admin/v1/doctor", body: "{}" }, 500, "internal error"],
  ])("%s is refused", async (_, question, status, message) => {
    const { path, calls } = await start()
    expect(await ask(path, question)).toEqual({ status, body: { message, status } })
    expect(calls.filter(([name]) => name === "destinations/rewind")).toEqual([])
    expect(await ask(path)).toMatchObject({ status: 200 })
  })

  test("the client says what the server said", async () => {
    const { path } = await start()
    const admin = AdminClient.make({ socketPath: path })
    expect(await run(admin.rewind({ id: "a", since: 1 }))).toEqual({ events: 3 })
    expect(await run(Effect.flip(admin.skip({ id: "a" })))).toEqual(
      new AdminApi.AdminError({ status: 404, message: "no such\nthing" }),
    )
    // `{}` is no list of checks: another version, say.
    expect(await run(Effect.flip(admin.destinations({})))).toMatchObject({ status: 502 })
  })

  test("a tail goes on until the client leaves", async () => {
    const { path, tails, until } = await start()
    const seen: Array<unknown> = []
    const both = makeChanges()
    const fiber = Effect.runFork(
      Effect.flatMap(AdminClient.make({ socketPath: path }).tail({}), (events) =>
        Stream.runForEach(events, (event) =>
          Effect.sync(() => {
            seen.push(event)
            both.notify()
          }),
        ),
      ),
    )
    await both.until(() => seen.length === 2)
    expect(seen).toEqual([{ missed: 1 }, { missed: 2 }])
    expect(tails()).toBe(1)
    await run(Fiber.interrupt(fiber))
    await until(() => tails() === 0)
  })

  test("a tail ends when the server stops, and the client says so", async () => {
    const made = makeAdmin()
    const path = join(tempDir(), "a.sock")
    const close = await listen(path, AdminHttp.listener(made.admin))
    const events = await run(AdminClient.make({ socketPath: path }).tail({}))
    const ended = run(Effect.flip(Stream.runDrain(events)))
    await close()
    expect(await ended).toMatchObject({ _tag: "AdminError", status: 503 })
    await made.until(() => made.tails() === 0)
  })
})

describe("the socket", () => {
  const answers =
    (name: string): RequestListener =>
    (_, res) =>
      res.end(JSON.stringify(name))

  test("is its user's alone, leaves nothing beside it, and goes when it is closed", async () => {
    const directory = tempDir()
    const path = join(directory, "a.sock")
    const close = await listen(path, answers("first"))
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(directory)).toEqual(["a.sock"])
    expect(await ask(path)).toMatchObject({ body: "first" })
    await close()
    expect(readdirSync(directory)).toEqual([])
  })

  test("of a server that was killed is replaced", async () => {
    const path = join(tempDir(), "a.sock")
    const killed = createServer().listen(path)
    onTestFinished(() => void killed.close())
    await new Promise((resolve) => killed.once("listening", resolve))
    await listen(path, answers("second"))
    expect(await ask(path)).toMatchObject({ body: "second" })
  })

  test("belongs to the newest server, and an older one does not take it away", async () => {
    const path = join(tempDir(), "a.sock")
    const closeFirst = await listen(path, answers("first"))
    await listen(path, answers("second"))
    expect(await ask(path)).toMatchObject({ body: "second" })
    await closeFirst()
    expect(await ask(path)).toMatchObject({ body: "second" })
  })

  test("does not replace what is none", async () => {
    const path = join(tempDir(), "a.sock")
    writeFileSync(path, "mine")
    const failing = Effect.scoped(AdminSocket.listen(path, answers("x")))
    expect(await run(Effect.flip(failing))).toMatchObject({
      message: expect.stringContaining("something else"),
    })
    expect(readFileSync(path, "utf8")).toBe("mine")
  })

  test("says when there can be none", async () => {
    const directory = tempDir()
    const far = join(directory, "x".repeat(200))
    mkdirSync(far)
    const tooLong = Effect.scoped(AdminSocket.listen(join(far, "a.sock"), answers("x")))
    expect(await run(Effect.flip(tooLong))).toMatchObject({ message: expect.stringContaining("too long") })
    const nowhere = Effect.scoped(AdminSocket.listen(join(directory, "no", "a.sock"), answers("x")))
    expect(await run(Effect.flip(nowhere))).toMatchObject({ message: expect.stringContaining("ENOENT") })
    expect(readdirSync(far)).toEqual([])
  })

  test("stands beside the file that links lead to", () => {
    const directory = tempDir()
    expect(AdminSocket.pathOf(join(directory, "no.db"))).toBe(join(directory, "no.db.sock"))
  })
})

describe("the client", () => {
  test.each([
    ["nothing is there", () => {}],
    [
      "a server was killed",
      async (path: string) => {
        const killed = createServer()
        await new Promise<void>((resolve) => killed.listen(`${path}.made`, resolve))
        renameSync(`${path}.made`, path)
        await new Promise((resolve) => killed.close(resolve))
        expect(existsSync(path)).toBe(true)
      },
    ],
  ])("says that nobody listens when %s", async (_, prepare) => {
    const path = join(tempDir(), "a.sock")
    await prepare(path)
    expect(await run(Effect.flip(AdminClient.make({ socketPath: path }).status({})))).toMatchObject({
      _tag: "NoServer",
    })
  })

  test.each([
    ["hangs up", (res: Parameters<RequestListener>[1]) => void res.destroy(), 503],
    [
      "hangs up in the middle",
      (res: Parameters<RequestListener>[1]) => {
        res.writeHead(200, { "content-length": 100 })
        res.write("{", () => res.destroy())
      },
      503,
    ],
    ["talks nonsense", (res: Parameters<RequestListener>[1]) => void res.end("<html>"), 502],
    [
      "fails with nonsense",
      (res: Parameters<RequestListener>[1]) => void res.writeHead(500).end("<html>"),
      502,
    ],
  ])("says so when the server %s", async (_, answer, status) => {
    const path = join(tempDir(), "a.sock")
    await listen(path, (_req, res) => answer(res))
    expect(await run(Effect.flip(AdminClient.make({ socketPath: path }).status({})))).toMatchObject({
      status,
    })
  })

  test("who sends half a request does not keep the server from stopping", async () => {
    const path = join(tempDir(), "a.sock")
    const close = await listen(path, AdminHttp.listener(makeAdmin().admin))
    const socket = connect(path)
    await new Promise((resolve) => socket.once("connect", resolve))
    socket.write("POST /admin/v1/status HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n{")
    const closed = new Promise((resolve) => socket.on("error", () => {}).once("close", resolve))
    socket.resume()
    await close()
    await closed
  })
})
