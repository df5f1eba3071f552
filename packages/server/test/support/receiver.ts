import { createServer, type IncomingHttpHeaders } from "node:http"
import type { AddressInfo } from "node:net"
import { onTestFinished } from "vitest"
import { makeChanges } from "./resources.ts"

export interface ReceivedEvent {
  readonly eventName: string
  readonly user: Readonly<Record<string, unknown>>
  readonly userID: string
  readonly timestamp: number
  readonly value: string
  readonly metadata: Readonly<Record<string, unknown>>
  readonly statsigMetadata: Readonly<Record<string, unknown>>
  readonly timeUUID: string
}

/** The id that a load has given it. */
export const idOf = (event: ReceivedEvent): string => String(event.metadata["id"])

export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** What it was answered. */
  readonly status: number
}

export type Answer = number | { readonly status: number; readonly body: string }

/** A webhook receiver that keeps everything. */
export interface Receiver {
  readonly url: string
  readonly requests: ReadonlyArray<ReceivedRequest>
  /** The events of requests answered with 2xx. */
  readonly events: ReadonlyArray<ReceivedEvent>
  /**
   * What it answers from now on: always the same, or what the function says of a body, when it says
   * it.
   */
  answer: Answer | ((body: string, url: string) => Answer | Promise<Answer>)
  readonly until: (condition: () => boolean) => Promise<void>
  /** Resolves once nobody is connected: nothing can come from a process that has ended. */
  readonly deserted: () => Promise<void>
}

/** @param port a free one by default */
export const receive = async (port = 0): Promise<Receiver> => {
  const requests: Array<ReceivedRequest> = []
  const events: Array<ReceivedEvent> = []
  const { notify, until } = makeChanges()
  const server = createServer(async (req, res) => {
    let body = ""
    try {
      for await (const chunk of req.setEncoding("utf8")) body += chunk
    } catch {
      // The sender was killed in the middle of it: that is no delivery.
      return
    }
    const answer =
      typeof receiver.answer === "function" ? await receiver.answer(body, req.url!) : receiver.answer
    const { status, body: reply } = typeof answer === "number" ? { status: answer, body: "" } : answer
    requests.push({ method: req.method!, url: req.url!, headers: req.headers, body, status })
    if (status < 300) events.push(...JSON.parse(body))
    res.writeHead(status).end(reply)
    notify()
  })
  let connections = 0
  server.on("connection", (socket) => {
    connections += 1
    socket.once("close", () => {
      connections -= 1
      notify()
    })
  })
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const { port: taken } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${taken}/hook`,
    requests,
    events,
    answer: 200,
    until,
    deserted: () => until(() => connections === 0),
  }
  return receiver
}
