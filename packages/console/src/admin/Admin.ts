import { type EventLog, type Millrace, type Operator, OperatorError, type Store } from "@millrace/core"
import { Action, Actions } from "@millrace/core/host"
import { Documents } from "@millrace/core/store"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as AdminApi from "./AdminApi.ts"
import * as Changes from "./Changes.ts"
import * as Doctor from "./Doctor.ts"
import * as Processes from "./processes.ts"
import { recording } from "./recording.ts"

const { AdminError } = AdminApi
type AdminError = AdminApi.AdminError

export interface AdminOptions {
  readonly operator: Operator["Service"]
  /** The store it works on. */
  readonly store: Context.Context<Store.Store>
  /** The file it is in; `null` when it is in none. */
  readonly path: string | null
  /** The server's status; `null` when none runs. */
  readonly status: AdminApi.Status | null
  /** How the server is; `null` when none runs. */
  readonly readiness: Millrace.Millrace["readiness"] | null
  /**
   * Whether a process without an admin socket has the file open: a program that mounts the library.
   */
  readonly isEmbedded: boolean
  /** Those of the server; none when none runs. */
  readonly processes: Effect.Effect<ReadonlyArray<Processes.ProcessFacts>>
  /** The level that acknowledged events have to be safe at; `null` when the store's own will do. */
  readonly ack: EventLog.Durability | null
}

/** A shared store has no socket: who runs on it may be on other machines, and has to be named. */
const onlyServers = new AdminError({
  status: 409,
  message:
    "only a server can do this: name it by --server, since commands find one by themselves only if its store is a file of this machine",
})

/** What an operator can do with a store, and what is known of the server that runs on it. */
export const make = (options: AdminOptions): AdminApi.Admin => {
  const { operator, path, status } = options

  const toAdminError = (error: OperatorError.OperatorError): AdminError => {
    const lacksServer = error._tag === "NotDelivering" || error._tag === "NoIntake"
    if (lacksServer && path === null) return onlyServers
    return new AdminError(OperatorError.refusalOf(error))
  }
  const done = <A>(effect: Effect.Effect<A, OperatorError.OperatorError>): Effect.Effect<A, AdminError> =>
    effect.pipe(
      Effect.mapError(toAdminError),
      Effect.catchDefect((defect) =>
        Effect.fail(new AdminError({ status: 500, message: `a mistake of ours: ${String(defect)}` })),
      ),
    )

  const processes = Processes.make(options.processes)
  const record = Changes.make(Context.get(options.store, Documents.Documents))
  const service: AdminApi.Admin = {
    ...Action.through(Actions.actions, operator, done, Stream.mapError(toAdminError)),
    status: () => Effect.succeed(status),
    doctor: () => Effect.map(Doctor.examine(options), (checks) => ({ checks })),
    processes: () => Effect.map(processes, (found) => ({ processes: found })),
    changes: () => done(Effect.map(record.list, (changes) => ({ changes }))),
  }
  return recording<typeof AdminApi.actions, AdminError>(AdminApi.actions, service, record, options.store)
}
