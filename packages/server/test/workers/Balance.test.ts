import { Agent, createServer, get, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import * as fc from "fast-check"
import { describe, expect, onTestFinished, test } from "vitest"
import * as Balance from "../../src/workers/Balance.ts"

describe("a share", () => {
  const counts = fc.array(fc.nat({ max: 10_000 }), { minLength: 1, maxLength: 64 })

  test("leaves room for every connection there is, and little more", () => {
    fc.assert(
      fc.property(counts, (connections) => {
        const all = connections.reduce((sum, count) => sum + count, 0)
        const share = Balance.shareOf(connections)
        expect(share * connections.length).toBeGreaterThanOrEqual(all)
        expect((share - 2) * connections.length).toBeLessThanOrEqual(all * 1.1 + 1e-6)
      }),
    )
  })
})

/** Connections that are kept, to a server of which it is known how busy it is. */
const connected = async (connections: number, utilization: number) => {
  const server = createServer((_req, res) => void setImmediate(() => res.end("ok")))
  const balance = Balance.make(server, () => utilization)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const agent = new Agent({ keepAlive: true })
  onTestFinished(() => {
    agent.destroy()
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const ask = () =>
    new Promise<boolean>((resolve, reject) => {
      get({ port, host: "127.0.0.1", agent }, (response: IncomingMessage) => {
        response.resume().once("end", () => resolve(response.headers.connection === "close"))
      }).once("error", reject)
    })
  /** How many of a reply to each connection end it. */
  const round = async (): Promise<number> => {
    const ends = await Promise.all(Array.from({ length: connections }, ask))
    return ends.filter(Boolean).length
  }
  expect(await round()).toBe(0)
  return { balance, round }
}

describe("a worker with more than its share", () => {
  test("that is busy ends as many connections as it has too many, once", async () => {
    const { balance, round } = await connected(6, 0.9)
    expect(balance.connections()).toBe(6)
    balance.keep(4)
    expect(await round()).toBe(2)
    expect(await round()).toBe(0)
  })

  test("keeps them while it has time", async () => {
    const { balance, round } = await connected(6, 0.4)
    balance.keep(1)
    expect(await round()).toBe(0)
  })

  test("is one no longer when it is told so", async () => {
    const { balance, round } = await connected(6, 0.9)
    balance.keep(1)
    balance.keep(6)
    expect(await round()).toBe(0)
  })
})
