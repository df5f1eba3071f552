import { request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http"
import { request as httpsRequest } from "node:https"
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

/** Where the server is. */
export type Target = { readonly socketPath: string } | { readonly url: URL; readonly token: string }

const unreachable = (code: string): AdminError =>
  new AdminError({ status: 503, message: `the server cannot be reached: ${code}` })

const connectionError = (target: Target, error: NodeJS.ErrnoException): AdminError | NoServer => {
  const { code = "unknown" } = error
  if ("url" in target && code !== "ECONNRESET" && code !== "EPIPE") return unreachable(code)
  if (absent.has(code)) return new NoServer()
  if (code === "EACCES" || code === "EPERM") {
    const message = "a server runs on this store as another user: run this command as that user"
    return new AdminError({ status: 403, message })
  }
  return code === "ECONNRESET" || code === "EPIPE" ? lost() : unreachable(code)
}

/** The API's own place, below whatever path the URL has: a proxy's, say. */
const requestOptions = (target: Target, path: string): RequestOptions => {
  if ("socketPath" in target) {
    return { socketPath: target.socketPath, path: `${AdminApi.root}${path}`, headers: { host: "millrace" } }
  }
  const { url, token } = target
  const base = url.pathname.replace(/\/+$/, "")
  return {
    ...{ protocol: url.protocol, hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port },
    path: `${base}${AdminApi.root}${path}`,
    headers: { authorization: `Bearer ${token}` },
  }
}

const post = (
  target: Target,
  path: string,
  input: unknown,
): Effect.Effect<IncomingMessage, AdminError | NoServer> =>
  Effect.callback((resume) => {
    const body = JSON.stringify(input)
    const options = requestOptions(target, path)
    const request = options.protocol === "https:" ? httpsRequest : httpRequest
    const sending = request({
      ...options,
      agent: false,
      method: "POST",
      headers: {
        ...options.headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      },
    })
    sending.on("error", (error) => resume(Effect.fail(connectionError(target, error))))
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

const noApi = new AdminError({
  status: 404,
  message: "there is no admin API: the server was started without --admin-token, or this is another one",
})

/** What to do, where the server only says what is wrong. */
const explained = (failure: OpenApi.Failure): OpenApi.Failure => {
  const { status, message } = failure
  if (status === 401) return { status, message: `${message}: --admin-token is not that of the server` }
  if (status === 403) return { status, message: `${message}: take the token that may do everything` }
  return status === 404 && message === "not found" ? noApi : failure
}

const ensureOk = Effect.fnUntraced(function* (response: IncomingMessage) {
  const { statusCode = 502 } = response
  if (statusCode === 200) return response
  const failure = decodeFailure(parse(yield* readText(response)))
  if (Result.isSuccess(failure)) return yield* new AdminError(explained(failure.success))
  return yield* statusCode === 404 ? noApi : misunderstood()
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
 * Asks the server that listens there. Every action fails with {@link NoServer} when there is
 * none.
 */
export const makeOf = <T extends Action.Table>(
  table: T,
  target: Target,
): Action.ServiceOf<T, AdminError | NoServer> =>
  Action.serve(table, (action) =>
    Effect.fnUntraced(function* (input) {
      const response = yield* Effect.flatMap(post(target, action.path, input), ensureOk)
      if (!Action.isTelling(action)) return yield* decode(action.output, yield* readText(response))
      return Stream.fromAsyncIterable(lines(response), lost).pipe(
        Stream.mapEffect((line) => decode(action.event, line)),
        Stream.ensuring(Effect.sync(() => response.destroy())),
      )
    }),
  )

/** Asks it all that an operator can. */
export const make = (target: Target): AdminApi.Admin<NoServer> => makeOf(AdminApi.actions, target)
