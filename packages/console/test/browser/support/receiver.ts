import { createHmac } from "node:crypto"
import { createServer, type IncomingHttpHeaders } from "node:http"
import { onTestFinished } from "vitest"
import { listen } from "../../support/hosts.ts"

export interface Received {
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly events: ReadonlyArray<{ readonly eventName: string; readonly metadata?: Record<string, unknown> }>
}

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Receiver {
  readonly url: string
  readonly received: ReadonlyArray<Received>
  /** What it answers from now on: 200 at first. */
  answer: (received: Received) => Answer
  /** Names of the events that it has taken, in the order they came. */
  readonly taken: () => ReadonlyArray<string>
  /** Resolves once this holds of what has come. */
  readonly until: (holds: () => boolean) => Promise<void>
}

/** Takes webhooks on a free port, until the test is over. */
export const startReceiver = async (): Promise<Receiver> => {
  const received: Array<Received> = []
  const taken: Array<string> = []
  const waiting = new Set<() => void>()
  const server = createServer(async (req, res) => {
    let body = ""
    for await (const chunk of req) body += chunk
    const read: Received = { headers: req.headers, body, events: JSON.parse(body) }
    received.push(read)
    const { status, headers, body: text = "" } = receiver.answer(read)
    if (status < 300) taken.push(...read.events.map(({ eventName }) => eventName))
    res.writeHead(status, headers).end(text)
    for (const look of [...waiting]) look()
  })
  const port = await listen(server)
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}/events`,
    received,
    answer: () => ({ status: 200 }),
    taken: () => taken,
    until: (holds) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!holds()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        onTestFinished(() => {
          if (waiting.delete(look)) reject(new Error("what was waited for has not come"))
        })
        look()
      }),
  }
  return receiver
}

/** Whether a request is signed with a secret as standardwebhooks.com says. */
export const isSignedWith = (secret: string, { headers, body }: Received): boolean => {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64")
  const content = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`
  const signature = `v1,${createHmac("sha256", key).update(content).digest("base64")}`
  return [headers["webhook-signature"] ?? []].flat().join(" ").split(" ").includes(signature)
}
