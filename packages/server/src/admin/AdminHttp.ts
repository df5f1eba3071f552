import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { SchemaProblems } from "@millrace/core/host"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as AdminApi from "./AdminApi.ts"

const { AdminError } = AdminApi
type AdminError = AdminApi.AdminError

const refuse = (status: number, message: string): Effect.Effect<never, AdminError> =>
  Effect.fail(new AdminError({ status, message }))

const write = (res: ServerResponse, status: number, value: unknown): void => {
  const body = JSON.stringify(value)
  res.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    // Of a request that was refused the body may still be coming.
    ...(status >= 400 ? { connection: "close" } : {}),
  })
  res.end(body)
}

const readBody = (req: IncomingMessage): Effect.Effect<string, AdminError> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let length = 0
    req.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length <= AdminApi.maxRequestBytes) chunks.push(chunk)
      else {
        req.pause()
        resume(refuse(413, `the body is larger than ${AdminApi.maxRequestBytes} bytes`))
      }
    })
    req.once("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
    req.once("error", () => resume(refuse(400, "the client went away")))
  })

const readJson = (text: string): Effect.Effect<unknown, AdminError> => {
  try {
    return Effect.succeed(JSON.parse(text === "" ? "{}" : text))
  } catch {
    return refuse(400, "the body is not JSON")
  }
}

const strict = { errors: "all", onExcessProperty: "error" } as const

/** What an operation is asked with, by its name. */
const decoders = new Map(
  [
    ...Object.entries(AdminApi.operations).map(([name, { input }]) => ({ name, input })),
    { name: AdminApi.tailName, input: AdminApi.TailInput },
  ].map(({ name, input }) => {
    const shape: Schema.ConstraintDecoder<unknown> = input
    return [name, Schema.decodeUnknownResult(shape, strict)] as const
  }),
)

const readInput = Effect.fnUntraced(function* (req: IncomingMessage, name: string) {
  const decode = decoders.get(name)
  if (decode === undefined) return yield* refuse(404, "there is no such operation")
  if (req.method !== "POST") return yield* refuse(405, "method not allowed: expected POST")
  // A page of another origin cannot send this type without being allowed to.
  if (!/^application\/json *(;|$)/i.test(req.headers["content-type"] ?? "")) {
    return yield* refuse(415, "content-type: expected application/json")
  }
  const decoded = decode(yield* Effect.flatMap(readBody(req), readJson))
  if (Result.isSuccess(decoded)) return decoded.success
  const problems = SchemaProblems.problemsOf(decoded.failure)
  return yield* refuse(400, problems.map(({ path, message }) => `${path || "body"}: ${message}`).join("\n"))
})

/** Returns when the client can take more, and never when it has gone: whoever waits is interrupted then. */
const writeLine = (res: ServerResponse, line: unknown): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (res.write(`${JSON.stringify(line)}\n`)) resume(Effect.void)
    else res.once("drain", () => resume(Effect.void))
  })

const answerTail = Effect.fnUntraced(function* (
  admin: AdminApi.Admin,
  input: AdminApi.TailInput,
  res: ServerResponse,
) {
  const events = yield* admin.tail(input)
  res.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" })
  // The client knows by it that nothing is missed from now on.
  res.flushHeaders()
  yield* Stream.runForEach(events, (event) => writeLine(res, event))
  res.end()
})

const answer = Effect.fnUntraced(function* (
  admin: AdminApi.Admin,
  req: IncomingMessage,
  res: ServerResponse,
) {
  const name = (req.url ?? "").split("?", 1)[0]!.slice(AdminApi.root.length)
  const input = yield* readInput(req, name)
  // Decoded by this name's own schema, which TypeScript cannot follow through the table.
  if (name === AdminApi.tailName) return yield* answerTail(admin, input as AdminApi.TailInput, res)
  const output = yield* admin.call(name as AdminApi.Name, input as AdminApi.Input<AdminApi.Name>)
  write(res, 200, output)
})

const fail = (res: ServerResponse, cause: Cause.Cause<AdminError>): void => {
  // In the middle of a tail there is nothing left to say but that it has ended.
  if (res.headersSent) return void res.destroy()
  const failure = Cause.findErrorOption(cause)
  const { status, message } =
    failure._tag === "Some" ? failure.value : { status: 500, message: "internal error" }
  write(res, status, { message, status })
}

/**
 * Answers the operations over HTTP. Asks nobody who they are: whoever mounts it decides who gets here. A client that goes away ends its tail; everything else, once begun, is
 * done to its end.
 */
export const listener =
  (admin: AdminApi.Admin): RequestListener =>
  (req, res) => {
    if (req.url?.startsWith(AdminApi.root) !== true)
      return write(res, 404, { message: "not found", status: 404 })
    const fiber = Effect.runFork(answer(admin, req, res))
    res.once("close", () => fiber.interruptUnsafe())
    Effect.runFork(
      Effect.map(Fiber.await(fiber), (exit) => {
        if (Exit.isFailure(exit) && !res.destroyed) fail(res, exit.cause)
      }),
    )
  }
