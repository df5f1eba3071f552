/** Over 400 lines because every way to start and to end a server has its case here. */
import { execFile } from "node:child_process"
import { createHmac } from "node:crypto"
import { once } from "node:events"
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { DatabaseSync } from "@photostructure/sqlite"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import { launch, outcome, type Running, type Server, serve, serveGuarded } from "../support/command.ts"
import { eventHeaders, eventsBody, makeLoad, post } from "../support/load.ts"
import { lockDatabase } from "../support/lock.ts"
import { portInUse } from "../support/portInUse.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

const key = "secret-serve"
const withKey = ["--server-key", key]

const send = (server: Server, ids: ReadonlyArray<string>, asKey = key) =>
  post(`${server.url}/v1/log_event`, eventHeaders(asKey), eventsBody(ids))

const stop = async (server: Running): Promise<void> => {
  server.kill("SIGTERM")
  expect(await server.ended).toEqual({ code: 0, signal: null })
}

const get = async (url: string, init?: RequestInit) => {
  const response = await fetch(url, init)
  return { status: response.status, type: response.headers.get("content-type"), body: await response.text() }
}

/** The log's lines without their times. */
const logOf = (stderr: string): ReadonlyArray<string> =>
  stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^\S+ (\w+) +/, "$1 "))

describe("starting", () => {
  test("the first line says where, the log what", async () => {
    const receiver = await receive()
    const server = await serve([...withKey, "--store", "memory:", "--webhook", receiver.url], {
      cwd: tempDir(),
    })
    expect(server.stdout()).toBe(`millrace listening on ${server.url}\n`)
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(logOf(server.stderr())).toEqual([
      "WARN events are kept in memory: those that are pending go with the process",
      expect.stringMatching(
        /^INFO started version=\S+ store=memory: durability=memory validation=auto destinations=webhook-[0-9a-f]{8}$/,
      ),
    ])
    await stop(server)
    expect(logOf(server.stderr()).slice(2)).toEqual(["INFO stopping signal=SIGTERM", "INFO stopped"])
  })

  test("the log is JSON where nobody looks at a terminal, from the level on that is said", async () => {
    const env = { MILLRACE_LOG_FORMAT: "", MILLRACE_LOG_LEVEL: "warn" }
    const args = ["serve", "--port", "0", ...withKey, "--store", "memory:"]
    const server = launch(args, { cwd: tempDir(), env })
    await server.until(() => server.stderr().split("\n").length > 2)
    const lines = server
      .stderr()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(lines).toEqual([
      {
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        level: "warn",
        message: "events are kept in memory: those that are pending go with the process",
      },
      expect.objectContaining({ level: "warn", message: expect.stringContaining("no destination") }),
    ])
    await stop(server)
    expect(server.stderr()).not.toContain("stopp")
  })

  test("private destinations are refused unless they are allowed, and the log says so", async () => {
    const receiver = await receive()
    const server = await serveGuarded([...withKey, "--store", "memory:", "--webhook", receiver.url], {
      cwd: tempDir(),
    })
    expect(logOf(server.stderr())).toContainEqual(
      expect.stringMatching(
        /^WARN nothing will be sent to a private address.* destination=webhook-[0-9a-f]{8}$/,
      ),
    )
    expect(await send(server, ["a"])).toMatchObject({ status: 202 })
    await stop(server)
    expect(logOf(server.stderr())).toContainEqual(
      expect.stringMatching(/^WARN stopping with events pending.* events=1$/),
    )
    expect(receiver.requests).toEqual([])
  })

  test("of a single flag given twice the last one counts, those of a list add up", async () => {
    const server = await serve(
      [
        ...["--store", "sqlite:first.db", "--store", "sqlite:second.db"],
        ...["--server-key", "secret-1", "--server-key", "secret-2"],
      ],
      { cwd: tempDir(), env: { MILLRACE_SERVER_KEY: "secret-3" } },
    )
    expect(server.stderr()).toContain("store=sqlite:second.db")
    for (const [asKey, status] of [
      ["secret-1", 202],
      ["secret-2", 202],
      ["secret-3", 401],
    ] as const) {
      expect(await send(server, ["a"], asKey)).toMatchObject({ status })
    }
  })

  test("everything can come from variables and the file", async () => {
    const directory = tempDir()
    const receiver = await receive()
    writeFileSync(
      join(directory, "millrace.config.json"),
      `{ // the default name
        "validation": "lenient", "keys": { "client": ["client-1"] }, "store": "memory:",
        "destinations": [{ "id": "hook", "url": "${receiver.url}" }],
      }`,
    )
    const server = await serve([], { cwd: directory, env: { MILLRACE_SERVER_KEY: key } })
    expect(server.stderr()).toContain("store=memory: durability=memory validation=lenient destinations=hook")
    expect(await send(server, ["a"], "client-1")).toMatchObject({ status: 202 })
    expect(await send(server, ["b"])).toMatchObject({ status: 202 })
    await receiver.until(() => receiver.events.length === 2)
  })

  test.each([
    ["one process", []],
    ["two workers", ["--workers", "2"]],
  ])("with %s, paths of one's own are taken from a flag", async (_, workers) => {
    const args = [...withKey, ...workers, "--store", "memory:"]
    const paths = ["--log-event-path", "/v1/my-data", "--log-event-path", "/search"]
    const server = await serve([...args, ...paths], { cwd: tempDir() })
    const statuses = ["/v1/my-data", "/search", "/v1/log_event", "/v1/other"].map(async (path) => {
      const { status } = await post(`${server.url}${path}`, eventHeaders(key), eventsBody([path]))
      return status
    })
    expect(await Promise.all(statuses)).toEqual([202, 202, 202, 404])
  })

  test.each([
    ["one process", []],
    ["two workers", ["--workers", "2"]],
  ])("with %s, metrics and readiness have an address and a key of their own", async (_, workers) => {
    const opsKey = "a-key-of-operators"
    const args = [...withKey, ...workers, "--store", "memory:", "--ops-port", "0"]
    const server = await serve(args, { cwd: tempDir(), env: { MILLRACE_OPS_KEY: opsKey } })
    const ops = / ops=(http:\/\/127\.0\.0\.1:\d+)/.exec(server.stderr())![1]!
    expect(await send(server, ["a"])).toMatchObject({ status: 202 })
    expect(await get(`${server.url}/readyz`)).toMatchObject({ status: 404 })
    expect(await get(`${server.url}/livez`)).toMatchObject({ status: 200 })
    expect(await get(`${ops}/metrics`)).toMatchObject({ status: 401 })
    const headers = { authorization: `Bearer ${opsKey}` }
    expect(await get(`${ops}/readyz`, { headers })).toMatchObject({ status: 200 })
    const metrics = await get(`${ops}/metrics`, { headers })
    expect(metrics.body).toContain('millrace_intake_events_total{outcome="stored"} 1\n')
    expect(metrics.body).not.toContain(opsKey)
    await stop(server)
    expect(server.stderr()).not.toContain(opsKey)
  })

  test("a misspelled variable is told", async () => {
    const server = await serve([...withKey, "--store", "memory:"], {
      cwd: tempDir(),
      env: { MILLRACE_SERVER_KEYS: "secret-x" },
    })
    expect(server.stderr()).toContain(
      "this variable is not known, and ignored variable=MILLRACE_SERVER_KEYS nearest=MILLRACE_SERVER_KEY",
    )
    expect(server.stderr()).not.toContain("secret-x")
  })
})

