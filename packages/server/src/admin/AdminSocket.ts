import {
  chmodSync,
  lstatSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from "node:fs"
import { createServer, type RequestListener } from "node:http"
import { basename, dirname, join, relative, resolve } from "node:path"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** There is no socket: the server runs without. */
export class AdminSocketError extends Data.TaggedError("AdminSocketError")<{ readonly message: string }> {}

/**
 * What `sockaddr_un` holds on every Unix, less the NUL at the end. What is longer would be cut
 * without a word.
 */
const maxPathBytes = 103

/**
 * Beside the file itself, wherever links lead to it from, so that all who name the file find it.
 */
export const pathOf = (file: string): string => {
  try {
    return `${realpathSync(file)}.sock`
  } catch {
    return `${resolve(file)}.sock`
  }
}

/** As short as it can be said from here; `null` when that is too long. */
export const address = (path: string): string | null => {
  const fromHere = relative(process.cwd(), path)
  const short = fromHere.length < path.length ? fromHere : path
  return Buffer.byteLength(short) <= maxPathBytes ? short : null
}

export const statOf = (path: string): Stats | null => lstatSync(path, { throwIfNoEntry: false }) ?? null

const failure = (message: string): AdminSocketError => new AdminSocketError({ message })

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Lets those who may read and write a file talk to the server that has it open: over a socket
 * beside it that only the server's own user can reach (mode 0600), which is all there is to say who
 * is asked. A socket that is there already is replaced, whether it was left by a server that was
 * killed or belongs to one that still runs: the newest server has the destinations. Closing the
 * scope removes it, if it is still this one.
 */
export const listen = Effect.fnUntraced(function* (
  path: string,
  listener: RequestListener,
): Effect.fn.Return<void, AdminSocketError, Scope.Scope> {
  if (process.platform === "win32") return yield* failure("there are none on Windows yet")
  const there = statOf(path)
  if (there !== null && !there.isSocket()) return yield* failure(`${path} is something else`)

  const server = createServer(
    // Limits of requests; replies may take as long as they need.
    { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 },
    listener,
  )
  server.maxConnections = 64

  yield* Effect.acquireRelease(
    Effect.callback<void, AdminSocketError>((resume) => {
      const stop = (error: unknown): void => resume(Effect.fail(failure(messageOf(error))))
      try {
        // In a directory of its own (mode 0700) nobody can reach it before its mode is set; the
        // move puts it there whole.
        const directory = mkdtempSync(join(dirname(path), ".millrace-"))
        const made = join(directory, "s")
        const short = address(made)
        const discard = (error: unknown): void => {
          rmdirSync(directory)
          stop(error)
        }
        if (short === null) return discard(`the path ${basename(path)} stands at is too long`)
        server.once("error", discard)
        server.listen(short, () => {
          server.off("error", discard)
          try {
            chmodSync(made, 0o600)
            renameSync(made, path)
            resume(Effect.void)
          } catch (error) {
            unlinkSync(made)
            server.close()
            stop(error)
          } finally {
            rmdirSync(directory)
          }
        })
      } catch (error) {
        stop(error)
      }
    }),
    () =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            server.close(() => resolve())
            server.closeAllConnections()
          }),
      ),
  )
  const own = statOf(path)?.ino
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      if (statOf(path)?.ino === own) unlinkSync(path)
    }),
  )
})
