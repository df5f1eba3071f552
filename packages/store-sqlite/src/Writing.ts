import { done, failAll, invoke, type Parts } from "./asking.ts"
import { type Connection, openWriter } from "./Connection.ts"
import { type Failure, failureOf, isDiskFault, isFull, unavailable } from "./errors.ts"
import { Displaced, FileIdentity } from "./FileIdentity.ts"
import { FileMarks } from "./FileMarks.ts"
import { needsSync } from "./needsSync.ts"
import { countOf, placeOf } from "./packing.ts"
import type { Reply, Request, WorkerOptions } from "./protocol.ts"
import { Reserve } from "./Reserve.ts"
import { Room } from "./Room.ts"
import { Stamping } from "./Stamping.ts"
import { stampIn } from "./stamp.ts"
import { type Tables, tables } from "./tables/index.ts"
import type { PackedAppends } from "./tables/records.ts"
import { WriteAheadLog } from "./WriteAheadLog.ts"

interface Open {
  readonly connection: Connection
  readonly tables: Tables
  readonly file: FileIdentity
  readonly stamping: Stamping
  readonly writeAheadLog: WriteAheadLog
  readonly room: Room
}

const bytesIn = (appends: Request["appends"]): number =>
  appends === null ? 0 : placeOf(appends.index, countOf(appends)).byte

/**
 * Whether anything may be written: what only looks is not to fail where there is no room for that.
 */
const mayWrite = ({ appends, calls }: Parts): boolean =>
  appends !== null || calls.some(({ table, method }) => table !== "log" || method !== "head")

/** The least that is dropped when a write has found no room, in bytes. */
const leastDropped = 1024 * 1024

/**
 * An earlier copy is set apart by reading all of it, so that is not tried again for every request:
 * the pause is so many times as long as it took, and `least` ms.
 */
const setApartPause = { times: 10, least: 1_000 } as const

