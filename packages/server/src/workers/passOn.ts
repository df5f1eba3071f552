/**
 * Requests that only the process that has the store can answer, from those that take them in. They
 * go over a socket in a directory that nobody else may enter.
 */
import { mkdtempSync, rmSync } from "node:fs"
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Asked } from "../consolePaths.ts"
import { WorkerError } from "./WorkerProcess.ts"

/** Has the client's address. Whatever a client sends under this name is replaced. */
const addressHeader = "x-millrace-client"

/** What belongs to one connection only. */
const ofConnection = new Set([addressHeader, "connection", "keep-alive", "proxy-connection", "upgrade"])

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** On Windows there are no sockets in directories, and a pipe belongs to whoever has made it. */
const placeIn = (directory: string): string =>
  process.platform === "win32" ? `\\\\.\\pipe\\${directory.replace(/[\\/:]/g, "-")}` : join(directory, "s")

/** A request as the process that took it in has passed it on. */
const arrived = (req: IncomingMessage): IncomingMessage => {
  const { [addressHeader]: address } = req.headers
  return Object.assign(req, { ip: typeof address === "string" ? address : "" })
}

/** Answers what is passed on until the scope closes. Returns the socket's path. */
export const listen = Effect.fnUntraced(function* (
  listener: RequestListener,
): Effect.fn.Return<string, WorkerError, Scope.Scope> {
  const directory = yield* Effect.acquireRelease(
    Effect.try({
      try: () => mkdtempSync(join(tmpdir(), "millrace-")),
      catch: (error) =>
        new WorkerError({ message: `no socket for workers can be made: ${messageOf(error)}` }),
    }),
    (made) => Effect.sync(() => rmSync(made, { recursive: true, force: true })),
  )
  const path = placeIn(directory)
  const server = createServer((req, res) => listener(arrived(req), res))
  yield* Effect.acquireRelease(
    Effect.callback<void, WorkerError>((resume) => {
      server.once("error", (error) =>
        resume(Effect.fail(new WorkerError({ message: `no socket for workers: ${messageOf(error)}` }))),
      )
      server.listen(path, () => resume(Effect.void))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  )
  return path
})

const unavailable = (res: ServerResponse): void => {
  const body = JSON.stringify({ message: "the process that has the store does not answer", status: 503 })
  res.writeHead(503, { "content-type": "application/json", "content-length": body.length })
  res.end(body)
}

/** Passes requests on to a socket, and replies back. */
export const to =
  (socketPath: string): ((req: Asked, res: ServerResponse) => void) =>
  (req, res) => {
    const headers = Object.fromEntries(
      Object.entries(req.headers).filter(([name]) => !ofConnection.has(name)),
    )
    const sending = request({
      socketPath,
      agent: false,
      method: req.method,
      path: req.url,
      // The other side would else close it once it has replied, and a body that still comes then
      // takes the reply with it.
      headers: { ...headers, connection: "keep-alive", [addressHeader]: req.ip },
    })
    let isAnswered = false
    sending.on("error", () => {
      if (!isAnswered) unavailable(res)
    })
    sending.once("response", (response) => {
      isAnswered = true
      const kept = Object.entries(response.headers).filter(([name]) => !ofConnection.has(name))
      res.writeHead(response.statusCode ?? 502, Object.fromEntries(kept))
      res.flushHeaders()
      // Where one end breaks off, so does the other.
      pipeline(response, res, () => {})
    })
    res.once("close", () => sending.destroy())
    req.pipe(sending)
  }
