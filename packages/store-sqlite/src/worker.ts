import { parentPort, workerData } from "node:worker_threads"
import { type Connection, openReader, openWriter } from "./Connection.ts"
import { type Failure, failureOf, isFull, unavailable } from "./errors.ts"
import { FileIdentity } from "./FileIdentity.ts"
import { needsSync } from "./needsSync.ts"
import { countOf, placeOf } from "./packing.ts"
import type { Call, Close, Outcome, Reopen, Reply, Request, WorkerOptions } from "./protocol.ts"
import { Reserve } from "./Reserve.ts"
import { Room, unlimited } from "./Room.ts"
import { type Tables, tables } from "./tables/index.ts"
import type { PackedAppends } from "./tables/records.ts"
import { WriteAheadLog } from "./WriteAheadLog.ts"

// The entry of the thread that owns a connection: SQLite is synchronous, and the disk is slow.

const options = workerData as WorkerOptions

interface Open {
  readonly connection: Connection
  readonly tables: Tables
}

interface OpenForWriting extends Open {
  readonly file: FileIdentity
  readonly writeAheadLog: WriteAheadLog
  readonly room: Room
}

/** A disk may have no room for what SQLite keeps beside the file while it is open: the reserve makes way then. */
const openInReserve = (reserve: Reserve): Connection => {
  try {
    return openWriter(options)
  } catch (error) {
    if (!isFull(error) || !reserve.shrink(0)) throw error
    return openWriter(options)
  }
}

const openForWriting = (): OpenForWriting => {
  const { path, limits, busyTimeout } = options
  const connection = openInReserve(new Reserve(path))
  try {
    const writeAheadLog = new WriteAheadLog(connection, path, busyTimeout)
    const room = new Room(connection, path, writeAheadLog, new Reserve(path))
    room.look()
    const file = new FileIdentity(path)
    return { connection, tables: tables(connection, limits, room), file, writeAheadLog, room }
  } catch (error) {
    connection.close()
    throw error
  }
}

const openForReading = (): Open => {
  const connection = openReader(options)
  return { connection, tables: tables(connection, options.limits, unlimited) }
}

const invoke = (on: Tables, { table, method, parameters }: Call): unknown =>
  (on[table] as unknown as Readonly<Record<string, (...parameters: ReadonlyArray<unknown>) => unknown>>)[
    method
  ]?.(...parameters)

/** What is asked for together. */
type Parts = Pick<Request, "appends" | "calls">

const done = <A>(value: A): Outcome<A> => ({ kind: "done", value })

const failed = (error: unknown): Failure => failureOf(error, options.path)

/** Everything in one transaction, so in one sync of the disk: either all is done or nothing. */
const commit = ({ connection, tables, file }: OpenForWriting, { appends, calls }: Parts): Reply => {
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

const attempt = (on: OpenForWriting, parts: Parts): Reply => {
  try {
    return commit(on, parts)
  } catch (error) {
    return failAll(parts, failed(error))
  }
}

/** The parts of a request, each on its own. */
const commitApart = (
  on: OpenForWriting,
  { appends, calls }: Parts,
  append: (on: OpenForWriting, appends: PackedAppends) => Reply = (on, appends) =>
    attempt(on, { appends, calls: [] }),
): Reply => ({
  calls: calls.flatMap((call) => attempt(on, { appends: null, calls: [call] }).calls),
  appends: appends === null ? null : append(on, appends).appends,
})

const failAll = ({ appends, calls }: Parts, failure: Failure): Reply => ({
  appends: appends === null ? null : failure,
  calls: calls.map(() => failure),
})

/** Drops released entries of about so many bytes. Says whether that could be done, and there were any. */
const dropSome = ({ connection, tables }: OpenForWriting, bytes: number): boolean => {
  try {
    connection.sync(true)
    return connection.transaction("IMMEDIATE", () => tables.log.dropSome(bytes))
  } catch {
    return false
  }
}

/** The least that is dropped when a write has found no room, in bytes. */
const leastDropped = 1024 * 1024

/** A write has found no room: what is released goes first. */
const makeRoom = (on: OpenForWriting, bytes: number): void => {
  on.room.make()
  dropSome(on, Math.max(bytes, leastDropped))
  try {
    on.room.look()
  } catch {
    // A damaged file says so to whoever writes next.
  }
}

/** For as long as released entries can give way to it. */
const appendInRoom = (on: OpenForWriting, appends: PackedAppends): Reply => {
  for (;;) {
    const reply = attempt(on, { appends, calls: [] })
    const foundNone = reply.appends?.kind === "refused" && reply.appends.reason._tag === "Full"
    if (!foundNone || !dropSome(on, Math.max(bytesIn(appends), leastDropped))) return reply
  }
}

/** The disk had no room for all of it: what drains the log goes before what fills it. */
const writeInRoom = (on: OpenForWriting, parts: Parts, failure: Failure): Reply => {
  makeRoom(on, bytesIn(parts.appends))
  return commitApart(on, parts, (on, appends) =>
    on.room.isOut ? failAll({ appends, calls: [] }, failure) : appendInRoom(on, appends),
  )
}

/** Set from when the write-ahead log was found gone until all connections have been closed. */
let lost: Failure | undefined

/**
 * The write-ahead log has been deleted, and this connection still has it open: what it holds is brought into the file. Until that has worked the
 * connection stays open, since what was acknowledged is nowhere else.
 */
const rescue = ({ writeAheadLog }: OpenForWriting, request: Request): Reply => {
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

const write = (on: OpenForWriting, request: Request): Reply => {
  if (lost !== undefined) return failAll(request, lost)
  try {
    on.room.expect(bytesIn(request.appends))
    return commit(on, request)
  } catch (error) {
    if (on.file.hasLostLog()) return rescue(on, request)
    const failure = failed(error)
    if (isFull(error)) return writeInRoom(on, request, failure)
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
let opened: Open | OpenForWriting | undefined

const answer = (request: Request): Reply => {
  try {
    opened ??= options.mode === "write" ? openForWriting() : openForReading()
  } catch (error) {
    return failAll(request, failed(error))
  }
  return "room" in opened ? write(opened, request) : read(opened, request)
}

const close = (): void => {
  opened?.connection.close()
  if (opened !== undefined && "room" in opened) opened.room.close()
  opened = undefined
}

/** When those who wait for it have been answered. */
const tidy = (on: OpenForWriting, appends: Request["appends"]): void => {
  if (!on.writeAheadLog.shorten(bytesIn(appends))) makeRoom(on, 0)
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
    close()
    lost = undefined
    parentPort?.postMessage({ appends: null, calls: [] } satisfies Reply)
    return
  }
  if (message.kind === "close") {
    close()
    parentPort?.close()
    return
  }
  const reply = answer(message)
  parentPort?.postMessage(reply, buffersOf(reply.calls))
  if (opened !== undefined && "room" in opened) tidy(opened, message.appends)
})
