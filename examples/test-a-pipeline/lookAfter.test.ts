import { testPipeline } from "@millrace/testkit"
import { expect, it } from "vitest"
import { sendAgain, whyNot } from "./lookAfter.ts"
import { placeOrder } from "./orders.ts"

const destinations = [{ id: "billing", url: "https://billing.example.com/events" }]

it("says why a destination gets nothing, and sends again what it has refused", async () => {
  const pipeline = await testPipeline({ destinations })
  const billing = pipeline.receiver("billing")

  billing.answer({ status: 503, body: "over quota" })
  await placeOrder(pipeline, "user_1", 19.99)
  await pipeline.advance("1 minute")
  expect(await whyNot(pipeline, "billing")).toBe(
    "1 events wait since 2026-01-01T00:00:01.000Z: answered 503: over quota",
  )

  billing.answer((events) => (events.some(({ userID }) => userID === "user_2") ? 400 : 200))
  await placeOrder(pipeline, "user_2", 5)
  await placeOrder(pipeline, "user_3", 5)
  await pipeline.advance("1 hour")
  expect(await whyNot(pipeline, "billing")).toBeNull()
  expect(billing.events.map(({ userID }) => userID)).toEqual(["user_1", "user_3"])

  billing.answer(200)
  expect(await sendAgain(pipeline, "billing")).toBe(1)
  expect(billing.events.map(({ userID }) => userID)).toEqual(["user_1", "user_3", "user_2"])
  await pipeline.close()
})
