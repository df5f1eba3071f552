import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { setImmediate as turn } from "node:timers/promises"
import { type Ingest, nodeHandler } from "@millrace/node"
import { afterEach, describe, expect, it, vi } from "vitest"

const reply = { status: 202, headers: { "content-type": "application/json" }, body: '{"success":true}' }

const ingest: Ingest = { matches: () => true, handle: () => Promise.resolve(reply) }

const exchange = () => {
  const req = new IncomingMessage(new Socket())
  return { req, res: new ServerResponse(req) }
}

describe("nodeHandler", () => {
  afterEach(() => void vi.useRealTimers())

  it("writes the replies of one turn of the event loop at its end", async () => {
    const handle = nodeHandler(ingest)
    const exchanges = Array.from({ length: 10 }, exchange)
    for (const { req, res } of exchanges) handle(req, res)
    await new Promise(process.nextTick)
    expect(exchanges.some(({ res }) => res.headersSent)).toBe(false)
    await turn()
    expect(exchanges.every(({ res }) => res.headersSent)).toBe(true)
  })

  it("replies also while the host's tests stop the clock", async () => {
    vi.useFakeTimers()
    const { req, res } = exchange()
    nodeHandler(ingest)(req, res)
    await turn()
    await turn()
    expect(res.headersSent).toBe(true)
  })
})
