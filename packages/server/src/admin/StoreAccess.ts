import { existsSync } from "node:fs"
import { Admin, AdminApi } from "@millrace/console/admin"
import { type EventLog, Maintenance, Millrace, Operator, type Store, type StoreError } from "@millrace/core"
import { Action } from "@millrace/core/host"
import { Members } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { StoreUrl } from "../config/StoreUrl.ts"
import * as AdminClient from "./AdminClient.ts"
import * as AdminSocket from "./AdminSocket.ts"

/** A store cannot be looked after from here. */
export class AccessError extends Data.TaggedError("AccessError")<{ readonly message: string }> {}

export interface Access {
  readonly admin: AdminApi.Admin<AdminApi.NoServer>
  /**
   * Whether somebody delivers from the store: what is changed takes effect at once, or within
   * seconds.
   */
  readonly isServed: boolean
}

/** One that is alive answers at once. */
const answerWithin = "5 seconds"

/**
 * In a directory that others may write to, anybody could have put a socket there to be asked in the
 * server's place.
 */
const isTrusted = (socket: string, file: string): boolean => {
  const owners = [AdminSocket.statOf(file)?.uid, process.getuid?.(), 0]
  return owners.includes(AdminSocket.statOf(socket)?.uid)
}

/** The server that runs on a file; `null` when there is none. */
const findServer = Effect.fnUntraced(function* (file: string): Effect.fn.Return<Access | null, AccessError> {
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
  const admin = AdminClient.make({ socketPath: address })
  const status = yield* admin.status({}).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () =>
        Effect.fail(new AdminApi.AdminError({ status: 504, message: "the server does not answer" })),
    }),
    Effect.catchTags({
      NoServer: () => Effect.succeed(null),
      AdminError: ({ message }) => Effect.fail(new AccessError({ message })),
    }),
  )
  return status === null ? null : { admin, isServed: true }
})

const failed = ({ message }: StoreError): AccessError => new AccessError({ message })

const build = ({ layer }: StoreUrl): Effect.Effect<Context.Context<Store.Store>, AccessError, Scope.Scope> =>
  Layer.build(layer).pipe(Effect.provide(Millrace.layerLog("silent")), Effect.mapError(failed))

/** Beside those who deliver from it, if it can be shared. */
const openStore = Effect.fnUntraced(function* (
  url: StoreUrl,
  isEmbedded: boolean,
  ack: EventLog.Durability | null,
): Effect.fn.Return<Access, AccessError, Scope.Scope> {
  const store = yield* build(url)
  const operator = Context.get(yield* Effect.provideContext(Layer.build(Maintenance.layer), store), Operator)
  const members = yield* Effect.mapError(Context.get(store, Members.Members).list, failed)
  const { path } = url
  const made = Admin.make({
    ...{ operator, store, path, isEmbedded, ack },
    ...{ status: null, readiness: null, processes: noProcess },
  })
  // What a command says is its output, and nothing else.
  const admin = Action.within(AdminApi.actions, made, yield* Layer.build(Millrace.layerLog("silent")))
  return { admin, isServed: members.length > 0 || isEmbedded }
})

const noProcess = Effect.succeed([])

const unreachable = new AccessError({
  message: "memory: is inside the server's process, where no command reaches it: name another store",
})

/** Whether a process has a file open. */
const isInUse = (file: string): Effect.Effect<boolean> =>
  Effect.promise(async () => (await import("@millrace/store-sqlite")).isInUse(file))

/** The status says who answers, and whether anybody does. */
const unreachableServer = ({ origin }: URL, message: string): AccessError =>
  new AccessError({ message: `${origin}: ${message}` })

/** Reaches a server by its URL: what is changed there takes effect at once. */
export const openServer = Effect.fnUntraced(function* (
  url: URL,
  token: string,
): Effect.fn.Return<Access, AccessError> {
  const admin = AdminClient.make({ url, token })
  yield* admin.status({}).pipe(
    Effect.timeoutOrElse({
      duration: answerWithin,
      orElse: () => Effect.fail(new AdminApi.AdminError({ status: 504, message: "does not answer" })),
    }),
    Effect.mapError(({ message }) => unreachableServer(url, message)),
  )
  return { admin, isServed: true }
})

export interface OpenOptions {
  /**
   * Whether something is to be changed that a process which delivers from the store would have to
   * know of: then a file is not opened beside one.
   */
  readonly changes: boolean
  /** The level that the server demands; `null` when it takes what there is. */
  readonly ack: EventLog.Durability | null
}

/**
 * Reaches a store: one in a file through the admin socket of the server that runs on it, or, when
 * none does, by opening it; one that is shared by opening it. Nothing is delivered from here.
 */
export const open = Effect.fnUntraced(function* (
  store: StoreUrl,
  { changes, ack }: OpenOptions,
): Effect.fn.Return<Access, AccessError, Scope.Scope> {
  if (store.kind === "memory") return yield* unreachable
  if (store.path === null) return yield* openStore(store, false, ack)
  const file = store.path
  if (!existsSync(file)) {
    return yield* new AccessError({ message: `there is no store ${store.text}: name it with --store` })
  }
  const found = yield* findServer(file)
  if (found !== null) return found
  // Before it is opened here.
  const isEmbedded = yield* isInUse(file)
  if (changes && isEmbedded) {
    const message = `a process without an admin socket has ${file} open and would not notice: change it from there, or stop it first`
    return yield* new AccessError({ message })
  }
  return yield* openStore(store, isEmbedded, ack)
})

/**
 * Opens a store that nobody else may use meanwhile. In a shared store, those who deliver from it
 * say so.
 *
 * @param mayBeNew whether a file may be made
 */
export const openAlone = Effect.fnUntraced(function* (
  url: StoreUrl,
  mayBeNew: boolean,
): Effect.fn.Return<Context.Context<Store.Store>, AccessError, Scope.Scope> {
  if (url.kind === "memory") return yield* unreachable
  if (url.path !== null && !existsSync(url.path)) {
    if (!mayBeNew) return yield* new AccessError({ message: `there is no store ${url.text}` })
  } else if (url.path !== null && (yield* isInUse(url.path))) {
    return yield* new AccessError({ message: `a process has ${url.path} open: stop it first` })
  }
  return yield* build(url)
})
