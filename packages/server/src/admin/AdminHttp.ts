import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Action, OpenApi, SchemaProblems } from "@millrace/core/host"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { version } from "../version.ts"
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
    // The body of a request that was refused may still be coming.
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

/** An action with what it takes to answer it. */
interface Route {
  readonly action: Action.Action
  readonly decode: (input: unknown) => Result.Result<unknown, Schema.SchemaError>
  readonly perform: Action.AnyMethod<AdminError>
}

const strict = { errors: "all", onExcessProperty: "error" } as const

const readInput = Effect.fnUntraced(function* (req: IncomingMessage, { decode }: Route) {
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

/** How an event is written, by what the client accepts. */
const framings = {
  ndjson: { type: "application/x-ndjson", frame: (event: string) => `${event}\n` },
  sse: { type: "text/event-stream", frame: (event: string) => `data: ${event}\n\n` },
} as const

/**
 * Returns when the client can take more, and never when it has gone: whoever waits is interrupted
 * then.
 */
const writeText = (res: ServerResponse, text: string): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (res.write(text)) resume(Effect.void)
    else res.once("drain", () => resume(Effect.void))
  })

const tell = Effect.fnUntraced(function* (
  req: IncomingMessage,
  res: ServerResponse,
  events: Stream.Stream<unknown, AdminError>,
) {
  const { type, frame } = /\btext\/event-stream\b/i.test(req.headers.accept ?? "")
    ? framings.sse
    : framings.ndjson
  res.writeHead(200, { "content-type": type, "cache-control": "no-store" })
  // The client knows by it that nothing is missed from now on.
  res.flushHeaders()
  yield* Stream.runForEach(events, (event) => writeText(res, frame(JSON.stringify(event))))
  res.end()
})

const answer = Effect.fnUntraced(function* (
  req: IncomingMessage,
  res: ServerResponse,
  route: Route | undefined,
) {
  if (route === undefined) return yield* refuse(404, "there is no such operation")
  const input = yield* readInput(req, route)
  const done = route.perform(input)
  if (!Action.isTelling(route.action)) return write(res, 200, yield* Effect.uninterruptible(done))
  yield* tell(req, res, (yield* done) as Stream.Stream<unknown, AdminError>)
})

const fail = (res: ServerResponse, cause: Cause.Cause<AdminError>): void => {
  // In the middle of a stream there is nothing left to say but that it has ended.
  if (res.headersSent) return void res.destroy()
  const failure = Cause.findErrorOption(cause)
  const { status, message } =
    failure._tag === "Some" ? failure.value : { status: 500, message: "internal error" }
  write(res, status, { message, status })
}

/** Where the actions are described. */
const document = `${AdminApi.root}openapi.json`

/**
 * Answers the actions of a table over HTTP. Asks nobody who they are: whoever mounts it decides who
 * gets here. A client that goes away ends its stream; everything else, once begun, is done to its
 * end.
 */
export const listenerOf = <T extends Action.Table>(
  table: T,
  service: Action.ServiceOf<T, AdminError>,
): RequestListener => {
  const routes: ReadonlyMap<string, Route> = new Map(
    Object.entries(table).map(([name, action]) => [
      AdminApi.root + action.path,
      {
        action,
        decode: Schema.decodeUnknownResult(action.input, strict),
        perform: Action.methodOf(service, name),
      },
    ]),
  )
  const describe = (): unknown =>
    OpenApi.openApi(table, { title: "Millrace's admin API", version, root: AdminApi.root })
  let described: unknown
  return (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0]!
    if (path === document && req.method === "GET") {
      described ??= describe()
      return write(res, 200, described)
    }
    if (!path.startsWith(AdminApi.root)) return write(res, 404, { message: "not found", status: 404 })
    const fiber = Effect.runFork(answer(req, res, routes.get(path)))
    res.once("close", () => fiber.interruptUnsafe())
    Effect.runFork(
      Effect.map(Fiber.await(fiber), (exit) => {
        if (Exit.isFailure(exit) && !res.destroyed) fail(res, exit.cause)
      }),
    )
  }
}

/** Answers everything that an operator can ask of this server. */
export const listener = (admin: AdminApi.Admin): RequestListener => listenerOf(AdminApi.actions, admin)