describe("the first key", () => {
  const keyIn = (stdout: string): string => /^ {2}(secret-\S+)$/m.exec(stdout)![1]!

  test("is made, shown once with a line to try, kept as a hash, and not made again", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const first = await serve(["--webhook", receiver.url], { cwd: directory })
    await first.until(() => first.stdout().includes("curl"))
    const generated = keyIn(first.stdout())
    expect(generated).toMatch(/^secret-[0-9a-f]{40}$/)
    expect(first.stderr()).not.toContain(generated)
    // The line as it is printed, run by a shell's rules.
    const [, url, header, body] = /^ {2}curl (\S+) -H '([^']+)' -d '([^']+)'$/m.exec(first.stdout())!
    const [name, value] = header!.split(": ") as [string, string]
    expect(await post(url!, { [name]: value }, body!)).toEqual({ status: 202, body: '{"success":true}' })
    await receiver.until(() => receiver.events.length === 1)
    expect(receiver.events).toMatchObject([{ eventName: "hello", userID: "you" }])
    await stop(first)

    for (const file of readdirSync(directory)) {
      expect(readFileSync(join(directory, file)).includes(generated)).toBe(false)
    }
    const second = await serve([], { cwd: directory })
    expect(second.stdout()).toBe(`millrace listening on ${second.url}\n`)
    expect(await send(second, ["a"], generated)).toMatchObject({ status: 202 })
    expect(await send(second, ["a"], `${generated}0`)).toMatchObject({ status: 401 })
  })

  test("is not kept with events in memory, and says so", async () => {
    const server = await serve(["--store", "memory:"], { cwd: tempDir() })
    await server.until(() => server.stdout().includes("curl"))
    expect(server.stdout()).toContain("not kept")
    expect(await send(server, ["a"], keyIn(server.stdout()))).toMatchObject({ status: 202 })
  })
})

