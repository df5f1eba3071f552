import type { WebhookEvent } from "@millrace/core"
import { verifySignature } from "@millrace/node"
import express from "express"

type Keep = (events: ReadonlyArray<WebhookEvent>) => Promise<void>

export const receiver = (secret: string, keep: Keep) => {
  const app = express()
  const seen = new Set<string>() // in your database, beside what you make of the events

  // Raw bytes, on this route alone: a parsed body has another signature.
  app.post("/events", express.raw({ type: "*/*", limit: "2mb" }), async (req, res) => {
    const check = verifySignature({ headers: req.headers, body: req.body }, { standardWebhooks: secret })
    if (!check.valid) return void res.status(401).end(check.reason)

    const id = req.header("webhook-id")!
    if (!seen.has(id)) {
      await keep(JSON.parse(req.body.toString()))
      seen.add(id)
    }
    res.status(204).end()
  })
  return app
}
