import type { RequestListener } from "node:http"
import { fileURLToPath } from "node:url"
import { Admin, AdminHttp, Console, Processes, Streams } from "@millrace/console/admin"
import {
  Millrace as Core,
  DeadLetters,
  EventLog,
  Ingest,
  InvalidOptions,
  Store,
  StoreError,
} from "@millrace/core"
import { type LogLine, type LogWriter, Migration, RelayMark, StoreTrouble } from "@millrace/core/host"
import { Counters, Documents, Keys } from "@millrace/core/store"
import { Catalog, createServer, Millrace, Otlp } from "@millrace/node"
import { statsig } from "@millrace/statsig"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as AdminSocket from "./admin/AdminSocket.ts"
import type { Config } from "./config/Config.ts"
import { dedupeOf } from "./config/dedupeOf.ts"
import * as GeneratedKey from "./config/GeneratedKey.ts"
import { hashKeyOf } from "./config/hashKeyOf.ts"
import { consolePaths } from "./consolePaths.ts"
import * as Endpoints from "./Endpoints.ts"
import * as Listening from "./Listening.ts"
import * as OldMemory from "./OldMemory.ts"
import * as OpsServer from "./OpsServer.ts"
import { waitForStore } from "./waitForStore.ts"
import * as Appender from "./workers/Appender.ts"
import * as WorkerDocuments from "./workers/documents.ts"
import * as Pool from "./workers/Pool.ts"
import * as Protocol from "./workers/Protocol.ts"
import * as PassOn from "./workers/passOn.ts"
import type { WorkerError } from "./workers/WorkerProcess.ts"

/** Why a server cannot be started. */
export type StartError = InvalidOptions | StoreError | Listening.ListenError | WorkerError

/** A server that takes events. Closing the scope it was started in stops it. */
export interface Server {
  /** `http://HOST:PORT` */
  readonly url: string
  /** Where `/metrics` and `/readyz` are, when that is elsewhere; else `null`. */
  readonly ops: string | null
  /**
   * A key that was made because there was none: shown once, since only its hash is kept, if at all.
   */
  readonly generatedKey: string | null
  /** Where operators sign in; `null` without a console. */
  readonly console: string | null
  /** What an acknowledged event has survived. */
  readonly durability: EventLog.Durability
  /** The ids of those that events go to: configured, or added to the store. */
  readonly destinations: ReadonlyArray<string>
  /**
   * Fails once the store has lost what it had acknowledged as safe, and says what to do: there is
   * nothing left to run for.
   */
  readonly running: Effect.Effect<never, StoreError>
  /**
   * Goes on by the destinations and keys of another configuration. Fails with `InvalidOptions`, and
   * nothing changed, when it cannot.
   */
  readonly reconfigure: (config: Config) => Effect.Effect<Core.Reconfigured, InvalidOptions | StoreError>
}

/** What worker processes run. */
const workerProgram = fileURLToPath(new URL("./worker.js", import.meta.url))

const catalogOf = ({ catalog, allowPrivateDestinations }: Config): Pick<Millrace.MakeOptions, "catalog"> => {
  if (catalog?.file !== undefined) return { catalog: Catalog.file(catalog.file) }
  if (catalog?.url === undefined) return {}
  const { url, refresh } = catalog
  const addresses =
    typeof allowPrivateDestinations === "boolean"
      ? { allowPrivate: allowPrivateDestinations }
      : { allow: allowPrivateDestinations }
  return { catalog: Catalog.url(url, { ...(refresh === undefined ? {} : { refresh }), ...addresses }) }
}

/**
 * What `make` says it rejects with. Anything else is a mistake of ours, and shown with its stack.
 */
const isExpected = (error: unknown): error is InvalidOptions | StoreError =>
  error instanceof InvalidOptions || error instanceof StoreError

const expected = <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A, InvalidOptions | StoreError> =>
  Effect.catch(effect, (error) => (isExpected(error) ? Effect.fail(error) : Effect.die(error)))

/** Taking events is worth more than being looked after. */
const withoutSocket = (reason: string): LogLine => ({
  level: "Warn",
  message: "no admin socket: commands cannot reach this server",
  fields: { reason },
})

/** What the process that has the store does. */
const doesItself = ({ workers }: Config): string =>
  workers === 1 ? "intake, log, lanes, console" : "log, lanes, console"

