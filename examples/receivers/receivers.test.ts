import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { createHmac, randomBytes } from "node:crypto"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"
import type { WebhookEvent } from "@millrace/core"
import { Millrace } from "@millrace/node"
import type * as Duration from "effect/Duration"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { receiver } from "./express.ts"

const key = randomBytes(32)
const secret = `whsec_${key.toString("base64")}`

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))

const isThere = (tool: string): boolean => spawnSync(tool, ["--version"]).error === undefined

/** Sends one event, signed with this secret, and says whether it was taken in time. */
const deliver = async (url: string, secretOfSender: string, deadline: Duration.Input): Promise<boolean> => {
  const millrace = await Millrace.make({
    keys: "none",
    destinations: [{ id: "here", url, signing: { standardWebhooks: [secretOfSender] } }],
    allowPrivateDestinations: ["127.0.0.1"],
  })
  await millrace.logEvent({ event: "order_placed", user: { userID: "user_1" } })
  const { drained } = await millrace.close({ deadline })
  return drained
}

const events = [{ eventName: "a", timeUUID: "21b0d820-ecf0-11f1-b8be-054d47b32c50" }]

/** Posts what somebody has signed `age` seconds ago, and has changed since. */
const post = async (url: string, { id = "msg_1", age = 0, changed = false } = {}): Promise<number> => {
  const timestamp = String(Math.floor(Date.now() / 1000) - age)
  const body = JSON.stringify(events)
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")
  const headers = {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    "webhook-signature": `v1,AAAA v1,${signature}`,
  }
  return (await fetch(url, { method: "POST", headers, body: changed ? `${body} ` : body })).status
}

/** What holds of a receiver in any language. */
const behaves = (url: () => string): void => {
  it("takes what Millrace signs, and nothing that is signed with another secret", async () => {
    expect(await deliver(url(), secret, "10 seconds")).toBe(true)
    expect(await deliver(url(), `whsec_${randomBytes(32).toString("base64")}`, "1 second")).toBe(false)
  })

  it("takes one signature among several, and refuses a changed body and an old signature", async () => {
    expect(await post(url())).toBe(204)
    expect(await post(url(), { changed: true })).toBe(401)
    expect(await post(url(), { age: 301 })).toBe(401)
    expect((await fetch(url(), { method: "POST", body: "[]" })).status).toBe(401)
  })
}

/** A program that listens on a port of its own, and says so. */
const start = async (command: string, args: ReadonlyArray<string>) => {
  const child: ChildProcess = spawn(command, args, {
    env: { ...process.env, WEBHOOK_SECRET: secret, PORT: "0" },
    stdio: ["ignore", "pipe", "inherit"],
  })
  let output = ""
  const listening = new Promise<void>((resolve) => {
    child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      output += text
      if (output.includes("listening")) resolve()
    })
  })
  await listening
  return { port: Number(/listening on port (\d+)/.exec(output)?.[1]), child }
}

describe("a receiver in Express", () => {
  const kept: Array<WebhookEvent> = []
  const server = receiver(secret, async (some) => void kept.push(...some)).listen(0, "127.0.0.1")
  beforeAll(() => (server.listening ? undefined : once(server, "listening")))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`

  behaves(url)

  it("keeps a batch that is sent again once", async () => {
    kept.length = 0
    for (const id of ["msg_2", "msg_2", "msg_3"]) expect(await post(url(), { id })).toBe(204)
    expect(kept).toEqual([...events, ...events])
  })
})

const python = isThere("python3")

describe.skipIf(!python)(`a receiver in Python${python ? "" : " (skipped: there is no python3)"}`, () => {
  let started: Awaited<ReturnType<typeof start>>
  beforeAll(async () => {
    started = await start("python3", [file("receive.py")])
  })
  afterAll(() => void started.child.kill("SIGKILL"))

  behaves(() => `http://127.0.0.1:${started.port}/events`)
})

const go = isThere("gofmt")

it.skipIf(!go)(
  `a receiver in Go is Go, in its usual form${go ? "" : " (skipped: there is no gofmt)"}`,
  () => {
    expect(execFileSync("gofmt", ["-l", file("receive.go")], { encoding: "utf8" })).toBe("")
  },
)
