import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { InvalidOptions } from "../base/InvalidOptions.ts"
import { logMessages } from "../base/Telemetry.ts"
import type { ReplayRequest } from "../deliver/Dispatcher.ts"
import { DestinationConfigured, UnknownDestination } from "../deliver/DispatcherError.ts"
import * as DestinationRecords from "../deliver/dispatcher/destinationRecords.ts"
import type { LaneSet } from "../deliver/dispatcher/laneSet.ts"
import type { Roster } from "../deliver/dispatcher/registry.ts"
import { cursorName, parseCursorName } from "../ports/CursorName.ts"
import type { Cursors } from "../ports/Cursors.ts"
import type { Destinations } from "../ports/Destinations.ts"
import type { EventLog } from "../ports/EventLog.ts"
import { retryStore } from "../ports/retryStore.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { type Destination, type DestinationOptions, decode } from "../select/Destination.ts"
import * as CursorMove from "./cursorMove.ts"
import * as ReplayCursor from "./replayCursor.ts"

interface Options {
  readonly ports: {
    readonly log: EventLog["Service"]
    readonly cursors: Cursors["Service"]
    readonly destinations: Destinations["Service"]
  }
  readonly roster: Roster
  readonly lanes: LaneSet
  /** Lets run what is to run by what the store says now. */
  readonly assign: Effect.Effect<void, StoreError>
  readonly hashKey: Uint8Array | undefined
  readonly onChange: () => void
}

/** Whether a destination gets nothing at present. */
export const isDisabled = (destinations: Destinations["Service"], { id, enabled }: Destination) =>
  Effect.map(destinations.get(id), (record) => !enabled || (record?.disabled ?? null) !== null)

/** What an operator does to destinations. The caller sees to it that it is one thing after the other. */
export const make = ({ ports, roster, lanes, assign, hashKey, onChange }: Options) => {
  const { log, destinations } = ports

  const stopLanes = Effect.fnUntraced(function* (id: string) {
    for (const name of [...lanes.running.keys()]) {
      if (parseCursorName(name)?.destination === id) yield* lanes.stop(name)
    }
  })

  /** Stops a live lane, wherever it runs, while its cursor is put elsewhere. */
  const move = Effect.fnUntraced(function* (
    id: string,
    put: (partition: number) => Effect.Effect<number, StoreError>,
  ) {
    yield* roster.find(id)
    const putAll = Effect.gen(function* () {
      let events = 0
      for (let partition = 0; partition < log.partitions; partition++) {
        yield* lanes.stop(cursorName({ destination: id, partition, replay: null }))
        events += yield* put(partition)
      }
      return events
    })
    const moved = yield* Effect.exit(putAll)
    yield* retryStore(assign)
    onChange()
    return yield* moved
  })

  return {
    disable: Effect.fnUntraced(function* (id: string) {
      yield* roster.find(id)
      const at = yield* Clock.currentTimeMillis
      yield* DestinationRecords.setDisabled(destinations, id, { at, reason: "by-hand" })
      yield* Effect.logWarning(logMessages.destinationDisabled).pipe(Effect.annotateLogs({ destination: id }))
      yield* stopLanes(id)
    }),

    enable: Effect.fnUntraced(function* (id: string) {
      yield* roster.find(id)
      const record = yield* destinations.get(id)
      if (record?.disabled === null) return
      yield* DestinationRecords.setDisabled(destinations, id, null)
      yield* assign
    }),

    add: Effect.fnUntraced(function* (config: DestinationOptions) {
      const decoded = decode(config, hashKey)
      const isTaken = yield* roster.find(config.id).pipe(
        Effect.as(true),
        Effect.catchTag("UnknownDestination", () => Effect.succeed(false)),
      )
      const problems = [
        ...(Result.isFailure(decoded) ? decoded.failure : []),
        ...DestinationRecords.keepProblems(config),
        ...(isTaken ? [DestinationRecords.idTaken] : []),
      ]
      if (problems.length > 0) return yield* new InvalidOptions({ problems })
      yield* DestinationRecords.keep(destinations, config)
      yield* assign
      onChange()
    }),

    remove: Effect.fnUntraced(function* (id: string) {
      if (roster.isConfigured(id)) return yield* new DestinationConfigured({ id })
      if ((yield* destinations.get(id)) === null) return yield* new UnknownDestination({ id })
      yield* stopLanes(id)
      yield* DestinationRecords.remove(ports, id)
      yield* assign
      onChange()
    }),

    replay: Effect.fnUntraced(function* (request: ReplayRequest) {
      yield* roster.find(request.destination)
      const name = yield* ReplayCursor.begin(ports, request)
      yield* assign
      return name
    }),

    rewind: (id: string, since: number) =>
      move(id, (partition) => CursorMove.rewind(ports, id, partition, since)),

    skip: (id: string) => move(id, (partition) => CursorMove.skip(ports, id, partition)),
  }
}
