import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { Action, OpenApi, once, SchemaProblems } from "@millrace/core/host"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { version } from "../version.ts"
import * as AdminApi from "./AdminApi.ts"
import { Caller, type Role } from "./Caller.ts"
import { masked } from "./mask.ts"
import * as Streams from "./Streams.ts"

const { AdminError } = AdminApi
type AdminError = AdminApi.AdminError

const refuse = (status: number, message: string): Effect.Effect<never, AdminError> =>
  Effect.fail(new AdminError({ status, message }))

/**
 * Whether a request's body is too large to be waited for after it was refused. A small one is: a
 * connection that is closed while it comes may take the reply with it.
 */
const isEndless = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined ||
  Number(headers["content-length"] ?? 0) > AdminApi.maxRequestBytes

/** Writes a whole reply. */
export const write = (res: ServerResponse, status: number, value: unknown): void => {
  const body = JSON.stringify(value)
  res.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...(status >= 400 && res.req.httpVersionMajor < 2 && isEndless(res.req) ? { connection: "close" } : {}),
  })
  res.end(body)
}

/** A body parser of the host's may have read it before. */
const parsedBody = ({ body }: IncomingMessage & { readonly body?: unknown }): string | null => {
  if (typeof body === "string") return body
  if (Buffer.isBuffer(body)) return body.toString()
  return typeof body === "object" && body !== null ? JSON.stringify(body) : null
}

const readBody = (req: IncomingMessage): Effect.Effect<string, AdminError> =>
  Effect.callback((resume) => {
    if (req.readableEnded) {
      const body = parsedBody(req)
      return resume(
        body === null ? refuse(400, "the body was read before it came here") : Effect.succeed(body),
      )
    }
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
  /** How an event that it tells is written, by who asks: once, if several streams tell it. */
  readonly texts: Readonly<Record<Role, (event: object) => string>>
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
  events: Stream.Stream<object, AdminError>,
  textOf: (event: object) => string,
) {
  const { type, frame } = /\btext\/event-stream\b/i.test(req.headers.accept ?? "")
    ? framings.sse
    : framings.ndjson
  res.writeHead(200, { "content-type": type, "cache-control": "no-store" })
  // The client knows by it that nothing is missed from now on.
  res.flushHeaders()
  yield* Stream.runForEach(events, (event) => writeText(res, frame(textOf(event))))
})

const fail = (res: ServerResponse, cause: Cause.Cause<AdminError>): void => {
  // In the middle of a stream there is nothing left to say but that it has ended.
  if (res.headersSent) return void res.destroy()
  const failure = Cause.findErrorOption(cause)
  const { status, message } =
    failure._tag === "Some" ? failure.value : { status: 500, message: "internal error" }
  write(res, status, { message, status })
}

/** Where the actions are described, below the root. */
const document = "openapi.json"

/**
 * Decides who asks, before anything of what they send is read. The action is then done in the
 * context that it gives, which has the {@link Caller}.
 *
 * @param action what is asked for; `null` for the document, and what there is not
 */
export type Admit = (
  req: IncomingMessage,
  action: Action.Action | null,
) => Effect.Effect<Context.Context<never>, AdminError>

/** Whoever reaches a socket of the server's own user: the command. */
const admitAll: Admit = () => Effect.succeed(Context.empty())

export interface AdminHttpOptions {
  /** Where actions run: by which clock, and whose log. */
  readonly context?: Context.Context<never>
  /** Those of the process, where other listeners have some as well. */
  readonly streams?: Streams.Streams
}

/** Answers a request for what has this path below the root. `admit` says who asks. */
export type Answer = (req: IncomingMessage, res: ServerResponse, path: string, admit: Admit) => void

/**
 * Answers the actions of a table over HTTP. A client that goes away ends its stream; everything
 * else, once begun, is done to its end.
 */
export const make = <T extends Action.Table>(
  table: T,
  service: Action.ServiceOf<T, AdminError>,
  { context = Context.empty(), streams = Streams.make() }: AdminHttpOptions = {},
): Answer => {
  const routes: ReadonlyMap<string, Route> = new Map(
    Object.entries(table).map(([name, action]) => [
      action.path,
      {
        action,
        decode: Schema.decodeUnknownResult(action.input, strict),
        perform: Action.methodOf(service, name),
        texts: {
          full: once((event) => JSON.stringify(event)),
          read: once((event) => JSON.stringify(masked(action, event))),
        },
      },
    ]),
  )
  const describe = (): unknown =>
    OpenApi.openApi(table, { title: "Millrace's admin API", version, root: AdminApi.root })
  let described: unknown

  const follow = Effect.fnUntraced(function* (
    req: IncomingMessage,
    res: ServerResponse,
    done: Effect.Effect<unknown, AdminError>,
    textOf: (event: object) => string,
    over: Effect.Effect<void> = Effect.never,
  ) {
    const told = Effect.raceFirst(
      Effect.flatMap(done, (events) => tell(req, res, events as Stream.Stream<object, AdminError>, textOf)),
      over,
    )
    const message = `${streams.most} streams are open, or this server is stopping: come back later`
    // One that was cut off must not look as if it had come to its end.
    if (yield* streams.run(told, refuse(503, message))) res.end()
    else res.destroy()
  })

  const answer = Effect.fnUntraced(function* (
    req: IncomingMessage,
    res: ServerResponse,
    path: string,
    admit: Admit,
  ) {
    const route = routes.get(path)
    const context = yield* admit(req, route?.action ?? null)
    const { role, over } = Context.get(context, Caller)
    if (path === document && (req.method === "GET" || req.method === "HEAD")) {
      described ??= describe()
      return write(res, 200, described)
    }
    if (route === undefined) return yield* refuse(404, "there is no such operation")
    const { action } = route
    const input = yield* readInput(req, route)
    const done = Effect.provideContext(route.perform(input), context)
    if (Action.isTelling(action)) return yield* follow(req, res, done, route.texts[role], over)
    const output = yield* Effect.uninterruptible(done)
    write(res, 200, role === "read" ? masked(action, output) : output)
  })

  return (req, res, path, admit) => {
    const fiber = Effect.runForkWith(context)(answer(req, res, path, admit))
    res.once("close", () => fiber.interruptUnsafe())
    Effect.runFork(
      Effect.map(Fiber.await(fiber), (exit) => {
        if (Exit.isFailure(exit) && !res.destroyed) fail(res, exit.cause)
      }),
    )
  }
}

/** Answers the actions of a table to all who get here: whoever mounts it decides who does. */
export const listenerOf = <T extends Action.Table>(
  table: T,
  service: Action.ServiceOf<T, AdminError>,
  options: AdminHttpOptions = {},
): RequestListener => {
  const answer = make(table, service, options)
  return (req, res) => {
    const path = (req.url ?? "").split("?", 1)[0]!
    if (!path.startsWith(AdminApi.root)) return write(res, 404, { message: "not found", status: 404 })
    answer(req, res, path.slice(AdminApi.root.length), admitAll)
  }
}

/** Answers everything that an operator can ask of this server. */
export const listener = (admin: AdminApi.Admin, options: AdminHttpOptions = {}): RequestListener =>
  listenerOf(AdminApi.actions, admin, options)
