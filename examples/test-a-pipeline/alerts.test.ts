import { testPipeline } from "@millrace/testkit"
import { expect, it } from "vitest"
import { destinations } from "./pipeline.ts"

it("an hour's outage wakes somebody once, and it is said when it is over", async () => {
  const alerts: Array<string> = []
  const pipeline = await testPipeline({
    destinations,
    alerts: { url: "https://pager.test/millrace", on: ["failing", "recovered"] },
    onAlert: ({ type, destination }) => void alerts.push(`${destination} ${type}`),
  })
  pipeline.receiver("billing").answer(503)
  await pipeline.log({ eventName: "checkout_done" })
  await pipeline.advance("1 hour")
  pipeline.receiver("billing").answer(200)
  await pipeline.advance("1 hour")

  expect(alerts).toEqual(["billing failing", "billing recovered"])
  expect(pipeline.receiver("https://pager.test/millrace").requests).toHaveLength(2)
  await pipeline.close()
})
