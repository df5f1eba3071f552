import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Millrace } from "@millrace/node"
import { expect, onTestFinished, test } from "vitest"
import * as Endpoints from "../src/Endpoints.ts"

/** Starts a Millrace whose store has gone away in the given manner. */
const start = async (broken: Partial<Millrace.Millrace>): Promise<string> => {
  const millrace = await Millrace.make({ keys: { server: ["secret-1"] } })
  const found = { ...millrace, ...broken }
  const server = createServer(Endpoints.listener(found, Endpoints.health(found, "1.2.3")))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await millrace.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const get = async (url: string) => {
  const response = await fetch(url)
  return { status: response.status, body: await response.text() }
}

const down = () => Promise.reject(new Error("the store has gone"))

test("a store that takes nothing: alive, not ready with the reason, and the metrics that need none are there", async () => {
  const found = { problem: "the store is full", detail: "the log's 20 bytes of /srv/own.db are taken" }
  const url = await start({ readiness: () => Promise.resolve(found), destinations: down })
  expect(await get(`${url}/livez`)).toEqual({ status: 200, body: '{"status":"ok"}' })
  expect(await get(`${url}/readyz`)).toEqual({
    status: 503,
    body: '{"message":"the store is full","status":503}',
  })
  const metrics = await get(`${url}/metrics`)
  expect(metrics.status).toBe(200)
  expect(metrics.body).toContain("millrace_store_up 0\n")
  expect(metrics.body).toContain("millrace_ready 0\n")
})

test("a probe that fails by a mistake of ours is answered, and says nothing of it", async () => {
  const url = await start({ readiness: down })
  expect(await get(`${url}/readyz`)).toEqual({
    status: 500,
    body: '{"message":"internal error","status":500}',
  })
})
