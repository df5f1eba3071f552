import {
  type DeadLetters,
  type Destination,
  type Dispatcher,
  EventLog,
  type Ingest,
  type InvalidOptions,
  type Millrace,
  type Operations,
  type Store,
  type StoreError,
} from "@millrace/core"
import type { Ledger } from "@millrace/core/host"
import { Cursors } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { oldestPending } from "../metrics/oldestPending.ts"
import * as AdminApi from "./AdminApi.ts"
import * as Doctor from "./Doctor.ts"

const { AdminError } = AdminApi
type AdminError = AdminApi.AdminError

export interface AdminOptions {
  readonly operations: Operations.Operations
  /** The store they work on. */
  readonly store: Context.Context<Store.Store>
  /** The file it is in; `null` when it is in none. */
  readonly path: string | null
  /** Of the server; `null` when none runs. */
  readonly status: AdminApi.Status | null
  /** Its intake; `null` when none runs. */
  readonly logEvent: Millrace.Millrace["logEvent"] | null
  /** How the server is; `null` when none runs. */
  readonly readiness: Millrace.Millrace["readiness"] | null
  /** Whether a process without an admin socket has the file open: a program that mounts the library. */
  readonly isEmbedded: boolean
}

/** What core's operations say they reject with. */
type Expected =
  | StoreError
  | InvalidOptions
  | Ingest.IngestError
  | Dispatcher.UnknownDestination
  | Dispatcher.DestinationConfigured
  | Dispatcher.NotDelivering
  | Dispatcher.NotReplayable

const statuses: Readonly<Record<Expected["_tag"], number>> = {
  InvalidOptions: 400,
  NotReplayable: 400,
  UnknownDestination: 404,
  DestinationConfigured: 409,
  NotDelivering: 409,
  IngestError: 503,
  StoreError: 503,
}

const isExpected = (error: unknown): error is Expected =>
  error instanceof Error && "_tag" in error && typeof error._tag === "string" && error._tag in statuses

const problemLines = ({ problems }: InvalidOptions): string =>
  problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n")

const toAdminError = (error: unknown): AdminError => {
  if (!isExpected(error))
    return new AdminError({ status: 500, message: `a mistake of ours: ${String(error)}` })
  const isRefused = error._tag === "IngestError" && error.reason._tag === "Refused"
  return new AdminError({
    status: isRefused ? 400 : statuses[error._tag],
    message: error._tag === "InvalidOptions" ? problemLines(error) : error.message,
  })
}

const ask = <A>(operation: () => Promise<A>): Effect.Effect<A, AdminError> =>
  Effect.tryPromise({ try: operation, catch: toAdminError })

const done = Effect.as({})

type Handlers = {
  readonly [N in AdminApi.Name]: (input: AdminApi.Input<N>) => Effect.Effect<AdminApi.Output<N>, AdminError>
}

/** A shared store has no socket: who runs on it may be on other machines. */
const onlyServers = new AdminError({
  status: 409,
  message: "only a server can do this, and commands reach one only if its store is a file of this machine",
})

/** The operations on a store: through the server that runs on it, or without one. */
export const make = (options: AdminOptions): AdminApi.Admin => {
  const { operations, store, path, status, logEvent } = options
  const log = Context.get(store, EventLog.EventLog)
  const cursors = Context.get(store, Cursors.Cursors)

  /** Of those that nobody but a server can do. */
  const byServer = <A>(operation: Effect.Effect<A, AdminError>): Effect.Effect<A, AdminError> =>
    status === null && path === null ? Effect.fail(onlyServers) : operation

  const withLag = (rows: ReadonlyArray<Ledger.DestinationStatus>) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const oldest = yield* Effect.mapError(oldestPending(log, cursors), toAdminError)
      const lag = ({ id, pending }: Ledger.DestinationStatus): number | null => {
        const since = oldest.get(id)
        return pending > 0 && since !== undefined ? Math.max(now - since, 0) : null
      }
      return { destinations: rows.map((row) => ({ ...row, lag: lag(row) })) }
    })

  /** The store lists by destination; what else is asked for is picked out of its pages. */
  const listDeadLetters = Effect.fnUntraced(function* ({
    eventIds,
    before,
    limit = 100,
    ...query
  }: AdminApi.Input<"dead-letters/list">) {
    const ids = eventIds === undefined ? null : new Set(eventIds)
    const letters: Array<DeadLetters.DeadLetter> = []
    let after: string | null = null
    do {
      const page: DeadLetters.DeadLetterPage = yield* ask(() =>
        operations.deadLetters({
          ...query,
          limit: AdminApi.maxListed,
          ...(after === null ? {} : { after }),
        }),
      )
      for (const letter of page.letters) {
        if (ids !== null && !ids.has(letter.eventId)) continue
        if (before === undefined || letter.deadAt < before) letters.push(letter)
      }
      after = page.next
    } while (after !== null && letters.length <= limit)
    return { letters: letters.slice(0, limit), more: letters.length > limit }
  })

  const handlers: Handlers = {
    status: () => Effect.succeed(status),
    doctor: () => Effect.map(Doctor.examine(options), (checks) => ({ checks })),
    "destinations/list": () => Effect.flatMap(ask(operations.destinations), withLag),
    "destinations/add": ({ destination }) =>
      // Wrong as it may be: core says what is wrong with it.
      done(ask(() => operations.addDestination(destination as unknown as Destination.DestinationOptions))),
    "destinations/remove": ({ id }) => done(ask(() => operations.removeDestination(id))),
    "destinations/disable": ({ id }) => done(ask(() => operations.disable(id))),
    "destinations/enable": ({ id }) => done(ask(() => operations.enable(id))),
    "destinations/rewind": ({ id, since }) =>
      Effect.map(
        ask(() => operations.rewind(id, since)),
        (events) => ({ events }),
      ),
    "destinations/skip": ({ id }) =>
      Effect.map(
        ask(() => operations.skip(id)),
        (events) => ({ events }),
      ),
    "destinations/try-filter": ({ selection, ...options }) =>
      ask(() => operations.tryFilter(selection as unknown as Destination.SelectionOptions, options)),
    "dead-letters/list": listDeadLetters,
    "dead-letters/replay": (request) => byServer(ask(() => operations.replayDeadLetters(request))),
    "dead-letters/purge": (selection) =>
      Effect.map(
        ask(() => operations.purgeDeadLetters(selection)),
        (purged) => ({ purged }),
      ),
    replay: (request) =>
      Effect.map(
        ask(() => operations.replay(request)),
        (replay) => ({ replay }),
      ),
    "attempts/list": (query) =>
      Effect.map(
        ask(() => operations.attempts(query)),
        (attempts) => ({ attempts }),
      ),
    send: (event) =>
      byServer(
        logEvent === null
          ? Effect.fail(new AdminError({ status: 409, message: "no server runs on this store to take it" }))
          : Effect.map(
              ask(() => logEvent(event)),
              (timeUUID) => ({ timeUUID }),
            ),
      ),
  }

  return {
    call: (name, input) => handlers[name](input),
    tail: (input) => {
      const tailed = Effect.map(
        ask(() => operations.tail(input)),
        (events) => Stream.fromAsyncIterable(events, toAdminError),
      )
      return input.destination === undefined ? tailed : byServer(tailed)
    },
  }
}
