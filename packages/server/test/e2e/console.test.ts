import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { outcome, type Server, serve } from "../support/command.ts"
import { stop } from "../support/pipeline.ts"
import { tempDir } from "../support/resources.ts"

const adminToken = "a-full-token-0123456789"
const adminReadToken = "a-read-token-0123456789"

const ask = (
  server: Server,
  path: string,
  body: unknown = {},
  headers: Readonly<Record<string, string>> = {},
) =>
  fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

const signIn = async (server: Server, token: string, headers = {}): Promise<Response> =>
  ask(server, "/console/admin/v1/console/sign-in", { token }, headers)

const cookieOf = (response: Response): string => response.headers.getSetCookie()[0]!.split(";", 1)[0]!

describe.each([
  ["one process", []],
  ["workers", ["--workers", "2"]],
])("of a server of %s, the console", (_, args) => {
  const start = (more: ReadonlyArray<string> = ["--admin-token", adminToken], cwd = tempDir()) =>
    serve([...args, "--store", "sqlite:./a.db", ...more], { cwd })

  test("is not there without a token", async () => {
    const server = await start([])
    for (const path of ["/console", "/console/", "/console/admin/v1/status", "/admin/v1/status"]) {
      expect((await fetch(`${server.url}${path}`, { redirect: "manual" })).status).toBe(404)
      expect((await ask(server, path, {}, bearer(adminToken))).status).toBe(404)
    }
    expect(server.stderr()).not.toContain("console")
  })

  test("lets in those who have a token, and keeps no server from stopping", async () => {
    const server = await start()
    expect(server.stderr()).toContain(` console=${server.url}/console/`)
    const moved = await fetch(`${server.url}/console`, { redirect: "manual" })
    expect([moved.status, moved.headers.get("location")]).toEqual([308, "console/"])
    expect((await ask(server, "/console/admin/v1/status")).status).toBe(401)
    expect((await ask(server, "/admin/v1/status")).status).toBe(401)

    const cookie = cookieOf(await signIn(server, adminToken))
    const status = await ask(server, "/console/admin/v1/status", {}, { cookie })
    expect(await status.json()).toMatchObject({ url: server.url, pid: server.pid })
    const listed = await ask(server, "/console/admin/v1/processes/list", {}, { cookie })
    const { processes } = (await listed.json()) as {
      processes: ReadonlyArray<{ name: string; memory: number }>
    }
    expect(processes.map(({ name }) => name)).toEqual(
      args.length === 0 ? ["server"] : ["primary", "worker 1", "worker 2"],
    )
    for (const { memory } of processes) expect(memory).toBeGreaterThan(1e6)
    // A cookie is for the console only.
    expect((await ask(server, "/admin/v1/status", {}, { cookie })).status).toBe(401)
    expect((await ask(server, "/admin/v1/status", {}, bearer(adminToken))).status).toBe(200)
    expect((await ask(server, "/admin/v1/console/sign-in", { token: adminToken })).status).toBe(401)

    // An address may be wrong five times, whatever it says of itself.
    const statuses: Array<number> = []
    for (let n = 0; n < 6; n++) {
      const { status } = await signIn(server, `wrong ${n}`, {
        "x-forwarded-for": `10.0.0.${n}`,
        "x-millrace-client": `10.0.0.${n}`,
      })
      statuses.push(status)
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
    expect((await signIn(server, adminToken)).status).toBe(429)
    expect((await ask(server, "/admin/v1/status", {}, bearer(adminToken))).status).toBe(429)

    // Those who are in stay in, and no stream of theirs keeps the server from stopping.
    const response = await ask(server, "/console/admin/v1/tail", {}, { cookie })
    const reader = response.body!.getReader()
    await ask(server, "/console/admin/v1/send", { event: "told" }, { cookie })
    const { value } = await reader.read()
    expect(new TextDecoder().decode(value)).toContain('"eventName":"told"')
    const began = server.stderr().length
    const cutOff = reader.read().then(
      ({ done }) => (done ? "ended" : "went on"),
      () => "cut off",
    )
    await stop(server)
    expect(await cutOff).toBe("cut off")
    expect(server.stderr().slice(began)).toContain(" stopped")
  })

  test("counts tries by what a proxy says that is believed", async () => {
    const cwd = tempDir()
    writeFileSync(
      join(cwd, "millrace.config.json"),
      JSON.stringify({
        admin: { token: { file: "token" }, readToken: adminReadToken },
        client: { trust: ["127.0.0.1"] },
      }),
    )
    writeFileSync(join(cwd, "token"), `${adminToken}\n`)
    const server = await start([], cwd)
    const from = (address: string) => ({ "x-forwarded-for": address })
    for (let n = 0; n < 5; n++) expect((await signIn(server, "wrong", from("10.0.0.1"))).status).toBe(401)
    expect((await signIn(server, adminToken, from("10.0.0.1"))).status).toBe(429)
    expect(await (await signIn(server, adminToken, from("10.0.0.2"))).json()).toMatchObject({ role: "full" })
    expect(await (await signIn(server, adminReadToken, from("10.0.0.2"))).json()).toMatchObject({
      role: "read",
    })
  })
})

describe("commands of another machine", () => {
  const start = async (more: ReadonlyArray<string> = []) => {
    const server = await serve(["--store", "memory:", "--webhook", "http://127.0.0.1:9/", ...more], {
      cwd: tempDir(),
    })
    const cwd = tempDir()
    const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
      outcome(args, { cwd, env })
    return { server, run }
  }

  test("ask a server by its URL, also one whose store no file has", async () => {
    const { server, run } = await start(["--admin-token", adminToken, "--admin-read-token", adminReadToken])
    const byFlags = ["--server", server.url, "--admin-token", adminToken]
    const env = { MILLRACE_SERVER: server.url, MILLRACE_ADMIN_TOKEN: adminToken }
    const listed = await run(["destinations", "list", "--json"], env)
    expect(listed).toMatchObject({ code: 0, stderr: "" })
    const { id } = JSON.parse(listed.stdout) as { id: string }
    expect(await run(["destinations", "disable", id, ...byFlags])).toMatchObject({ code: 0 })
    expect((await run(["destinations", "list", ...byFlags])).stdout).toContain("disabled")
    expect(server.stderr()).toMatch(
      / changed by an operator .*who="?token [\da-f]{8}"? .*did=destinations\/disable/,
    )
    expect(server.stderr()).not.toContain(adminToken)
    expect((await run(["destinations", "show", id, ...byFlags])).stdout).toContain('"http://127.0.0.1:9/"')
    expect((await run(["destinations", "try-now", id, ...byFlags])).stdout).toBe(`${id} is tried\n`)
    expect((await run(["replays", "list", ...byFlags])).stdout).toBe("none\n")

    const reading = ["--server", server.url, "--admin-token", adminReadToken]
    expect(await run(["destinations", "enable", id, ...reading])).toMatchObject({
      code: 1,
      stderr: "millrace: this sign-in may only read: take the token that may do everything\n",
    })
    // The path of a proxy stays.
    expect(
      (await run(["doctor", "--server", `${server.url}/console/`, "--admin-token", adminToken])).stdout,
    ).toContain(`at ${server.url}`)
  })

  test("say what is wrong", async () => {
    const { server, run } = await start(["--admin-token", adminToken])
    const message = async (...args: ReadonlyArray<string>): Promise<string> => {
      const { code, stdout, stderr } = await run(["attempts", ...args])
      expect([code, stdout]).toEqual([1, ""])
      return stderr
    }
    const token = ["--admin-token", adminToken]
    expect(await message("--server", server.url, "--admin-token", "wrong")).toBe(
      `millrace: ${server.url}: the token is wrong: --admin-token is not that of the server\n`,
    )
    expect(await message("--server", "http://127.0.0.1:9", ...token)).toBe(
      "millrace: http://127.0.0.1:9: the server cannot be reached: ECONNREFUSED\n",
    )
    expect(await message("--server", server.url)).toBe(
      "millrace: --server: needs the server's --admin-token, or MILLRACE_ADMIN_TOKEN\n",
    )
    expect(await message("--server", "nowhere", ...token)).toBe(
      "millrace: --server: expected a URL with http or https\n",
    )
    expect(await message("--server", server.url, "--store", "sqlite:./a.db", ...token)).toBe(
      "millrace: --server and --store: name one of them\n",
    )
  })

  test("are told of a server that was started without a token", async () => {
    const { server, run } = await start()
    expect((await run(["attempts", "--server", server.url, "--admin-token", adminToken])).stderr).toBe(
      `millrace: ${server.url}: there is no admin API: the server was started without --admin-token, or this is another one\n`,
    )
  })
})