describe("what cannot work ends with one clear line each, exit code 1, and nothing listening", () => {
  test.each<readonly [name: string, args: ReadonlyArray<string>, stderr: string]>([
    [
      "several mistakes",
      ["--port", "x", "--store", "mysql://h", "--validation", "loose"],
      `millrace: --port: expected an integer
millrace: --store: expected memory:, sqlite:PATH, postgres://..., redis://... or nats://...
millrace: --validation: expected "auto" | "strict" | "lenient"
`,
    ],
    [
      "an unknown flag",
      ["--prot", "1"],
      "millrace: --prot: unknown flag: did you mean --port?\nsee millrace serve --help\n",
    ],
    [
      "a secret that is none",
      ["--webhook", "https://example.com", "--webhook-secret", "hunter2"],
      'millrace: --webhook-secret: expected "whsec_" and 24 to 64 bytes in base64\n',
    ],
    [
      "a level that the store does not give",
      ["--store", "memory:", "--server-key", "k", "--ack", "disk"],
      'millrace: ack: "disk" is demanded, but this store acknowledges at level "memory": set the store up for more, take another one, or demand less\n',
    ],
    [
      "a path of one's own that is another's",
      ["--store", "memory:", "--server-key", "k", "--log-event-path", "/v1/webhooks/event_webhook"],
      "millrace: paths.log_event[0]: is a path of event_webhook\n",
    ],
    [
      "an address of somebody else",
      ["--store", "memory:", "--server-key", "k", "--host", "192.0.2.1", "--port", "0"],
      "millrace: cannot listen on 192.0.2.1:0: this machine has no such address\n",
    ],
  ])("%s", async (_name, args, stderr) => {
    const ended = await outcome(["serve", ...args], { cwd: tempDir() })
    expect(ended).toEqual({ code: 1, signal: null, stdout: "", stderr })
  })

  test("a port in use", async () => {
    const port = await portInUse()
    const directory = tempDir()
    const ended = await outcome(["serve", "--port", String(port)], { cwd: directory })
    expect(ended).toEqual({
      code: 1,
      signal: null,
      stdout: "",
      stderr: `millrace: cannot listen on 127.0.0.1:${port}: the port is in use\n`,
    })
    // The key that was made for it was never seen: the next start makes another.
    const server = await serve([], { cwd: directory })
    await server.until(() => server.stdout().includes("curl"))
  })

  const stores: ReadonlyArray<readonly [name: string, spoil: (path: string) => void, line: RegExp]> = [
    [
      "a file that is no database",
      (path) => writeFileSync(path, "not a database, and longer than a header of a hundred bytes ".repeat(4)),
      /^millrace: \S+: not a SQLite database\n$/,
    ],
    [
      "a database of another program",
      (path) => {
        const database = new DatabaseSync(path)
        database.exec("CREATE TABLE theirs (x)")
        database.close()
      },
      /^millrace: \S+ is a database of another program\n$/,
    ],
    [
      "a database of a newer version",
      (path) => {
        const database = new DatabaseSync(path)
        database.exec("PRAGMA application_id = 0x4d494c4c; PRAGMA user_version = 999")
        database.close()
      },
      /^millrace: \S+ was written by a newer version \(schema 999; this one knows \d+\)\n$/,
    ],
    ["a directory", (path) => mkdirSync(path), /^millrace: \S+ is a directory\n$/],
    [
      "a file that another process has locked",
      (path) => {
        const database = new DatabaseSync(path)
        onTestFinished(() => database.close())
        database.exec("PRAGMA journal_mode = WAL; BEGIN EXCLUSIVE")
      },
      /^millrace: \S+: locked by another process \(SQLite code \d+\)\n$/,
    ],
  ]

  test.each(stores)("%s", async (_name, spoil, line) => {
    const path = join(tempDir(), "events.db")
    spoil(path)
    const ended = await outcome(["serve", "--port", "0", "--store", `sqlite:${path}`], { cwd: tempDir() })
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: "", stderr: expect.stringMatching(line) })
  })

  test("a directory that is not there", async () => {
    const ended = await outcome(["serve", "--store", "sqlite:missing/events.db"], { cwd: tempDir() })
    expect(ended).toMatchObject({ code: 1, stdout: "" })
    expect(ended.stderr).toMatch(
      /^millrace: \S+missing\/events\.db: the directory \S+missing does not exist\n$/,
    )
  })

  test("a package that is not built", async () => {
    const directory = tempDir()
    const bin = fileURLToPath(new URL("../../bin", import.meta.url))
    cpSync(bin, join(directory, "bin"), { recursive: true })
    const ended = await new Promise<string>((resolve) =>
      execFile(process.execPath, [join(directory, "bin", "millrace.mjs")], (error, _stdout, stderr) =>
        resolve(`${error?.code} ${stderr}`),
      ),
    )
    expect(ended).toBe("1 millrace: not built yet: run `npm run build` first\n")
  })
})

