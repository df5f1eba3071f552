import { createServer, Millrace } from "@millrace/node"
import { type StatsigOptions, statsig } from "@millrace/statsig"
import { onTestFinished } from "vitest"
import { type Answer, standIn } from "./standIn.ts"

export const serverKey = "secret-1"
export const clientKey = "client-1"

/** A Millrace on loopback in front of a stand-in for Statsig, until the test has ended. */
export const inFront = async (
  answer: Answer,
  options: Omit<Millrace.MakeOptions, "store"> = {},
  more: StatsigOptions = {},
) => {
  const upstream = await standIn(answer)
  const log: Array<string> = []
  const millrace = await Millrace.make({
    keys: { server: [serverKey], client: [clientKey] },
    log: (line) => log.push(JSON.stringify(line)),
    extensions: [
      statsig({
        upstream: { api: upstream.url, cdn: upstream.url, events: upstream.url },
        passThrough: true,
        ...more,
      }),
    ],
    ...options,
  })
  const server = createServer(millrace)
  const { port } = await server.listen(0)
  const close = async () => {
    await server.close()
    await millrace.close()
    await upstream.close()
  }
  onTestFinished(close)
  return {
    upstream,
    millrace,
    log,
    url: `http://127.0.0.1:${port}`,
  }
}
