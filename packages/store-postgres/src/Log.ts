import { EventLog, HeadWatch, Position, type StoreError } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Announcer, channelOf } from "./Announcer.ts"
import { clientConfig, type Database } from "./Database.ts"
import { closed, fullOf, isOutOfRoom } from "./errors.ts"
import type { Change } from "./Lineage.ts"
import { listening } from "./Listener.ts"
import type { Settings } from "./Options.ts"
import { Reclaimer } from "./Reclaimer.ts"
import type { Room } from "./Room.ts"
import { sequencing } from "./Sequencer.ts"
import { makeRoomForIntake } from "./tables/DeadLetters.ts"
import { type Appended, type LogLimits, log, reclaim, requireIds } from "./tables/Log.ts"
import { outbox } from "./tables/Outbox.ts"
import { type Group, makeWriter } from "./Writer.ts"

/** How often to look whether another process has appended, in ms, should no notification say so. */
const pollInterval = 1000

const fromPromise = <A>(body: () => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.tryPromise({ try: body, catch: (error) => error })

/**
 * The log in use: what is appended shares transactions, and whoever waits is woken, by other
 * processes too.
 */
export const openLog = Effect.fnUntraced(function* (
  database: Database,
  settings: Settings,
  { limits, room }: { readonly limits: LogLimits; readonly room: Room },
  place: string,
) {
  const { lineage } = database
  const table = log(database)
  /** On a disk that is too small for it, the log is in smaller parts. */
  const limitsNow = (): LogLimits =>
    room.segmentBytes < limits.segmentBytes ? { ...limits, segmentBytes: room.segmentBytes } : limits
  const waiting = outbox(database, table)
  const clock = yield* Clock.Clock
  const runFork = Effect.runForkWith(yield* Effect.context())
  const sayStuck = (error: unknown): Effect.Effect<void> =>
    Effect.catch(database.failed(error), ({ message }) =>
      Effect.logWarning(`what the outbox holds has to wait: ${message}`),
    )
  const sayUnreadable = (letters: number): Effect.Effect<void> =>
    Effect.andThen(
      Effect.annotateLogs(
        Effect.logWarning("events in the outbox could not be read: they are dead letters of intake"),
        { letters },
      ),
      Effect.ignore(makeRoomForIntake(database)),
    )
  const announcer = new Announcer(database, settings.schema)
  const reclaimer = new Reclaimer()
  let isClosed = false

  const head = new HeadWatch<Position.Position>(Position.origin)
  const look = fromPromise(table.head).pipe(
    Effect.map((position) => head.advance(position)),
    // Those who wait go on to do so.
    Effect.ignore,
  )
  const grown = (position: Position.Position | null, segmentClosed: boolean): void => {
    if (position === null) return
    head.advance(position)
    announcer.announce(position)
    if (segmentClosed) reclaimer.reclaim()
  }

  const sayLost = ({ fork, lost }: Change): void => {
    runFork(
      Effect.logWarning(
        `${place}: the log has come back with less than it had given, and goes on in a new generation`,
      ).pipe(Effect.annotateLogs({ lostEntries: lost, goesOnAfter: fork })),
    )
  }
  lineage.onChange((change) => {
    if (change.lost > 0) sayLost(change)
    head.fallBack(change.head)
  })

  database.onEnd = (error) => head.fail(Effect.fail(error))

  const append = async (group: Group): Promise<Appended> => {
    if (room.isOut) await room.restore()
    for (;;) {
      try {
        return await table.append(group, limitsNow())
      } catch (error) {
        if (!isOutOfRoom(error) || !(await room.make())) throw error
      }
    }
  }

  const writer = yield* makeWriter(
    async (group) => {
      const { positions, head, closed } = await append(group)
      grown(head, closed)
      return positions
    },
    (error) => database.failed(error),
  )

  const hear = (payload: string): void => {
    const position = payload as Position.Position
    const announced = lineage.generations.placeOf(position)
    // Only the log can say what is there in a generation that this process does not know, or that
    // is gone.
    if (announced.kind !== "known" || announced.number === 0) {
      runFork(look)
      return
    }
    lineage.saw(announced.number)
    head.advance(position)
  }
  const move = (owner: string) =>
    Effect.gen(function* () {
      const now = clock.currentTimeMillisUnsafe()
      if (room.isOut) yield* fromPromise(() => room.restore())
      const moved = yield* fromPromise(() => waiting.move(owner, now, limitsNow()))
      grown(moved.head, moved.closed)
      if (moved.letters > 0) yield* sayUnreadable(moved.letters)
      return moved.count
    })
  yield* Effect.forkScoped(announcer.running)
  yield* Effect.forkScoped(reclaimer.running(fromPromise(() => reclaim(database))))
  yield* Effect.forkScoped(
    listening({ config: clientConfig(settings), name: channelOf(settings.schema), heard: hear }),
  )
  yield* Effect.forkScoped(sequencing(move, sayStuck))
  yield* Effect.forkScoped(head.looking(look, pollInterval))
  yield* Effect.addFinalizer(() => {
    isClosed = true
    head.fail(Effect.fail(closed()))
    return writer.close(closed())
  })
  head.advance(yield* database.attempt(table.head))

  const positionsOf = (
    numbers: ReadonlyArray<number>,
  ): Effect.Effect<ReadonlyArray<Position.Position>, StoreError> =>
    numbers.includes(0)
      ? Effect.fail(fullOf(limits.maxBytes))
      : Effect.succeed(numbers.map((number) => lineage.generations.positionOf(number)))

  const partition: EventLog.Partition = {
    append: (entries, now) => {
      requireIds(entries)
      if (isClosed) return Effect.fail(closed())
      if (entries.length === 0) return Effect.succeed([])
      return Effect.flatMap(writer.append(entries, now), positionsOf)
    },
    read: table.read,
    wait: (after) => {
      const end = isClosed ? closed() : database.end
      return end === undefined ? head.wait(after) : Effect.fail(end)
    },
    locate: table.locate,
    bounds: table.bounds,
    stats: table.stats,
    trim: (released, olderThan) =>
      Effect.tap(table.trim(released, olderThan, limitsNow().segmentBytes), () =>
        Effect.sync(() => reclaimer.reclaim()),
      ),
  }
  return EventLog.servePartitions([partition], () => limits.durability)
})
