import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Millrace } from "@millrace/node"
import { expect, onTestFinished, test } from "vitest"
import * as Endpoints from "../src/Endpoints.ts"

/** Starts a Millrace whose store has gone away in the given manner. */
const start = async (
  broken: Partial<Millrace.Millrace>,
  listenerOf: (
    millrace: Millrace.Millrace,
    health: Endpoints.Health,
  ) => ReturnType<typeof Endpoints.listener> = Endpoints.listener,
): Promise<string> => {
  const millrace = await Millrace.make({ keys: { server: ["secret-1"] } })
  const found = { ...millrace, ...broken }
  const server = createServer(listenerOf(found, Endpoints.health(found, "1.2.3")))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await millrace.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const get = async (url: string, authorization?: string) => {
  const response = await fetch(url, authorization === undefined ? {} : { headers: { authorization } })
  return { status: response.status, body: await response.text() }
}

const statuses = (url: string, authorization?: string) =>
  Promise.all(
    ["/livez", "/readyz", "/metrics"].map(async (path) => (await get(`${url}${path}`, authorization)).status),
  )

const down = () => Promise.reject(new Error("the store has gone"))

test("a store that takes nothing: alive, not ready with the reason, and with its metrics", async () => {
  const found = { problem: "the store is full", detail: "the log's 20 bytes of /srv/own.db are taken" }
  const url = await start({ readiness: () => Promise.resolve(found) })
  expect(await get(`${url}/livez`)).toEqual({ status: 200, body: '{"status":"ok"}' })
  expect(await get(`${url}/readyz`)).toEqual({
    status: 503,
    body: '{"message":"the store is full","status":503}',
  })
  const metrics = await get(`${url}/metrics`)
  expect(metrics.status).toBe(200)
  expect(metrics.body).toContain("millrace_intake_bytes_total 0\n")
})

test("a probe that fails by a mistake of ours is answered, and says nothing of it", async () => {
  const url = await start({ readiness: down })
  expect(await get(`${url}/readyz`)).toEqual({
    status: 500,
    body: '{"message":"internal error","status":500}',
  })
})

test("with a key, what it says is for those who show it, and that it lives is for all", async () => {
  const key = "a-key-of-operators"
  const url = await start({}, (millrace, health) =>
    Endpoints.listener(millrace, health, { isElsewhere: false, key }),
  )
  expect(await statuses(url, `Bearer ${key}`)).toEqual([200, 200, 200])
  expect(await statuses(url, `bearer  ${key}`)).toEqual([200, 200, 200])
  for (const wrong of [undefined, "Bearer", `Bearer ${key}x`, `Basic ${key}`, key]) {
    expect(await statuses(url, wrong), wrong).toEqual([200, 401, 401])
  }
  const refused = await fetch(`${url}/metrics`)
  expect(refused.headers.get("www-authenticate")).toBe("Bearer")
  expect(await refused.text()).toBe('{"message":"the key is missing or wrong","status":401}')
})

test("with an address of its own it is there only, and nothing else is", async () => {
  const main = await start({}, (millrace, health) =>
    Endpoints.listener(millrace, health, { isElsewhere: true, key: null }),
  )
  expect(await statuses(main)).toEqual([200, 404, 404])
  const ops = await start({}, (_, health) => Endpoints.opsListener(health, null))
  expect(await statuses(ops)).toEqual([200, 200, 200])
  expect(await get(`${ops}/v1/log_event`)).toEqual({
    status: 404,
    body: '{"message":"not found","status":404}',
  })
})
