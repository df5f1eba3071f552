import { createServer, Millrace } from "@millrace/node"
import { statsig } from "@millrace/statsig"
import { keys, type StandIn, startStandIn, startTap, startWebhook } from "@millrace/test-sdks"
import { onTestFinished } from "vitest"

type Options = Pick<Parameters<typeof Millrace.make>[0], "paths">

interface FrontOptions extends Options {
  readonly freshFor?: number
  /** By how much the SDK's clock is ahead, in milliseconds. */
  readonly skew?: number
}

const upstreamOf = ({ url }: StandIn) => ({ events: url, api: url, cdn: url })

/** A Millrace in front of the stand-in for Statsig; all of it ends with the test. */
export const startFront = async ({ freshFor, skew = 0, ...options }: FrontOptions = {}) => {
  const standIn = await startStandIn({ keys })
  onTestFinished(standIn.close)
  const webhook = await startWebhook()
  onTestFinished(webhook.close)
  const millrace = await Millrace.make({
    keys,
    extensions: [
      statsig({
        upstream: upstreamOf(standIn),
        passThrough: true,
        relay: true,
        ...(freshFor === undefined ? {} : { freshFor }),
      }),
    ],
    destinations: [{ id: "warehouse", url: webhook.url, batch: { maxDelay: "20 millis" } }],
    allowPrivateDestinations: ["127.0.0.1"],
    ...options,
  })
  const server = createServer(millrace)
  const { port } = await server.listen(0)
  const url = `http://127.0.0.1:${port}`
  const tap = await startTap(url, skew)
  let closing: Promise<unknown> | undefined
  /** Whatever should not have come comes now. */
  const close = () => {
    closing ??= (async () => {
      await tap.close()
      await server.close(0)
      return await millrace.close()
    })()
    return closing
  }
  onTestFinished(async () => {
    // What is pending is sent before the end.
    await standIn.back()
    await close()
  }, 60_000)
  return { standIn, webhook, tap, url, close }
}
