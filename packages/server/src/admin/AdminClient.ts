import { type IncomingMessage, request } from "node:http"
import { AdminApi } from "@millrace/console/admin"
import { Action, OpenApi } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

const { AdminError, NoServer } = AdminApi
type AdminError = AdminApi.AdminError
type NoServer = AdminApi.NoServer

/** A reply is in memory as a whole. */
const maxReplyBytes = 256 * 1024 * 1024

/** What a socket says when nobody listens. */
const absent = new Set(["ENOENT", "ECONNREFUSED"])

const lost = (): AdminError =>
  new AdminError({ status: 503, message: "the server has gone in the middle of its reply" })

const connectionError = (error: NodeJS.ErrnoException): AdminError | NoServer => {
  const { code = "unknown" } = error
  if (absent.has(code)) return new NoServer()
  if (code === "EACCES" || code === "EPERM") {
    const message = "a server runs on this store as another user: run this command as that user"
    return new AdminError({ status: 403, message })
  }
  return code === "ECONNRESET" || code === "EPIPE"
    ? lost()
    : new AdminError({ status: 503, message: `the server cannot be reached: ${code}` })
}

const post = (
  socketPath: string,
  path: string,
  input: unknown,
): Effect.Effect<IncomingMessage, AdminError | NoServer> =>
  Effect.callback((resume) => {
    const body = JSON.stringify(input)
    const sending = request({
      socketPath,
      agent: false,
      method: "POST",
      path: `${AdminApi.root}${path}`,
      headers: {
        host: "millrace",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      },
    })
    sending.on("error", (error) => resume(Effect.fail(connectionError(error))))
    sending.once("response", (response) => resume(Effect.succeed(response)))
    sending.end(body)
    return Effect.sync(() => sending.destroy())
  })

const readText = (response: IncomingMessage): Effect.Effect<string, AdminError> =>
  Effect.callback((resume) => {
    const chunks: Array<Buffer> = []
    let length = 0
    response.on("data", (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= maxReplyBytes) return
      response.destroy()
      resume(Effect.fail(new AdminError({ status: 413, message: "the reply is too large: ask for less" })))
    })
    response.once("end", () => resume(Effect.succeed(Buffer.concat(chunks).toString())))
    response.once("error", () => resume(Effect.fail(lost())))
    return Effect.sync(() => response.destroy())
  })

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const decodeFailure = Schema.decodeUnknownResult(OpenApi.Failure)

const misunderstood = (): AdminError =>
  new AdminError({ status: 502, message: "the server's reply is not understood: is it of another version?" })

const ensureOk = Effect.fnUntraced(function* (response: IncomingMessage) {
  if (response.statusCode === 200) return response
  const failure = decodeFailure(parse(yield* readText(response)))
  return yield* Result.isSuccess(failure) ? new AdminError(failure.success) : misunderstood()
})

const decode = <A>(schema: Schema.ConstraintDecoder<A>, text: string): Effect.Effect<A, AdminError> =>
  Effect.mapError(Effect.fromResult(Schema.decodeUnknownResult(schema)(parse(text))), misunderstood)

/** Chunks to whole lines. */
async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = ""
  for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
    const parts = `${rest}${chunk}`.split("\n")
    rest = parts.pop()!
    yield* parts
  }
}

/**
 * Asks the server that listens on a socket. Every action fails with {@link NoServer} when there is
 * none.
 */
export const makeOf = <T extends Action.Table>(
  table: T,
  socketPath: string,
): Action.ServiceOf<T, AdminError | NoServer> =>
  Action.serve(table, (action) =>
    Effect.fnUntraced(function* (input) {
      const response = yield* Effect.flatMap(post(socketPath, action.path, input), ensureOk)
      if (!Action.isTelling(action)) return yield* decode(action.output, yield* readText(response))
      return Stream.fromAsyncIterable(lines(response), lost).pipe(
        Stream.mapEffect((line) => decode(action.event, line)),
        Stream.ensuring(Effect.sync(() => response.destroy())),
      )
    }),
  )

/** Asks it all that an operator can. */
export const make = (socketPath: string): AdminApi.Admin<NoServer> => makeOf(AdminApi.actions, socketPath)
