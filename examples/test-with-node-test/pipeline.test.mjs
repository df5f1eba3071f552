import assert from "node:assert/strict"
import { it } from "node:test"
import { testPipeline } from "@millrace/testkit"
import { destinations } from "./pipeline.mjs"

it("after a three-day outage every event arrives once, in order", async () => {
  const pipeline = await testPipeline({ destinations })
  const billing = pipeline.receiver("billing")
  const names = Array.from({ length: 100 }, (_, n) => `checkout_${n}`)

  billing.answer(503)
  for (const eventName of names) await pipeline.log({ eventName }, { eventName: "page_view" })
  await pipeline.advance("3 days")
  billing.answer(200)
  await pipeline.advance("1 hour") // the longest wait between two attempts

  assert.deepEqual(
    billing.events.map((event) => event.eventName),
    names,
  )
  await pipeline.close()
})