describe("stopping", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s under load: 0, within ten seconds, nothing lost",
    async (signal) => {
      const directory = tempDir()
      const receiver = await receive()
      const server = await serve([...withKey, "--webhook", receiver.url], { cwd: directory })
      const load = makeLoad(key, 16)
      const sending = load.send(server.url)
      await load.until(() => load.acknowledged.size > 500)
      server.kill(signal)
      // After nine and a half seconds it would end itself, with another code.
      expect(await server.ended).toEqual({ code: 0, signal: null })
      await sending
      const received = new Set(receiver.events.map(({ metadata }) => metadata["id"]))
      expect([...load.acknowledged].filter((id) => !received.has(id))).toEqual([])
      expect(receiver.events.length).toBe(received.size)
    },
  )

  test("says what a destination that is down has not got, and sends it after the next start", async () => {
    const directory = tempDir()
    const receiver = await receive()
    receiver.answer = 503
    const args = [...withKey, "--webhook", receiver.url]
    const first = await serve(args, { cwd: directory })
    await send(first, ["a", "b", "c"])
    await receiver.until(() => receiver.requests.length > 0)
    await stop(first)
    expect(first.stderr()).toMatch(
      / WARN {2}stopping with events pending destination=webhook-[0-9a-f]{8} events=3\n/,
    )

    receiver.answer = 200
    const second = await serve(args, { cwd: directory })
    await receiver.until(() => receiver.events.length === 3)
    await stop(second)
    expect(second.stderr()).not.toContain("pending")
  })

  test("a receiver that hangs does not keep it", async () => {
    const hanging = createServer(() => {}).listen(0, "127.0.0.1")
    await once(hanging, "listening")
    onTestFinished(() => void hanging.close())
    const { port } = hanging.address() as { readonly port: number }
    const connected = once(hanging, "connection")
    const server = await serve([...withKey, "--webhook", `http://127.0.0.1:${port}/`], { cwd: tempDir() })
    await send(server, ["a"])
    await connected
    await stop(server)
    expect(server.stderr()).toContain("events=1")
  })

  test("a second signal does not wait", async () => {
    const hanging = createServer(() => {}).listen(0, "127.0.0.1")
    await once(hanging, "listening")
    onTestFinished(() => void hanging.close())
    const { port } = hanging.address() as { readonly port: number }
    const connected = once(hanging, "connection")
    const server = await serve([...withKey, "--webhook", `http://127.0.0.1:${port}/`], { cwd: tempDir() })
    await send(server, ["a"])
    await connected
    server.kill("SIGTERM")
    await server.until(() => server.stderr().includes("stopping"))
    server.kill("SIGTERM")
    expect(await server.ended).toEqual({ code: 143, signal: null })
  })
})

