import { EventLog, type Generations, type Position, quietSleep, type StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Announcements } from "./Announcements.ts"
import { Appender } from "./Appender.ts"
import type { Connection } from "./Connection.ts"
import { capReached, closed, isOutOfRoom, outOfRange, unavailable } from "./errors.ts"
import type { Level } from "./Level.ts"
import { LogHead } from "./LogHead.ts"
import { type Mark, originMark, type Place } from "./LogRecord.ts"
import { make as makeRecords } from "./LogRecords.ts"
import { type KnownIds, LogTail, type Trimmed } from "./LogTail.ts"
import { collectPage } from "./logPage.ts"
import type { Settings } from "./Options.ts"
import type { Room } from "./Room.ts"
import { type Layout, namesOf, subjectsOf } from "./Schema.ts"
import { Stream } from "./Stream.ts"
import { Table } from "./Table.ts"
import { Turns } from "./Turns.ts"

/**
 * How often the server is asked what its streams are, in ms: how safe they keep what they take can
 * be changed at run time, and those who wait may have missed something.
 */
const pollInterval = 2_000

/**
 * The least that goes at once from a server that has no room left, in bytes: not every append shall
 * have to ask for it.
 */
const leastDropped = 1024 * 1024

/** Bytes of an id that is noted with its place. */
const idBytes = 64

export interface LogOptions {
  readonly connection: Connection
  readonly settings: Settings
  readonly layout: Layout
  readonly bucket: Stream
  readonly announcements: Announcements
  readonly level: Level
  readonly room: Room
  /** How far any cursor of a partition is, as far as its position is of these generations. */
  readonly furthestCursor: (partition: number, generations: Generations) => Effect.Effect<Place, StoreError>
  /** Where a probe is written, without what is held in reserve. */
  readonly probes: Table<0>
}

