// Runs one example as its reader would: start it, post a batch, see it arrive at a webhook, stop it
// by SIGTERM. node .ci/example.mjs express STORE=postgres node .ci/example.mjs swap-storage
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { tsImport } from "tsx/esm/api"

const name = process.argv[2]
const directory = fileURLToPath(new URL(`../examples/${name}`, import.meta.url))
const bin = (command) => fileURLToPath(new URL(`../node_modules/.bin/${command}`, import.meta.url))
const patience = 30_000

/** What operators sign in with, where there is something to sign in to. */
const adminToken = "a-token-for-examples"

/** The programs of an example: some show the same on several hosts. */
const programs = { console: ["main.ts", "fastify.ts", "node.ts"] }[name] ?? ["main.ts"]

const within = (promise, what) => {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patience} ms`)), patience)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const listen = async (server) => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return server.address().port
}

const freePort = async () => {
  const server = createServer()
  const port = await listen(server)
  server.close()
  await once(server, "close")
  return port
}

const startPlace = async (kind, start) => {
  const source = `../packages/test-servers/src/${kind}.ts`
  const server = await (await tsImport(source, import.meta.url))[start]()
  return { server, env: { [`${kind.toUpperCase()}_URL`]: server.url } }
}

/** Somebody who stands in for Statsig: this machine asks no other. */
const startStatsig = async () => {
  const source = "../packages/test-sdks/src/standIn/index.ts"
  const { startStandIn } = await tsImport(source, import.meta.url)
  const standIn = await startStandIn({ keys: { server: ["secret-example"], client: ["client-example"] } })
  return { server: { dispose: standIn.close }, standIn, env: { STATSIG_URL: standIn.url } }
}

const placeNames = { outbox: "postgres", "in-front-of-statsig": "statsig" }

/**
 * A server of its own, where the example needs one: what a run leaves behind must not be there for
 * the next.
 */
const placeOf = async () => {
  switch (placeNames[name] ?? process.env.STORE) {
    case "statsig":
      return startStatsig()
    case "postgres":
      return startPlace("postgres", "startPostgres")
    case "redis":
      return startPlace("redis", "startRedis")
    case "nats":
      return startPlace("nats", "startNats")
    default:
      return { server: null, env: {} }
  }
}

/** Runs a program of the example's to its end, and returns what it prints. */
const output = async (file, env) => {
  const child = spawn(bin("tsx"), [join(directory, file)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    text += chunk
  })
  assert.deepEqual(await within(once(child, "close"), file), [0, null])
  return text
}

/** The SDKs have their gates, and what they log is at the webhook and at Statsig. */
const tryInFrontOfStatsig = async (port, standIn, untilAll) => {
  assert.equal(
    await output("sdks.ts", { PORT: String(port) }),
    `server: everybody true
