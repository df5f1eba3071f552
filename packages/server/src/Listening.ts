import { type AddressInfo, createServer } from "node:net"
import type { MillraceServer } from "@millrace/node"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The address cannot be had. */
export class ListenError extends Data.TaggedError("ListenError")<{ readonly message: string }> {}

/** How long requests in flight may take once the server stops. */
const requestsDeadline = "3 seconds"

const messages: Readonly<Record<string, string>> = {
  EADDRINUSE: "the port is in use",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "permission denied",
  ENOTFOUND: "no such host",
}

/** Says in words why nobody can listen there. */
export const listenError = (host: string, port: number, error: unknown): ListenError => {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
  return new ListenError({ message: `cannot listen on ${host}:${port}: ${messages[code] ?? code}` })
}

/**
 * Fails as {@link listen} would, and takes nothing: whoever cannot listen must not have touched the
 * store that another server is using.
 */
export const check = (host: string, port: number): Effect.Effect<void, ListenError> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", (error) => resume(Effect.fail(listenError(host, port, error))))
    server.listen(port, host, () => server.close(() => resume(Effect.void)))
    return Effect.sync(() => void server.close())
  })

/** Until the scope is closed: then requests in flight finish, within {@link requestsDeadline}. */
export const listen = (
  server: MillraceServer,
  host: string,
  port: number,
): Effect.Effect<AddressInfo, ListenError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: () => server.listen(port, host),
      catch: (error) => listenError(host, port, error),
    }),
    () => Effect.promise(() => server.close(requestsDeadline)),
  )
