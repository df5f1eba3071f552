import { createHmac } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { serve } from "../support/command.ts"
import { eventHeaders, eventsBody, post } from "../support/load.ts"
import { receive } from "../support/receiver.ts"
import { tempDir } from "../support/resources.ts"

// What the config file says reaches what it is about; what may stand in it is in Config.test.ts.

const key = "secret-config"

/** `millrace serve` in a directory of its own, with one destination. */
const start = async (
  config: object,
  files: Readonly<Record<string, string>> = {},
  destination: object = {},
) => {
  const directory = tempDir()
  const receiver = await receive()
  const destinations = [{ id: "hook", url: receiver.url, batch: { maxDelay: 0 }, ...destination }]
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content)
  writeFileSync(
    join(directory, "millrace.config.json"),
    JSON.stringify({ store: "memory:", keys: { server: [key] }, destinations, ...config }),
  )
  return { server: await serve([], { cwd: directory }), receiver }
}

test.each(["memory:", "sqlite:events.db"])("%s takes what its log may, and no more", async (store) => {
  const { server, receiver } = await start({ store, storeMaxBytes: "1 MB" })
  receiver.answer = 503
  const body = eventsBody(["a", "b"], 50_000)
  const statuses: Array<number> = []
  for (let request = 0; request < 12; request++) {
    statuses.push((await post(`${server.url}/v1/log_event`, eventHeaders(key), body)).status)
  }
  expect(statuses).toEqual([...Array(9).fill(202), ...Array(3).fill(503)])
})

test("a catalog's file tells dynamic configs from experiments, and names groups", async () => {
  const specs = {
    dynamic_configs: [
      { name: "colours", entity: "dynamic_config", rules: [] },
      { name: "checkout", entity: "experiment", rules: [{ id: "r1", groupName: "Test" }] },
    ],
  }
  const { server, receiver } = await start(
    { catalog: { file: "specs.json" } },
    { "specs.json": JSON.stringify(specs) },
  )
  const events = ["colours", "checkout"].map((config) => ({
    eventName: "statsig::config_exposure",
    user: { userID: "u" },
    time: Date.now(),
    metadata: { config, ruleID: "r1" },
  }))
  const posted = await post(`${server.url}/v1/log_event`, eventHeaders(key), JSON.stringify({ events }))
  expect(posted).toMatchObject({ status: 202 })
  await receiver.until(() => receiver.events.length === 2)
  expect(receiver.events).toMatchObject([
    { eventName: "statsig::config_exposure", statsigMetadata: { config: "colours" } },
    {
      eventName: "statsig::experiment_exposure",
      statsigMetadata: { config: "checkout", experimentGroupName: "Test" },
    },
  ])
})

test("a catalog's URL that does not answer is told without its key, and stops nothing", async () => {
  const { server } = await start({ catalog: { url: "http://127.0.0.1:1/specs/secret-of-the-url.json" } })
  expect(server.stderr()).toMatch(
    /WARN {2}the catalog could not be read.*catalog=127\.0\.0\.1:1 reason="connection [^"]+ \([A-Z_]+\)"/,
  )
  expect(server.stderr()).not.toContain("secret-of-the-url")
})

test("requests that Statsig has signed need no key", async () => {
  const secret = "webhook-of-the-console"
  const { server, receiver } = await start({ receive: { statsigSecret: ["webhook-of-old", secret] } })
  const body = JSON.stringify([
    { eventName: "signed", user: { userID: "u" }, userID: "u", timestamp: 1, value: "", metadata: {} },
  ])
  const sentAt = String(Date.now())
  const sign = (by: string) => ({
    "content-type": "application/json",
    "x-statsig-request-timestamp": sentAt,
    "x-statsig-signature": `v0=${createHmac("sha256", by).update(`v0:${sentAt}:${body}`).digest("hex")}`,
  })
  const url = `${server.url}/v1/webhooks/event_webhook`
  expect(await post(url, sign("webhook-of-others"), body)).toMatchObject({ status: 401 })
  expect(await post(url, sign(secret), body)).toMatchObject({ status: 202 })
  await receiver.until(() => receiver.events.length === 1)
  expect(receiver.events).toMatchObject([{ eventName: "signed", userID: "u" }])
})

test("fields are hashed with the key that is set, the same after every start", async () => {
  const hashed: Array<unknown> = []
  for (const hashKey of ["sixteen characters", "sixteen characters", "another key of 16"]) {
    const { server, receiver } = await start({ hashKey }, {}, { fields: { hash: ["user.email"] } })
    const body = JSON.stringify({ user: { userID: "u", email: "a@b.example" }, event: "e" })
    await post(`${server.url}/v1/webhooks/event_webhook`, eventHeaders(key), body)
    await receiver.until(() => receiver.events.length === 1)
    hashed.push(receiver.events[0]!.user["email"])
  }
  expect(hashed[0]).toMatch(/^[^@]+$/)
  expect(hashed[1]).toBe(hashed[0])
  expect(hashed[2]).not.toBe(hashed[0])
})