const makePartition = Effect.fnUntraced(function* (partition: number, options: LogOptions) {
  const { connection, settings, layout, bucket, announcements, level, room, furthestCursor } = options
  const subjects = subjectsOf(settings.prefix)
  const subject = subjects.log(partition)
  const stream = new Stream(connection, namesOf(settings.prefix).log(partition), layout.replicas)
  const records = makeRecords(stream, subject)
  const head = new LogHead(stream, records)
  const tail = new LogTail({
    table: new Table<Trimmed>(bucket, subjects.table("log")),
    ids: new Table<KnownIds>(bucket, subjects.table("ids")),
    maxIds: () => Math.floor(connection.maxPayload / idBytes),
    key: String(partition),
    stream,
    records,
    head,
  })
  const maxBytes = Math.floor(settings.maxBytes / layout.partitions)
  /**
   * What is delivered goes first; then what was held in reserve, for what is not to wait for that.
   */
  const makeRoom = Effect.fnUntraced(function* (bytes: number) {
    if (yield* tail.dropReleased(Math.max(bytes, leastDropped))) return true
    yield* room.release
    return false
  })
  const admit = room.restore(tail.dropReleased(leastDropped))
  const turns = new Turns(connection.clock)
  const lookAtStream = Effect.tap(stream.info, (info) => level.note(partition, info))
  let generation = connection.generation
  /** Something says that the log is another than it was. */
  let isDoubtful = false
  const isLost = () => isDoubtful || generation !== connection.generation || !connection.isOpen
  const begin = (fork: Mark, before?: number) =>
    Effect.andThen(
      tail.begin(fork, before),
      Effect.sync(() => announcements.began(partition)),
    )
  const sayLost = (fork: Mark) =>
    Effect.annotateLogs(
      Effect.logWarning(
        `${connection.server}: the log has come back with less than it had given, and goes on in a new generation`,
      ),
      {
        partition,
        lostEntries: head.mark.entries - fork.entries,
        goesOnAfter: tail.generations.positionOf(fork.place),
      },
    )
  /** @param before the generation that this process knew */
  const beginAfterLoss = (before: number) => (fork: Mark) =>
    // It has been said already of streams that were made again.
    Effect.andThen(tail.isUnwritten ? Effect.void : sayLost(fork), begin(fork, before))
  /**
   * A new log may stand in the place of one that others still have open: it is told apart from
   * that.
   */
  const beginIfNew = Effect.suspend(() =>
    head.lastSeq === 0 && tail.isUnwritten ? tail.begin(originMark) : Effect.void,
  )
  const realign = Effect.suspend(() => head.realign(beginAfterLoss(tail.generations.current), true))

  /** A cursor that is further than the log is of something that was lost, whoever knew of it. */
  const noticeLoss = Effect.gen(function* () {
    const furthest = yield* furthestCursor(partition, tail.generations)
    if (Math.max(furthest, tail.mark.place) <= head.mark.place) return
    yield* begin(head.mark)
  })

  /** One at a time: who comes second finds it done. */
  const orienting = Semaphore.makeUnsafe(1)
  const orient = Effect.gen(function* () {
    const current = connection.generation
    const isAnother = isLost()
    const before = tail.generations.current
    isDoubtful = false
    yield* lookAtStream
    if (isAnother) yield* tail.readAnew
    yield* head.realign(beginAfterLoss(before), false)
    yield* beginIfNew
    head.startAfterTrimmed(tail.mark)
    if (isAnother) yield* noticeLoss
    generation = current
  }).pipe(
    Effect.tapError(() =>
      Effect.sync(() => {
        isDoubtful = true
      }),
    ),
  )
  /** Before anything is read: what is known here is of the servers that there are now. */
  const ready = Effect.suspend(() =>
    isLost()
      ? orienting.withPermits(1)(Effect.suspend(() => (isLost() ? orient : Effect.void)))
      : Effect.void,
  )
  const appender = yield* Appender.make({
    stream,
    subject,
    records,
    head,
    tail,
    turns,
    maxBytes,
    admit,
    makeRoom,
    maxPayload: () => connection.maxPayload,
    isLost,
    orient: orienting.withPermits(1)(orient),
    realign,
    timeout: settings.requestTimeout,
    announce: (record) => announcements.appended(partition, record),
    claim: (duration) => announcements.claim(partition, duration),
  })
  announcements.listen(partition, {
    onAppended: (record, process) => {
      head.hear(record)
      turns.hear(process)
    },
    onClaim: (duration, process) => turns.yieldTo(process, duration),
    onBegan: () => {
      isDoubtful = true
    },
  })
  // Others may have edited it while nobody looked.
  yield* lookAtStream
  yield* tail.refresh
  yield* head.refresh
  yield* beginIfNew
  head.startAfterTrimmed(tail.mark)
  yield* tail.noticePurge
  yield* noticeLoss
  yield* tail.restoreIds
  // What others say may be lost with a connection.
  yield* Effect.forkScoped(
    Effect.forever(
      Effect.andThen(
        quietSleep(pollInterval),
        Effect.catch(
          Effect.gen(function* () {
            const { state } = yield* lookAtStream
            if (!(yield* head.isIn(state))) isDoubtful = true
            yield* ready
            if (head.isAwaited) yield* head.refresh
            // One of them is enough.
            if (partition === 0) yield* room.look
          }),
          (error) => Effect.sync(() => head.fail(error)),
        ),
      ),
    ),
  )

  // Before the fibers above are interrupted: who waits is told that the store is closed.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      head.fail(closed())
      return appender.close
    }),
  )

  const refresh = Effect.gen(function* () {
    yield* ready
    yield* tail.refresh
    yield* head.refresh
    yield* tail.noticePurge
  })

  const isInside = (place: Place): boolean => place >= tail.mark.place && place <= head.mark.place

  const positionOf = (place: Place): Position.Position => tail.generations.positionOf(place)

  const outside = (position: Position.Position): StoreError =>
    outOfRange(position, {
      tail: positionOf(tail.mark.place),
      head: positionOf(head.mark.place),
      resumeAt: tail.generations.resumeAt(position, tail.mark.place),
    })

  /** The place of a position, which lies inside the log as the server knows it now. */
  const locateInside = Effect.fnUntraced(function* (position: Position.Position) {
    yield* ready
    yield* head.catchUp
    // Asked again where it is not inside: others may have appended, trimmed, or begun a generation.
    for (const look of [Effect.void, refresh]) {
      yield* look
      const found = tail.generations.placeOf(position)
      if (found.kind === "known" && isInside(found.number)) return found.number
    }
    return yield* Effect.fail(outside(position))
  })

  const collect = collectPage({ head, records, positionOf })

  const read = Effect.fnUntraced(function* (after: Position.Position, limits: EventLog.ReadLimits) {
    const start = yield* locateInside(after)
    if (start === head.mark.place) return []
    const page = yield* collect(start, limits)
    if (page.length > 0) return page
    // Others have trimmed the log; or another server answers, and is not ready.
    yield* refresh
    return yield* Effect.fail(
      isInside(start) ? unavailable(`what follows position "${after}" is not there yet`) : outside(after),
    )
  })

  const whenOpen = <A>(use: () => Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => (connection.isClosed ? Effect.fail(closed()) : use()))

  const served: EventLog.Partition = {
    append: (entries, now) =>
      whenOpen(() => Effect.map(appender.append(entries, now), (places) => places.map(positionOf))),
    read: (after, limits) => whenOpen(() => read(after, limits)),
    wait: (after) =>
      whenOpen(() => {
        const place = tail.generations.placeOf(after)
        // Reading after a position that is not of this log fails.
        return place.kind === "known" ? head.wait(place.number) : Effect.void
      }),
    locate: (time) =>
      whenOpen(() =>
        Effect.map(
          Effect.andThen(refresh, () => tail.before(time)),
          ({ place }) => positionOf(place),
        ),
      ),
    bounds: whenOpen(() =>
      Effect.gen(function* () {
        yield* refresh
        const oldest = yield* tail.oldest
        const bounds: EventLog.LogBounds = {
          tail: positionOf(tail.mark.place),
          head: positionOf(head.mark.place),
          bytes: head.mark.bytes - tail.mark.bytes,
          oldestAt: oldest?.appendedAt ?? null,
        }
        return bounds
      }),
    ),
    stats: (upTo) =>
      whenOpen(() =>
        Effect.gen(function* () {
          const { entries, events, bytes } = yield* tail.markAt(yield* locateInside(upTo))
          const totals: EventLog.LogTotals = { entries, events, bytes }
          return totals
        }),
      ),
    trim: (released, olderThan) =>
      whenOpen(() =>
        Effect.gen(function* () {
          yield* ready
          yield* head.catchUp
          yield* tail.refresh
          yield* tail.trim(tail.generations.releasedBy(released), olderThan)
        }),
      ),
  }
  /** Goes the way of an append, and appends nothing. */
  const probe = Effect.gen(function* () {
    yield* admit
    yield* refresh
    if (!(yield* tail.hasRoom(EventLog.leastRoom(maxBytes), maxBytes))) {
      return yield* Effect.fail(capReached(maxBytes))
    }
    // No message comes behind that number: the leader says so, or why it takes none.
    const afterSequence = Number.MAX_SAFE_INTEGER
    yield* stream.publish({ subject, data: new Uint8Array(0), afterSequence })
  })
  return { served, makeRoom, probe }
})