const urlOf = (host: string, port: number): string =>
  `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** Where a server listens, and how it says how it is. */
interface Listens {
  readonly port: number
  readonly health: Endpoints.Health
}

const accessOf = ({ ops }: Config): Endpoints.Access => ({
  isElsewhere: ops.port !== null,
  key: ops.key,
})

/** This process takes events in, and does everything else besides. */
const listenHere = (
  config: Config,
  millrace: Millrace.Millrace,
  version: string,
  console: RequestListener | null,
): Effect.Effect<Listens, Listening.ListenError, Scope.Scope> => {
  const others = console === null ? undefined : consolePaths(console, config.client.trust)
  const health = Endpoints.health(millrace, version)
  const fallback = Endpoints.listener(millrace, health, accessOf(config), others)
  const server = createServer(millrace, { fallback })
  return Effect.map(Listening.listen(server, config.host, config.port), ({ port }) => ({ port, health }))
}

/** Others take events in, and this process stores and sends them. */
const listenByWorkers = Effect.fnUntraced(function* (
  config: Config,
  millrace: Millrace.Millrace,
  store: Context.Context<Store.Store>,
  reach: Pool.Reach,
  version: string,
  console: RequestListener | null,
) {
  const { workers, host, port, validation, paths, client, hashKey, statsigSecrets } = config
  const found = Context.get(store, EventLog.EventLog)
  const trouble = Context.get(millrace.host.context, StoreTrouble)
  const demanded = config.ack === null ? found : EventLog.demanding(found, config.ack)
  const log: EventLog.EventLog["Service"] = {
    ...demanded,
    append: (entries, partition) =>
      Effect.tapError(demanded.append(entries, partition), (error) => Effect.sync(() => trouble.note(error))),
  }
  const maxBytes = Protocol.bytesEach(workers, { ...Ingest.defaultLimits, ...config.limits })
  const asNull = Effect.as(null)
  const problem = () => Endpoints.problemOf(millrace)
  const page = Endpoints.makePage(millrace, version)
  const { port: bound, counted } = yield* Pool.start({
    workers,
    program: workerProgram,
    settings: {
      host,
      port,
      validation,
      paths,
      client,
      hashKey,
      statsig: config.statsig,
      cors: config.cors,
      dedupe: config.dedupe,
      limits: config.limits,
      logging: config.log,
      relayId: yield* RelayMark.RelayId,
      statsigSecrets,
      console: console === null ? null : yield* PassOn.listen(console),
      log: { durability: log.durability, partitions: log.partitions },
      maxBytes,
      access: accessOf(config),
      otlp: config.otlp,
    },
    handlers: {
      keys: () => Context.get(store, Keys.Keys).list,
      letters: (letters) => asNull(Context.get(store, DeadLetters.DeadLetters).put(letters)),
      counts: (counts) => asNull(Context.get(store, Counters.Counters).add(counts)),
      ...WorkerDocuments.handlers(Context.get(store, Documents.Documents)),
      problem: () => Effect.promise(problem),
    },
    onNoticed: millrace.noticed,
    reach,
    metrics: page,
    onAppends: Appender.make(log, workers * maxBytes, yield* Effect.context<never>()),
  })
  return { port: bound, health: { problem, metrics: () => page(counted) } } satisfies Listens
})

/**
 * The same store, that tells workers when its keys have changed: by this process, or by another
 * one, which shows when they are listed next.
 */
const tellingOfKeys = (
  store: Context.Context<Store.Store>,
  reach: Pool.Reach,
): Context.Context<Store.Store> => {
  const keys = Context.get(store, Keys.Keys)
  const tell = Effect.suspend(() => reach.tellKeys)
  let told = ""
  const noticed = (found: ReadonlyArray<Keys.KeyRecord>): Effect.Effect<void> => {
    const text = found.map(({ hash, kind }) => `${hash} ${kind}`).join()
    if (text === told) return Effect.void
    told = text
    return tell
  }
  return Context.add(store, Keys.Keys, {
    ...keys,
    list: Effect.tap(keys.list, noticed),
    put: (record) => Effect.tap(keys.put(record), () => tell),
    remove: (hash) => Effect.tap(keys.remove(hash), () => tell),
  })
}

/**
 * Opens the store, starts intake and delivery, and listens. Nothing is left open when any of it
 * fails.
 *
 * @param log gets what happens from then on, until the scope is closed
 */
export const start = Effect.fnUntraced(function* (
  config: Config,
  version: string,
  log: LogWriter,
): Effect.fn.Return<Server, StartError, Scope.Scope> {
  yield* Listening.check(config.host, config.port)
  if (config.ops.port !== null) yield* Listening.check(config.ops.host, config.ops.port)
  const { layer, text: name } = config.store
  const waiting = waitForStore(layer, { patience: config.waitForStore, name })
  const store = yield* Effect.provide(waiting, Core.layerLog(log))
  if (yield* Migration.isUnfinished(store)) {
    const message = "a migration into it has not been finished: run `millrace migrate` again"
    return yield* new InvalidOptions({ problems: [{ path: "store", message }] })
  }
  const { durability } = Context.get(store, EventLog.EventLog)
  const generatedKey = yield* Effect.provideContext(GeneratedKey.makeIfNone(config.keys), store)

  const keys = generatedKey === null ? config.keys : { server: [generatedKey], client: [] }
  const workers = Pool.nobody(keys)

  const millrace = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: () =>
        Millrace.make({
          store: Layer.succeedContext(tellingOfKeys(store, workers)).pipe(
            Store.acknowledging<EventLog.Durability>(),
          ),
          ...(config.ack === null ? {} : { ack: config.ack }),
          keys,
          destinations: config.destinations,
          validation: config.validation,
          paths: config.paths,
          client: config.client,
          keepFor: config.keepFor,
          ...dedupeOf(config),
          limits: config.limits,
          cors: config.cors,
          extensions: [statsig(config.statsig)],
          receive: { statsigSecret: config.statsigSecrets },
          ...catalogOf(config),
          ...hashKeyOf(config),
          ...(config.alerts === null ? {} : { alerts: config.alerts }),
          allowPrivateDestinations: config.allowPrivateDestinations,
          // This process has nobody else's work to slow down.
          collectYoungMemory: true,
          ...(config.otlp === null ? {} : { tracing: Otlp.layer(config.otlp) }),
          log,
        }),
      catch: (error) => error,
    }).pipe(expected),
    (running) =>
      Effect.map(
        Effect.promise(() => running.close({ deadline: config.drainDeadline })),
        ({ pending }) => {
          for (const fields of pending) {
            log({ level: "Warn", message: "stopping with events pending", fields: { ...fields } })
          }
        },
      ),
  )

  yield* OldMemory.keepSmall

  const { path } = config.store
  const startedAt = yield* Clock.currentTimeMillis
  /** What is known once it listens. */
  const listening = { url: "" }
  const admin = Admin.make({
    operator: millrace.operator,
    store,
    path,
    status: {
      ...{ version, pid: process.pid, startedAt },
      get url() {
        return listening.url
      },
    },
    readiness: millrace.readiness,
    isEmbedded: false,
    processes: Effect.map(
      Effect.suspend(() => workers.processes),
      (others) => [Processes.own(config.workers === 1 ? "server" : "primary", doesItself(config)), ...others],
    ),
    ack: config.ack,
  })
  const ending = new AbortController()
  const streams = Streams.make(ending.signal)
  const { context } = millrace.host
  const console = Console.make(config.admin, { admin, context, streams })
  const answer: RequestListener = (req, res) => console.api(req, res, () => console.handler(req, res))

  const { port, health } = yield* config.workers === 1
    ? listenHere(config, millrace, version, console.isOpen ? answer : null)
    : Effect.provide(
        listenByWorkers(config, millrace, store, workers, version, console.isOpen ? answer : null),
        Core.layerLog(log),
      )
  const { ops } = config
  const opsPort = ops.port === null ? null : yield* OpsServer.listen(health, { ...ops, port: ops.port })
  // Before requests in flight are waited for: a page that is open would be one.
  yield* Effect.addFinalizer(() => Effect.sync(() => ending.abort()))

  // Not before it is sure to be shown: a key that is kept but was never seen would lock everybody
  // out.
  if (generatedKey !== null) yield* Effect.provideContext(GeneratedKey.keep(generatedKey), store)
  const url = urlOf(config.host, port)
  listening.url = url
  if (path !== null) {
    const listener = AdminHttp.listener(admin, { context, streams })
    yield* AdminSocket.listen(AdminSocket.pathOf(path), listener).pipe(
      Effect.catch(({ message }) => Effect.sync(() => log(withoutSocket(message)))),
    )
  }
  const rows = yield* Effect.tryPromise({
    try: () => millrace.destinations(),
    // All it rejects with.
    catch: (error) => error as StoreError,
  })
  const destinations = rows.filter(({ disabled }) => disabled?.reason !== "unconfigured").map(({ id }) => id)
  const running = Effect.flatMap(
    Effect.promise(() => millrace.lost),
    Effect.fail,
  )
  return {
    url,
    ops: opsPort === null ? null : urlOf(ops.host, opsPort),
    generatedKey,
    console: console.isOpen ? `${url}/console/` : null,
    durability,
    destinations,
    running,
    reconfigure: Effect.fnUntraced(function* (next) {
      const changed = { destinations: next.destinations, keys: next.keys }
      const report = yield* expected(
        Effect.tryPromise({ try: () => millrace.reconfigure(changed), catch: (error) => error }),
      )
      workers.keys = next.keys
      yield* workers.tellKeys
      return report
    }),
  }
})
