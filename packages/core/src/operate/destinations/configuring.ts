import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { InvalidOptions, type OptionProblem } from "../../base/InvalidOptions.ts"
import { isObject, type JsonObject, parse } from "../../base/json.ts"
import * as DestinationRecords from "../../deliver/dispatcher/destinationRecords.ts"
import { failUnknown } from "../../deliver/UnknownDestination.ts"
import type { DestinationRecord, Destinations } from "../../ports/Destinations.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { Destination, DestinationOptions } from "../../select/Destination.ts"
import type { Deliverer } from "../Deliverer.ts"
import type { OperatorService } from "../Operator.ts"
import { ChangedMeanwhile, DestinationConfigured, NotDelivering } from "../OperatorError.ts"
import { changed } from "./change.ts"
import { detailOf, revisionOf, writtenConfig } from "./detail.ts"
import { hintOf } from "./masking.ts"
import * as Signing from "./signingSecrets.ts"

interface Options {
  readonly deliverer: Deliverer
  readonly destinations: Destinations["Service"]
  /** What changes something is done one thing after the other, to its end. */
  readonly change: <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

const nothingNamed = { path: "", message: "expected the id of a destination, or a destination" }

/** What shows and changes how destinations are set up. */
export const make = ({
  deliverer,
  destinations,
  change,
}: Options): Pick<
  OperatorService,
  "destination" | "changeDestination" | "testDestination" | "createSecret" | "retireSecret"
> => {
  /**
   * One that was added, as the store has it: what is delivered by may be older. Fails with
   * `InvalidOptions` when it cannot be run here.
   */
  const addedOf = Effect.fnUntraced(function* ({ id, config }: DestinationRecord) {
    if (config === null) return yield* failUnknown(destinations, id)
    const options = parse(config)
    if (!isObject(options)) return yield* new InvalidOptions({ problems: [DestinationRecords.damaged] })
    const decoded = deliverer.decode(options as unknown as DestinationOptions)
    if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
    return { options, destination: decoded.success }
  })

  /** One of the configuration, or one that was added. */
  const find = Effect.fnUntraced(function* (id: string) {
    const record = yield* destinations.get(id)
    const configured = deliverer.configured(id)
    if (configured !== null) {
      const options = writtenConfig(configured)
      return { options, destination: configured, record, origin: "configured" as const }
    }
    if (record === null) return yield* failUnknown(destinations, id)
    if (deliverer.isConfigured(id, record)) return yield* new NotDelivering()
    return { ...(yield* addedOf(record)), record, origin: "added" as const }
  })

  /** One that may be changed. */
  const findAdded = Effect.fnUntraced(function* (id: string) {
    const record = yield* destinations.get(id)
    if (deliverer.isConfigured(id, record)) return yield* new DestinationConfigured({ id })
    return yield* record === null ? failUnknown(destinations, id) : addedOf(record)
  })

  /** Goes on where it stands, by what is kept of it then. */
  const keep = Effect.fnUntraced(function* (options: DestinationOptions, destination: Destination) {
    yield* deliverer.check(destination)
    yield* deliverer.release(destination.id)
    const kept = yield* Effect.exit(DestinationRecords.keep(destinations, options, destination))
    yield* Exit.isSuccess(kept) ? deliverer.follow : retryStore(deliverer.follow)
    yield* kept
  })

  /** Changes which secrets sign. */
  const sign = Effect.fnUntraced(function* (
    id: string,
    changed: (options: JsonObject, destination: Destination) => Result.Result<JsonObject, OptionProblem>,
  ) {
    const { options, destination } = yield* findAdded(id)
    const made = changed(options, destination)
    if (Result.isFailure(made)) return yield* new InvalidOptions({ problems: [made.failure] })
    const written = made.success as unknown as DestinationOptions
    const decoded = deliverer.decode(written)
    if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
    yield* keep(written, decoded.success)
  }, change)

  return {
    destination: Effect.fnUntraced(function* ({ id }) {
      const { destination, record, origin } = yield* find(id)
      return detailOf(destination, record, origin)
    }),

    testDestination: Effect.fnUntraced(function* ({ id, destination: given }) {
      if (id === undefined) {
        if (given === undefined) return yield* new InvalidOptions({ problems: [nothingNamed] })
        const decoded = deliverer.decode(given)
        if (Result.isFailure(decoded)) return yield* new InvalidOptions({ problems: decoded.failure })
        return yield* deliverer.test(decoded.success)
      }
      const base = yield* find(id)
      if (given === undefined) return yield* deliverer.test(base.destination)
      const { predicate, transform } = base.destination
      const made = changed(base.options, writtenConfig(base.destination), given, deliverer.decode)
      if (Result.isFailure(made)) return yield* new InvalidOptions({ problems: made.failure })
      return yield* deliverer.test({
        ...made.success.destination,
        ...(predicate === undefined ? {} : { predicate }),
        ...(transform === undefined ? {} : { transform }),
      })
    }),

    createSecret: Effect.fnUntraced(function* ({ id }) {
      const secret = Signing.newSecret()
      yield* sign(id, (options, destination) => Signing.added(options, destination, secret))
      return { secret, hint: hintOf(secret) }
    }),

    retireSecret: ({ id, hint }) =>
      Effect.as(
        sign(id, (options, destination) => Signing.retired(options, destination, hint)),
        {},
      ),

    changeDestination: Effect.fnUntraced(function* ({ id, changes, expected }) {
      const { options, destination } = yield* findAdded(id)
      if (revisionOf(destination) !== expected) return yield* new ChangedMeanwhile({ id })
      const made = changed(options, writtenConfig(destination), changes, deliverer.decode)
      if (Result.isFailure(made)) return yield* new InvalidOptions({ problems: made.failure })
      yield* keep(made.success.options, made.success.destination)
      return { revision: revisionOf(made.success.destination) }
    }, change),
  }
}