export interface Log {
  readonly log: EventLog.EventLog["Service"]
  /** Succeeds when an append would, in every partition. */
  readonly probe: Effect.Effect<void, StoreError>
}

/** The log: one stream for each partition. */
export const make = Effect.fnUntraced(function* (
  options: LogOptions,
): Effect.fn.Return<Log, StoreError, Scope.Scope> {
  const { connection, layout, level, probes } = options
  const partitions = yield* Effect.forEach(
    Array.from({ length: layout.partitions }, (_, partition) => partition),
    (partition) => makePartition(partition, options),
    { concurrency: 16 },
  )

  const log = EventLog.servePartitions(
    partitions.map(({ served }) => served),
    () => level.current,
  )
  const makeRoomAnywhere = Effect.gen(function* () {
    for (const one of partitions) if (yield* one.makeRoom(leastDropped)) return true
    return false
  })
  /** Stored and acknowledged as entries are, over what the last one left. */
  const write = Effect.catch(probes.put("last", 0), (error) =>
    isOutOfRoom(error)
      ? Effect.flatMap(makeRoomAnywhere, (made) => (made ? Effect.void : Effect.fail(error)))
      : Effect.fail(error),
  )
  const probe = Effect.suspend(() =>
    connection.isClosed
      ? Effect.fail(closed())
      : Effect.andThen(
          Effect.forEach(partitions, (one) => one.probe, { concurrency: 16, discard: true }),
          write,
        ),
  )
  return { log, probe: Effect.asVoid(probe) }
})
