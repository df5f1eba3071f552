// All of it by one name, in a program that knows nothing of Effect.
import { Filter, Millrace, verifySignature } from "millrace"
import { expressHandler } from "millrace/express"
import { millracePlugin } from "millrace/fastify"
import * as Sqlite from "millrace/sqlite"
import { testPipeline } from "millrace/testkit"
import { webHandler } from "millrace/web"

const millrace = await Millrace.make({
  store: Sqlite.layer({ path: "./one.db" }),
  keys: { server: ["secret-consumer"] },
})
const request = new Request("https://shop.example/v1/webhooks/event_webhook", {
  method: "POST",
  headers: { "statsig-api-key": "secret-consumer" },
  body: JSON.stringify({ user: { userID: "user_1" }, event: "signed_up", timestamp: Date.now() }),
})
const reply = await webHandler(millrace)(request)
if (reply.status !== 202) throw new Error(await reply.text())
await millrace.close()

const pipeline = await testPipeline({ destinations: [{ id: "warehouse", url: "https://warehouse.test/" }] })
await pipeline.close()

for (const one of [Filter.compile, verifySignature, expressHandler, millracePlugin])
  if (typeof one !== "function") throw new Error("something is missing")
