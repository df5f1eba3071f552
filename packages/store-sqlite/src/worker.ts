import { parentPort, workerData } from "node:worker_threads"
import { type Connection, openReader, openWriter } from "./Connection.ts"
import { type Failure, failureOf, unavailable } from "./errors.ts"
import { FileIdentity } from "./FileIdentity.ts"
import { needsSync } from "./needsSync.ts"
import { countOf, placeOf } from "./packing.ts"
import type { Call, Close, Outcome, Reopen, Reply, Request, WorkerOptions } from "./protocol.ts"
import { type Tables, tables } from "./tables/index.ts"
import { WriteAheadLog } from "./WriteAheadLog.ts"

// The entry of the thread that owns a connection: SQLite is synchronous, and the disk is slow.

const options = workerData as WorkerOptions

interface Open {
  readonly connection: Connection
  readonly tables: Tables
  readonly file: FileIdentity
  readonly writeAheadLog: WriteAheadLog
}

const open = (): Open => {
  const connection = options.mode === "write" ? openWriter(options) : openReader(options)
  return {
    connection,
    tables: tables(connection, options.limits),
    file: new FileIdentity(options.path),
    writeAheadLog: new WriteAheadLog(connection, options.path, options.busyTimeout),
  }
}

const invoke = (on: Tables, { table, method, parameters }: Call): unknown =>
  (on[table] as unknown as Readonly<Record<string, (...parameters: ReadonlyArray<unknown>) => unknown>>)[
    method
  ]?.(...parameters)

const done = <A>(value: A): Outcome<A> => ({ kind: "done", value })

const failed = (error: unknown): Failure => failureOf(error, options.path)

/** Everything in one transaction, so in one sync of the disk: either all is done or nothing. */
const commit = ({ connection, tables, file }: Open, { appends, calls }: Request): Reply => {
  file.checkIfMissed()
  connection.sync(needsSync({ appends, calls }))
  const result = connection.transaction("IMMEDIATE", () => ({
    appending: appends === null ? null : tables.log.append(appends),
    called: calls.map((call) => done(invoke(tables, call))),
  }))
  // What was taken away before this was written, or meanwhile, is noticed before anybody is told that it is safe.
  file.check()
  result.appending?.committed()
  return { appends: result.appending && done(result.appending.appended), calls: result.called }
}

/** The parts of a request, each on its own. */
const commitApart = (on: Open, { appends, calls }: Request): Reply => {
  const one = (request: Pick<Request, "appends" | "calls">): Reply => {
    try {
      return commit(on, { kind: "request", ...request })
    } catch (error) {
      return failAll({ kind: "request", ...request }, failed(error))
    }
  }
  return {
    appends: appends === null ? null : one({ appends, calls: [] }).appends,
    calls: calls.flatMap((call) => one({ appends: null, calls: [call] }).calls),
  }
}

const failAll = ({ appends, calls }: Request, failure: Failure): Reply => ({
  appends: appends === null ? null : failure,
  calls: calls.map(() => failure),
})

/** Set from when the write-ahead log was found gone until all connections have been closed. */
let lost: Failure | undefined

/**
 * The write-ahead log has been deleted, and this connection still has it open: what it holds is brought into the file. Until that has worked the
 * connection stays open, since what was acknowledged is nowhere else.
 */
const rescue = ({ writeAheadLog }: Open, request: Request): Reply => {
  const removed = `${options.path}-wal has been deleted while it was open`
  if (!writeAheadLog.rescue()) {
    return failAll(
      request,
      failed(unavailable(`${removed}, and what it held cannot be brought into the file yet`)),
    )
  }
  lost = failed(unavailable(`${removed}: what it held was brought into the file, which is opened again`))
  return { ...failAll(request, lost), isLost: true }
}

const write = (on: Open, request: Request): Reply => {
  if (lost !== undefined) return failAll(request, lost)
  try {
    return commit(on, request)
  } catch (error) {
    if (on.file.hasLostLog()) return rescue(on, request)
    const failure = failed(error)
    const parts = request.calls.length + (request.appends === null ? 0 : 1)
    // The disk's failures are everybody's. What one caller got wrong is not to fail the others.
    return failure.kind === "defect" && parts > 1 ? commitApart(on, request) : failAll(request, failure)
  }
}

const read = ({ connection, tables }: Open, { calls }: Request): Reply => ({
  appends: null,
  calls: calls.map((call): Outcome<unknown> => {
    try {
      return done(connection.transaction("DEFERRED", () => invoke(tables, call)))
    } catch (error) {
      return failed(error)
    }
  }),
})

/** Opened by the first request, so that a file that could not be opened is tried again by the next. */
let opened: Open | undefined

const answer = (request: Request): Reply => {
  try {
    opened ??= open()
  } catch (error) {
    return failAll(request, failed(error))
  }
  return options.mode === "write" ? write(opened, request) : read(opened, request)
}

const bytesIn = (appends: Request["appends"]): number =>
  appends === null ? 0 : placeOf(appends.index, countOf(appends)).byte

/** The buffers to hand over instead of cloning them: detached here, where nobody reads events byte by byte. */
const buffersOf = (results: ReadonlyArray<Outcome<unknown>>): ReadonlyArray<ArrayBuffer> =>
  results.flatMap((outcome) => {
    const value: unknown = outcome.kind === "done" ? outcome.value : null
    return typeof value === "object" &&
      value !== null &&
      "index" in value &&
      value.index instanceof Float64Array
      ? [value.index.buffer as ArrayBuffer]
      : []
  })

parentPort?.on("message", (message: Request | Reopen | Close) => {
  if (message.kind === "reopen") {
    opened?.connection.close()
    opened = undefined
    lost = undefined
    parentPort?.postMessage({ appends: null, calls: [] } satisfies Reply)
    return
  }
  if (message.kind === "close") {
    opened?.connection.close()
    parentPort?.close()
    return
  }
  const reply = answer(message)
  parentPort?.postMessage(reply, buffersOf(reply.calls))
  if (options.mode === "write") opened?.writeAheadLog.shorten(bytesIn(message.appends))
})
