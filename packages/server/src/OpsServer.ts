import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Endpoints from "./Endpoints.ts"
import * as Listening from "./Listening.ts"

/** A scraper, a few probes, and whoever looks by hand. */
const maxConnections = 100

/**
 * Answers how the server is on an address of its own, until the scope closes. Returns the port.
 *
 * @param key what has to be shown; `null` lets everybody look
 */
export const listen = (
  health: Endpoints.Health,
  { host, port, key }: { readonly host: string; readonly port: number; readonly key: string | null },
): Effect.Effect<number, Listening.ListenError, Scope.Scope> => {
  const server = createServer(Endpoints.opsListener(health, key))
  server.maxConnections = maxConnections
  return Effect.acquireRelease(
    Effect.callback<number, Listening.ListenError>((resume) => {
      server.once("error", (error) => resume(Effect.fail(Listening.listenError(host, port, error))))
      server.listen(port, host, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      }),
  )
}