/** What the thread that writes does: what it is asked for together is one transaction. */
export class Writing {
  readonly #options: WorkerOptions
  readonly #marks: FileMarks
  /** By the first request, so that a file that could not be opened is tried again by the next. */
  #opened: Open | undefined
  /** Set from when the files were found displaced until all connections have been closed. */
  #lost: Failure | undefined
  /** Where a write-ahead log was put aside to, to be told with the next reply. */
  #aside: string | undefined
  /** Why nothing may be acknowledged before the write-ahead log has been begun anew. */
  #doubt: Failure | undefined
  /** Why an earlier copy could not be set apart, and until when that is not tried again. */
  #stuck: { readonly failure: Failure; readonly until: number } | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#marks = new FileMarks(options.marks)
  }

  answer(request: Request): Reply {
    this.#marks.begin()
    try {
      this.#opened ??= this.#open()
      return this.#withNews(this.#write(this.#opened, request))
    } catch (error) {
      return failAll(request, this.#failed(error))
    } finally {
      this.#marks.end()
    }
  }

  /** When those who wait for it have been answered. */
  tidy({ appends }: Request): void {
    const on = this.#opened
    if (on === undefined || this.#lost !== undefined) return
    this.#marks.begin()
    try {
      if (!on.writeAheadLog.shorten(bytesIn(appends))) this.#makeRoom(on, 0)
    } finally {
      this.#marks.end()
    }
  }

  close(): void {
    this.#opened?.connection.close()
    this.#opened?.room.close()
  }

  #failed(error: unknown): Failure {
    return failureOf(error, this.#options.path)
  }

  #open(): Open {
    const { path, limits, known } = this.#options
    const connection = this.#openInReserve(new Reserve(path))
    try {
      const file = new FileIdentity(path, this.#marks, () => connection.schemaVersion)
      const stamping = new Stamping(connection, stampIn(path)?.commits ?? 0)
      const writeAheadLog = new WriteAheadLog(connection, { file, stamping }, this.#options)
      const room = new Room(connection, path, writeAheadLog, new Reserve(path))
      room.look()
      const surroundings = { space: room, known }
      return {
        ...{ connection, file, stamping, writeAheadLog, room },
        tables: tables(connection, limits, surroundings),
      }
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /**
   * A disk may have no room for what SQLite keeps beside the file while it is open: the reserve
   * makes way then.
   */
  #openInReserve(reserve: Reserve): Connection {
    const open = () =>
      openWriter(this.#options, (aside) => {
        this.#aside = aside
      })
    try {
      return open()
    } catch (error) {
      if (!isFull(error) || !reserve.shrink(0)) throw error
      return open()
    }
  }

  #withNews(reply: Reply): Reply {
    if (this.#aside === undefined) return reply
    const told = { ...reply, putAside: this.#aside }
    this.#aside = undefined
    return told
  }

  /** Everything in one transaction, so in one sync of the disk: either all is done or nothing. */
  #commit({ connection, tables, file, stamping }: Open, parts: Parts): Reply {
    const { appends, calls } = parts
    file.checkIfMissed()
    connection.sync(needsSync(parts))
    const { entered, appending, called } = connection.transaction("IMMEDIATE", () => {
      const entered = tables.log.enter()
      if (mayWrite(parts)) stamping.write(appends !== null)
      return {
        entered,
        appending: appends === null ? null : tables.log.append(appends, entered),
        called: calls.map((call) => done(invoke(tables, call))),
      }
    })
    if (mayWrite(parts)) stamping.committed(appends !== null)
    // What was taken away before this was written, or meanwhile, is noticed before anybody is told
    // that it is safe.
    file.check()
    appending?.committed()
    const { lost, known } = entered.news
    const news = { lost, known: appending === null ? known : { ...known, head: appending.head } }
    tables.log.settle(news.known)
    return { appends: appending && done(appending.appended), calls: called, news }
  }

  #attempt(on: Open, parts: Parts): Reply {
    try {
      return this.#commit(on, parts)
    } catch (error) {
      return failAll(parts, this.#failed(error))
    }
  }

  /** The parts of a request, each on its own. */
  #commitApart(
    on: Open,
    { appends, calls }: Parts,
    append: (appends: PackedAppends) => Reply = (appends) => this.#attempt(on, { appends, calls: [] }),
  ): Reply {
    const called = calls.map((call) => this.#attempt(on, { appends: null, calls: [call] }))
    const appended = appends === null ? null : append(appends)
    const all = [...called, ...(appended === null ? [] : [appended])].flatMap(({ news }) => news ?? [])
    const last = all.at(-1)
    const lost = all.find((news) => news.lost !== null)?.lost ?? null
    return {
      appends: appended?.appends ?? null,
      calls: called.flatMap((reply) => reply.calls),
      ...(last === undefined ? {} : { news: { known: last.known, lost } }),
    }
  }

  #write(on: Open, request: Request): Reply {
    if (this.#lost !== undefined) return failAll(request, this.#lost)
    if (this.#doubt !== undefined && !on.writeAheadLog.renew()) return failAll(request, this.#doubt)
    this.#doubt = undefined
    try {
      on.room.expect(bytesIn(request.appends))
      return this.#commit(on, request)
    } catch (error) {
      const displaced = error instanceof Displaced ? error : on.file.find()
      if (displaced !== null) return this.#onDisplaced(on, request, displaced)
      const failure = this.#failed(error)
      if (isDiskFault(error)) {
        this.#doubt = failure
        return failAll(request, failure)
      }
      if (isFull(error)) return this.#writeInRoom(on, request, failure)
      const parts = request.calls.length + (request.appends === null ? 0 : 1)
      // The disk's failures are everybody's. What one caller got wrong is not to fail the others.
      return failure.kind === "defect" && parts > 1
        ? this.#commitApart(on, request)
        : failAll(request, failure)
    }
  }

  /**
   * Drops released entries of about so many bytes. Says whether that could be done, and there were
   * any.
   */
  #dropSome({ connection, tables }: Open, bytes: number): boolean {
    try {
      connection.sync(true)
      return connection.transaction("IMMEDIATE", () => tables.log.dropSome(bytes))
    } catch {
      return false
    }
  }

  /** A write has found no room: what is released goes first. */
  #makeRoom(on: Open, bytes: number): void {
    on.room.make()
    this.#dropSome(on, Math.max(bytes, leastDropped))
    try {
      on.room.look()
    } catch {
      // A damaged file says so to whoever writes next.
    }
  }

  /** The disk had no room for all of it: what drains the log goes before what fills it. */
  #writeInRoom(on: Open, parts: Parts, failure: Failure): Reply {
    this.#makeRoom(on, bytesIn(parts.appends))
    return this.#commitApart(on, parts, (appends) =>
      on.room.isOut ? failAll({ appends, calls: [] }, failure) : this.#appendInRoom(on, appends),
    )
  }

  /** For as long as released entries can give way to it. */
  #appendInRoom(on: Open, appends: PackedAppends): Reply {
    for (;;) {
      const reply = this.#attempt(on, { appends, calls: [] })
      const foundNone = reply.appends?.kind === "refused" && reply.appends.reason._tag === "Full"
      if (!foundNone || !this.#dropSome(on, Math.max(bytesIn(appends), leastDropped))) return reply
    }
  }

  /** Goes on where there is a way to: what is displaced for good fails all that is asked. */
  #onDisplaced(on: Open, request: Request, displaced: Displaced): Reply {
    switch (displaced.what) {
      case "log gone":
        return this.#rescue(on, request)
      case "overwritten": {
        const failure = this.#setApart(on)
        if (failure !== null) return failAll(request, failure)
        return this.#makeWay(on, request, displaced)
      }
      case "replaced":
        return this.#makeWay(on, request, displaced)
      case "gone":
      case "log replaced":
      case "changed":
        return failAll(request, this.#failed(displaced))
    }
  }

  /**
   * The write-ahead log has been deleted, and this connection still has it open: what it holds is
   * brought into the file. Until that has worked the connection stays open, since what was
   * acknowledged is nowhere else.
   */
  #rescue({ writeAheadLog }: Open, request: Request): Reply {
    const removed = `${this.#options.path}-wal has been deleted while it was open`
    return writeAheadLog.rescue()
      ? this.#giveUp(request, `${removed}, and what it held was brought into the file`)
      : failAll(
          request,
          this.#failed(unavailable(`${removed}, and what it held cannot be brought into the file yet`)),
        )
  }

  #setApart({ file }: Open): Failure | null {
    const began = performance.now()
    if (this.#stuck !== undefined && began < this.#stuck.until) return this.#stuck.failure
    try {
      file.setApart()
      return null
    } catch (error) {
      const now = performance.now()
      const { times, least } = setApartPause
      const failure = this.#failed(error)
      this.#stuck = { failure, until: now + Math.max(times * (now - began), least) }
      return failure
    }
  }

  #makeWay({ file }: Open, request: Request, { message }: Displaced): Reply {
    this.#aside = file.makeWay() ?? undefined
    return this.#giveUp(request, message)
  }

  /**
   * What was opened is no longer to be used, nor may anything be acknowledged before it is opened
   * anew.
   */
  #giveUp(request: Request, why: string): Reply {
    this.#lost = this.#failed(unavailable(`${why}: it is opened again`))
    return { ...failAll(request, this.#lost), isLost: true }
  }
}