test("the same command once more by mistake, on the same file and port, leaves the first server its destinations", async () => {
  const directory = tempDir()
  const receiver = await receive()
  const args = [...withKey, "--webhook", receiver.url]
  const first = await serve(args, { cwd: directory })
  await send(first, ["a"])
  await receiver.until(() => receiver.events.length === 1)
  const { port } = new URL(first.url)
  const second = await outcome(["serve", ...args, "--port", port], { cwd: directory })
  expect(second.stderr).toContain("the port is in use")
  // Long enough for a lane that was taken over to have noticed: it saves its place with every
  // batch.
  await send(first, ["b"])
  await receiver.until(() => receiver.events.length === 2)
  await send(first, ["c"])
  await receiver.until(() => receiver.events.length === 3)
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
  await stop(first)
  expect(first.stderr()).not.toContain("taken the destination over")
})

describe("a terminal that closes", () => {
  test("does not end a server that is sending what is pending, however often it says so", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const held: Array<() => void> = []
    const slow = createServer((socket) => {
      socket.once("data", () => held.push(() => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")))
    }).listen(0, "127.0.0.1")
    await once(slow, "listening")
    onTestFinished(() => void slow.close())
    const { port } = slow.address() as { readonly port: number }
    const args = [...withKey, "--webhook", receiver.url, "--webhook", `http://127.0.0.1:${port}/`]
    const server = await serve(args, { cwd: directory })
    await send(server, ["a"])
    await vi.waitFor(() => expect(held).toHaveLength(1), { timeout: 30_000 })
    server.kill("SIGTERM")
    await server.until(() => server.stderr().includes("stopping"))
    server.kill("SIGHUP")
    server.kill("SIGHUP")
    held[0]!()
    expect(await server.ended).toEqual({ code: 0, signal: null })
    expect(server.stderr()).toContain("stopping signal=SIGTERM")
    expect(server.stderr()).not.toContain("pending")
    expect(receiver.events).toHaveLength(1)
  })
})

describe("operating", () => {
  test("signs what it sends to a webhook that a secret was given for", async () => {
    const receiver = await receive()
    const secret = Buffer.alloc(32, 7)
    const server = await serve(
      [...withKey, "--webhook", receiver.url, "--webhook-secret", `whsec_${secret.toString("base64")}`],
      { cwd: tempDir() },
    )
    await send(server, ["a"])
    await receiver.until(() => receiver.requests.length === 1)
    const { headers, body } = receiver.requests[0]!
    // As https://www.standardwebhooks.com has it.
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
    const signature = createHmac("sha256", secret).update(signed).digest("base64")
    expect(headers["webhook-signature"]).toBe(`v1,${signature}`)
  })

  test("probes, metrics, and a 404 for the rest", async () => {
    const receiver = await receive()
    const server = await serve([...withKey, "--store", "memory:", "--webhook", receiver.url], {
      cwd: tempDir(),
    })
    await send(server, ["a", "b"])
    await receiver.until(() => receiver.events.length === 2)
    const json = "application/json"
    expect(await get(`${server.url}/livez`)).toEqual({ status: 200, type: json, body: '{"status":"ok"}' })
    expect(await get(`${server.url}/readyz?verbose`)).toEqual({
      status: 200,
      type: json,
      body: '{"status":"ok"}',
    })
    expect(await get(`${server.url}/livez`, { method: "HEAD" })).toEqual({
      status: 200,
      type: json,
      body: "",
    })
    expect(await get(`${server.url}/metrics`, { method: "POST", body: "x" })).toEqual({
      status: 405,
      type: json,
      body: '{"message":"method not allowed","status":405}',
    })
    for (const path of ["/", "/livez/", "/metrics.json", "/v1/initialize"]) {
      expect(await get(`${server.url}${path}`)).toEqual({
        status: 404,
        type: json,
        body: '{"message":"not found","status":404}',
      })
    }
    const metrics = await get(`${server.url}/metrics`)
    expect(metrics).toMatchObject({ status: 200, type: "text/plain; version=0.0.4; charset=utf-8" })
    expect(metrics.body).toContain('millrace_intake_events_total{outcome="stored"} 2\n')
    expect(metrics.body).toContain('millrace_intake_requests_total{route="log_event",status="202"} 1\n')
    expect(metrics.body).toMatch(/^millrace_destination_pending_events\{destination="webhook-\w+"\} \d$/m)
    for (const line of metrics.body.trimEnd().split("\n")) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_\d]+ .+|[a-z_\d]+(\{[^}]+\})? -?[\d.e+-]+)$/)
    }
  })

  test("a locked store: 503 and not ready, then all is well again by itself", async () => {
    const directory = tempDir()
    const receiver = await receive()
    const server = await serve([...withKey, "--webhook", receiver.url], { cwd: directory })
    const lock = lockDatabase(join(directory, "millrace.db"))
    const refused = await send(server, ["a"])
    expect(refused).toEqual({
      status: 503,
      body: '{"success":false,"message":"the store is not reachable","status":503}',
    })
    expect(server.stderr()).toMatch(
      / WARN {2}the store took no events reason=Unavailable error=".*locked.*"\n/,
    )
    expect(await get(`${server.url}/livez`)).toMatchObject({ status: 200 })
    expect(await get(`${server.url}/readyz`)).toMatchObject({ status: 503 })
    lock.release()
    expect(await send(server, ["a"])).toMatchObject({ status: 202 })
    expect(await get(`${server.url}/readyz`)).toMatchObject({ status: 200 })
    await receiver.until(() => receiver.events.length === 1)
    await stop(server)
    expect(receiver.events).toMatchObject([{ metadata: { id: "a" } }])
  })

  test("a file that is moved away: nothing is acknowledged until it is back", async () => {
    const directory = tempDir()
    const path = join(directory, "millrace.db")
    const server = await serve(withKey, { cwd: directory })
    expect(await send(server, ["a"])).toMatchObject({ status: 202 })
    renameSync(path, `${path}.moved`)
    expect(await send(server, ["b"])).toMatchObject({ status: 503 })
    expect(server.stderr()).toMatch(/ WARN {2}the store took no events .*moved, deleted or replaced/)
    renameSync(`${path}.moved`, path)
    expect(await send(server, ["b"])).toMatchObject({ status: 202 })
  })
})
