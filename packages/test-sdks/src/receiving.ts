import { Millrace } from "@millrace/node"
import { onTestFinished } from "vitest"
import { keys } from "./sdks.ts"
import { startWebhook } from "./webhook.ts"

type Options = Pick<Parameters<typeof Millrace.make>[0], "cors" | "paths">

/** A Millrace that sends all it takes to a webhook; both end with the test. */
export const startReceiving = async (options: Options = {}) => {
  const webhook = await startWebhook()
  onTestFinished(webhook.close)
  const millrace = await Millrace.make({
    keys,
    destinations: [{ id: "webhook", url: webhook.url, batch: { maxDelay: "20 millis" } }],
    allowPrivateDestinations: ["127.0.0.1"],
    ...options,
  })
  onTestFinished(() => void millrace.close())
  return { webhook, millrace }
}
