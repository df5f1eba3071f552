import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { logMessages } from "../base/Telemetry.ts"
import { Steering } from "../deliver/Steering.ts"
import { Ingest } from "../intake/Ingest.ts"
import { cursorName, parseCursorName } from "../ports/CursorName.ts"
import { DeadLetters } from "../ports/DeadLetters.ts"
import { Destinations } from "../ports/Destinations.ts"
import { EntryIds } from "../ports/EntryIds.ts"
import * as Destination from "../select/Destination.ts"
import { Operator, type OperatorPorts } from "./Operator.ts"
import * as Operating from "./operating.ts"
import { replayDeadLetters } from "./replayDeadLetters.ts"

/** Delivers as the dispatcher of this process does. */
const deliverer = Effect.gen(function* () {
  const { roster, lanes, acting, assign } = yield* Steering
  const destinations = yield* Destinations
  const deadLetters = yield* DeadLetters
  const nextId = yield* EntryIds

  const stop = Effect.fnUntraced(function* (id: string) {
    for (const name of [...lanes.running.keys()]) {
      if (parseCursorName(name)?.destination === id) yield* lanes.stop(name)
    }
  })

  /** Whether a destination gets nothing at present. */
  const isDisabled = ({ id, enabled }: Destination.Destination) =>
    Effect.map(destinations.get(id), (record) => !enabled || (record?.disabled ?? null) !== null)

  return {
    find: roster.find,
    isTaken: (id) =>
      roster.find(id).pipe(
        Effect.as(true),
        Effect.catchTag("UnknownDestination", () => Effect.succeed(false)),
      ),
    isConfigured: (id) => roster.isConfigured(id),
    decode: (options) => Destination.decode(options, roster.hashKey, roster.schemes),
    select: (options) => Result.map(Destination.decodeSelection(options, roster.hashKey), roster.compile),
    selectionOf: (id) => Effect.map(roster.find(id), ({ selection }) => selection),
    isProbing: (id) => roster.all.get(id)?.sender.circuit() === "half-open",
    acting,
    stop,
    park: (id, partition) => lanes.stop(cursorName({ destination: id, partition, replay: null })),
    disabled: (id) =>
      Effect.logWarning(logMessages.destinationDisabled).pipe(
        Effect.annotateLogs({ destination: id }),
        Effect.andThen(stop(id)),
      ),
    follow: assign,
    replayDeadLetters: Effect.fnUntraced(function* (request) {
      const { destination, selection, layout, sender, replaying } = yield* roster.find(request.destination)
      const replay = replayDeadLetters(
        {
          destination,
          exportRule: selection.exportRule,
          layout,
          sender,
          deadLetters,
          name: `dead-letters-${nextId()}`,
          isDisabled: isDisabled(destination),
        },
        request,
      )
      return yield* replaying.withPermits(1)(replay)
    }),
  } satisfies Operating.Deliverer
})

/** An operator beside a dispatcher and an intake that run: what is changed takes effect at once. */
export const layer: Layer.Layer<Operator, never, Steering | Ingest | OperatorPorts> = Layer.effect(
  Operator,
  Effect.gen(function* () {
    const process = {
      steering: yield* Steering,
      ingest: yield* Ingest,
      startedAt: yield* Clock.currentTimeMillis,
    }
    return yield* Operating.make(yield* deliverer, process)
  }),
)
