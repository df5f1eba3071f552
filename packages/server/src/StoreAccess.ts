import { existsSync } from "node:fs"
import { Maintenance, StoreError } from "@millrace/core"
import { isInUse } from "@millrace/store-sqlite"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Admin from "./Admin.ts"
import * as AdminApi from "./AdminApi.ts"
import * as AdminClient from "./AdminClient.ts"
import * as AdminSocket from "./AdminSocket.ts"
import * as StoreUrl from "./StoreUrl.ts"

/** A store cannot be looked after from here. */
export class AccessError extends Data.TaggedError("AccessError")<{ readonly message: string }> {}

export interface Access {
  readonly admin: AdminApi.Admin
  /** The server that was reached; `null` when none runs, and the file was opened instead. */
  readonly server: AdminApi.Status | null
}

/** One that is alive answers at once. */
const answerWithin = "5 seconds"

/** In a directory that others may write to, anybody could have put a socket there to be asked in the server's place. */
const isTrusted = (socket: string, file: string): boolean => {
  const owners = [AdminSocket.statOf(file)?.uid, process.getuid?.(), 0]
  return owners.includes(AdminSocket.statOf(socket)?.uid)
}

/** The server that runs on a file; `null` when there is none. */
const findServer = Effect.fnUntraced(function* (
  file: string,
): Effect.fn.Return<(Access & { readonly server: AdminApi.Status }) | null, AccessError> {
  const socket = AdminSocket.pathOf(file)
  if (AdminSocket.statOf(socket) === null) return null
  const address = AdminSocket.address(socket)
  if (address === null)
    return yield* new AccessError({ message: `${socket}: the path is too long for a socket` })
  if (!isTrusted(socket, file)) {
    return yield* new AccessError({
      message: `${socket} does not belong to the owner of ${file}: it is not used`,
    })
  }
  const admin = AdminClient.make(address)
  const status = yield* admin.call("status", {}).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () =>
        Effect.fail(new AdminApi.AdminError({ status: 504, message: "the server does not answer" })),
    }),
    Effect.catch((error) =>
      error.status === AdminClient.nobody ? Effect.succeed(null) : Effect.fail(new AccessError(error)),
    ),
  )
  return status === null ? null : { admin, server: status }
})

const openFile = Effect.fnUntraced(function* (
  file: string,
  store: StoreUrl.StoreUrl,
): Effect.fn.Return<Access, AccessError, Scope.Scope> {
  const failed = (error: unknown): Effect.Effect<never, AccessError> =>
    error instanceof StoreError ? Effect.fail(new AccessError({ message: error.message })) : Effect.die(error)
  const context = yield* Effect.catch(Layer.build(StoreUrl.layer(store)), failed)
  const operations = yield* Effect.acquireRelease(
    Effect.promise(() => Maintenance.open(Layer.succeedContext(context))),
    (maintenance) => Effect.promise(maintenance.close),
  )
  const admin = Admin.make({ operations, store: context, path: file, status: null, logEvent: null })
  return { admin, server: null }
})

/**
 * Reaches a store: through the admin socket of the server that runs on it, or, when none does, by opening it, without delivering anything.
 *
 * @param changes whether something is to be changed that a process which delivers from the store would have to know of: then the file is not opened beside one
 */
export const open = Effect.fnUntraced(function* (
  store: StoreUrl.StoreUrl,
  changes: boolean,
): Effect.fn.Return<Access, AccessError, Scope.Scope> {
  if (store.kind === "memory") {
    const message =
      "memory: is inside the server's process, where no command reaches it; sqlite:PATH can be reached"
    return yield* new AccessError({ message })
  }
  const file = store.path
  if (!existsSync(file)) {
    return yield* new AccessError({
      message: `there is no store ${StoreUrl.format(store)}: name it with --store`,
    })
  }
  const found = yield* findServer(file)
  if (found !== null) return found
  if (changes && isInUse(file)) {
    const message = `a process without an admin socket has ${file} open and would not notice: change it from there, or stop it first`
    return yield* new AccessError({ message })
  }
  return yield* openFile(file, store)
})
