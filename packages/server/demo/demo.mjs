// `npm run demo`: an unmodified Statsig SDK, the server on a SQLite file, and a webhook that prints
// what it gets. Everything runs on this machine; nothing is sent anywhere else.
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { styleText } from "node:util"
import statsig from "statsig-node"
import { checkoutSpecs } from "./specs.mjs"

const colours = process.stdout.isTTY && process.stdout.hasColors()
const style = (format, text) => (colours ? styleText(format, text) : text)
const step = (title, ...lines) =>
  console.log([`\n${style("bold", title)}`, ...lines.map((line) => `  ${line}`)].join("\n"))
const code = (text) => style("cyan", text)

const sdkVersion = createRequire(import.meta.url)("statsig-node/package.json").version
const bin = fileURLToPath(new URL("../bin/millrace.mjs", import.meta.url))
const directory = mkdtempSync(join(tmpdir(), "millrace-demo-"))
const key = "secret-demo"

/** A webhook: anything that takes a POST. */
const receive = async () => {
  let deliver
  const delivery = new Promise((resolve) => {
    deliver = resolve
  })
  const server = createServer(async (req, res) => {
    let body = ""
    for await (const chunk of req) body += chunk
    res.end()
    deliver({ headers: req.headers, events: JSON.parse(body) })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return { url: `http://127.0.0.1:${server.address().port}/hook`, delivery, close: () => server.close() }
}

/** `millrace serve`: resolves with the URL of its first line. */
const serve = async (webhook) => {
  const args = [
    "serve",
    "--port",
    "0",
    "--server-key",
    key,
    "--webhook",
    webhook,
    "--allow-private-destinations",
  ]
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: directory,
    stdio: ["ignore", "pipe", "pipe"],
  })
  let log = ""
  child.stderr.setEncoding("utf8").on("data", (text) => {
    log += text
  })
  const exit = once(child, "close")
  const ended = exit.then(([code]) =>
    Promise.reject(new Error(`millrace serve ended with exit code ${code}\n${log}`)),
  )
  ended.catch(() => {})
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended])
  return {
    url: line.replace("millrace listening on ", ""),
    ended,
    stop: async () => {
      child.kill("SIGTERM")
      const [code] = await exit
      return { code, log }
    },
  }
}

/** Objects are filled into lines of this length. */
const width = 100

const valueText = (value) => {
  const text = JSON.stringify(value)
  if (text.length <= width || typeof value !== "object") return text
  const lines = [""]
  for (const [name, part] of Object.entries(value)) {
    const piece = `${JSON.stringify(name)}: ${JSON.stringify(part)}`
    if (lines.at(-1).length + piece.length > width) lines.push("")
    lines.push(`${lines.pop()}${piece}, `)
  }
  const filled = lines.map((line) => `\n      ${line.trimEnd()}`).join("")
  return `{${filled.slice(0, -1)}\n    }`
}

const eventText = (event) => {
  const fields = Object.entries(event).map(([name, value]) => `    ${code(`"${name}"`)}: ${valueText(value)}`)
  return `  {\n${fields.join(",\n")}\n  }`
}

const demo = async () => {
  console.log(`\n${style("bold", "Millrace")}: Statsig events in, stored, and out to a webhook.`)

  const receiver = await receive()
  const server = await serve(receiver.url)
  step(
    "1. The server",
    code(`millrace serve --webhook ${receiver.url} --allow-private-destinations`),
    `listens on ${server.url} and keeps events in ${join(directory, "millrace.db")}`,
  )

  const user = { userID: "ada", email: "ada@example.com", privateAttributes: { salary: "123-private" } }
  const client = new statsig.StatsigServer(key, {
    api: `${server.url}/v1`,
    bootstrapValues: checkoutSpecs,
    initStrategyForIDLists: "none",
    initStrategyForIP3Country: "none",
    disableRulesetsSync: true,
    disableIdListsSync: true,
    disableDiagnostics: true,
  })
  await client.initializeAsync()
  client.checkGate(user, "new_checkout")
  client.getExperiment(user, "button_colour")
  client.getLayer(user, "header").get("banner", "")
  client.logEvent(user, "add_to_cart", "SKU-1", { price: "12.50", currency: "EUR" })
  client.logEvent(user, "purchase", 12.5, { items: "1" })
  await client.flush()
  step(
    "2. The SDK",
    `statsig-node ${sdkVersion} as it comes from npm, told where to go: ${code(`{ api: "${server.url}/v1" }`)}`,
    "Ada checked a gate, was put into an experiment, read a layer, filled a cart and paid.",
    "The server answered 202 once her events were on disk, and not before.",
  )

  const { headers, events } = await Promise.race([receiver.delivery, server.ended])
  step(
    "3. The webhook",
    `got one batch of ${events.length} events, in Statsig's Generic Webhook format (webhook-id ${headers["webhook-id"]}):`,
  )
  console.log(`\n[\n${events.map(eventText).join(",\n")}\n]`)

  client.shutdown()
  const stopped = await server.stop()
  receiver.close()
  const kept = Buffer.concat(readdirSync(directory).map((name) => readFileSync(join(directory, name))))
  const secret = user.privateAttributes.salary
  if (stopped.code !== 0)
    throw new Error(`millrace serve ended with exit code ${stopped.code}\n${stopped.log}`)
  if (events.length !== 5) throw new Error(`expected 5 events, got ${events.length}`)
  if (kept.includes(secret) || JSON.stringify(events).includes(secret)) throw new Error("a secret got out")
  step(
    "4. What to see",
    `${code("statsigMetadata")} says what Ada was exposed to: the gate, the experiment, the rule behind it.`,
    `${code("timeUUID")} stays the same when a batch has to be sent again: the receiver can tell.`,
    `Ada's ${code("privateAttributes")} are neither in the batch nor in the database: just checked.`,
    "The server stopped cleanly on SIGTERM, with nothing pending.",
  )
  step("Your turn", code("npm start -- --webhook https://example.com/hook"))
  console.log()
}

const patience = setTimeout(() => {
  console.error("The demo did not get through within 30 seconds.")
  process.exit(1)
}, 30_000)

try {
  await demo()
} finally {
  clearTimeout(patience)
  rmSync(directory, { recursive: true, force: true })
}