server: shop {"currency":"EUR","vat":0.2,"banks":["n26","bnp"]}
browser: testers true
browser: header Shop
`,
  )
  const logged = ["page_view", "order_placed", "statsig::layer_exposure", "page_viewed"]
  const hasAll = (events) => logged.every((wanted) => events.some(({ eventName }) => eventName === wanted))
  await within(untilAll(hasAll), "delivery to the webhook")
  for (const wanted of logged) await within(standIn.until(1, wanted), `relay of ${wanted}`)
  const keysOf = (wanted) =>
    standIn.logged
      .filter(({ events }) => events.some(({ eventName }) => eventName === wanted))
      .map(({ key }) => key)
  assert.deepEqual(keysOf("order_placed"), ["secret-example"])
  assert.deepEqual(keysOf("page_viewed"), ["client-example"])
}

/** Nobody gets in without the token; whoever has it gets the page and what flows. */
const tryConsole = async (port) => {
  const console = `http://127.0.0.1:${port}/console`
  const page = await fetch(`${console}/`)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /<script type="module"/)
  const ask = (path, body, headers = {}) =>
    fetch(`${console}/admin/v1/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    })
  assert.equal((await ask("destinations/list", {})).status, 401)
  const signedIn = await ask("console/sign-in", { token: adminToken })
  assert.equal(signedIn.status, 200)
  const cookie = signedIn.headers.getSetCookie()[0].split(";", 1)[0]
  const { destinations } = await (await ask("destinations/list", {}, { cookie })).json()
  assert.deepEqual(
    destinations.map(({ id }) => id),
    ["warehouse"],
  )
}

/**
 * Somebody has the port already: the program says so, by its exit code too, and never that it
 * listens.
 */
const tryTakenPort = async (program, env) => {
  const holder = createServer()
  holder.listen(0)
  await once(holder, "listening")
  const data = mkdtempSync(join(tmpdir(), "millrace-example-"))
  const child = spawn(bin("tsx"), [join(directory, program)], {
    cwd: data,
    env: { ...env, PORT: String(holder.address().port) },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const texts = { stdout: "", stderr: "" }
  for (const name of ["stdout", "stderr"])
    child[name].setEncoding("utf8").on("data", (chunk) => {
      texts[name] += chunk
    })
  try {
    const [code] = await within(once(child, "close"), "the end of a program without a port")
    assert.notEqual(code, 0)
    assert.match(texts.stderr + texts.stdout, /EADDRINUSE/)
    assert.doesNotMatch(texts.stdout, /listening/)
  } finally {
    child.kill("SIGKILL")
    holder.close()
    rmSync(data, { recursive: true, force: true })
  }
}

const startAndStop = async (program) => {
  const place = await placeOf()
  const data = mkdtempSync(join(tmpdir(), "millrace-example-"))
  const received = []
  const all = () => received.flatMap(({ events }) => events)
  let arrival = deferred()
  const arrived = async (count) => {
    while (all().length < count) await arrival.promise
  }
  /** Resolves once a condition holds of all events that have arrived. */
  const untilAll = async (condition) => {
    while (!condition(all())) await arrival.promise
  }
  const receiver = createServer(async (req, res) => {
    let text = ""
    for await (const chunk of req.setEncoding("utf8")) text += chunk
    received.push({ contentType: req.headers["content-type"], events: JSON.parse(text) })
    res.end()
    arrival.resolve()
    arrival = deferred()
  })
  const webhook = `http://127.0.0.1:${await listen(receiver)}/`
  const port = await freePort()
  const env = { ...process.env, ...place.env, WEBHOOK_URL: webhook, ADMIN_TOKEN: adminToken }
  // Where several share a place, one that dies at the start would hold up the other.
  const refused = place.server === null ? tryTakenPort(program, env) : Promise.resolve()
  refused.catch(() => {}) // looked at in the end
  const child = spawn(bin("tsx"), [join(directory, program)], {
    cwd: data,
    env: { ...env, PORT: String(port) },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const exited = once(child, "exit")
  try {
    const started = new Promise((resolve) => {
      let text = ""
      child.stdout.setEncoding("utf8").on("data", (chunk) => {
        text += chunk
        if (text.includes("listening")) resolve()
      })
    })
    await within(
      Promise.race([started, exited.then(([code]) => assert.fail(`it ended with ${code} at once`))]),
      "start",
    )

    const time = Date.now()
    const post = (key) =>
      fetch(`http://127.0.0.1:${port}/v1/log_event`, {
        method: "POST",
        headers: { "statsig-api-key": key, "statsig-client-time": String(time) },
        body: JSON.stringify({
          events: [
            {
              eventName: "page_view",
              user: { userID: "user_1", country: "US" },
              time,
              metadata: { page: "home" },
            },
            {
              eventName: "statsig::gate_exposure",
              user: { userID: "user_1" },
              time,
              metadata: { gate: "a_gate", gateValue: "true", ruleID: "a_rule" },
            },
          ],
        }),
      })
    assert.equal((await post("secret-wrong")).status, 401)
    const reply = await post("secret-example")
    assert.equal(reply.status, 202)
    assert.deepEqual(await reply.json(), { success: true })

    await within(arrived(2), "delivery")
    for (const { contentType } of received) assert.match(contentType, /^application\/json/)
    const events = all()
    const common = { value: "", userID: "user_1", timestamp: time }
    assert.deepEqual(
      events.map(({ timeUUID, ...event }) => event),
      [
        {
          ...common,
          eventName: "page_view",
          user: { userID: "user_1", country: "US" },
          metadata: { page: "home" },
          statsigMetadata: {},
        },
        {
          ...common,
          eventName: "statsig::gate_exposure",
          user: { userID: "user_1" },
          metadata: {},
          statsigMetadata: { gate: "a_gate", gateValue: true, gateGroupName: "", ruleID: "a_rule" },
        },
      ],
    )
    for (const { timeUUID } of events) assert.match(timeUUID, /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-/)

    if (name === "outbox") {
      const { status } = await fetch(`http://127.0.0.1:${port}/orders`, { method: "POST" })
      assert.equal(status, 201)
      await within(arrived(3), "delivery through the outbox")
      const { eventName, userID } = all()[2]
      assert.deepEqual([eventName, userID], ["order_placed", "user_1"])
    }

    if (name === "console") await tryConsole(port)

    if (name === "in-front-of-statsig") await tryInFrontOfStatsig(port, place.standIn, untilAll)

    // Accepted right before the end: `close()` has to send it.
    const before = all().length
    assert.equal((await post("secret-example")).status, 202)
    child.kill("SIGTERM")
    // Nest gives itself the signal once more, when all is done.
    const ends = name === "nest" ? [143, null] : [0, null]
    assert.deepEqual(await within(exited, "exit after SIGTERM"), ends)
    assert.equal(all().length, before + 2)
    await refused
  } finally {
    child.kill("SIGKILL")
    receiver.closeAllConnections()
    receiver.close()
    rmSync(data, { recursive: true, force: true })
    await place.server?.dispose()
  }
}

/** `Promise.withResolvers`, which Node 20 has not. */
function deferred() {
  let resolve
  const promise = new Promise((done) => {
    resolve = done
  })
  return { promise, resolve }
}

const runTests = async () => {
  const child = spawn("npm", ["test"], { cwd: directory, stdio: ["ignore", "inherit", "inherit"] })
  assert.deepEqual(await within(once(child, "exit"), "tests"), [0, null])
}

if (existsSync(join(directory, "main.ts"))) for (const program of programs) await startAndStop(program)
else await runTests()
