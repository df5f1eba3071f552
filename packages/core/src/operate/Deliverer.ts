import type * as Effect from "effect/Effect"
import type * as Result from "effect/Result"
import type * as Semaphore from "effect/Semaphore"
import type { InvalidOptions, OptionProblem } from "../base/InvalidOptions.ts"
import type { LaneState } from "../deliver/LaneState.ts"
import type { UnknownDestination } from "../deliver/UnknownDestination.ts"
import type { DestinationRecord } from "../ports/Destinations.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type {
  CompiledSelection,
  Destination,
  DestinationOptions,
  SelectionOptions,
} from "../select/Destination.ts"
import type { DeadLetterReplay, DeadLetterReplayRequest } from "./DeadLetterReplay.ts"
import type { LetterJobs } from "./jobs/letterJobs.ts"
import type { NotDelivering } from "./OperatorError.ts"
import type { TestDelivery } from "./rows/destinations.ts"

/**
 * What an operator's actions have to know of the one that delivers from the store, and ask of it:
 * the dispatcher of this process, or nobody.
 */
export interface Deliverer {
  /** Fails for a destination that is not known. */
  readonly find: (id: string) => Effect.Effect<void, UnknownDestination | StoreError>
  /** Whether a destination that is to be added would stand in another one's place. */
  readonly isTaken: (id: string) => Effect.Effect<boolean, StoreError>
  /** Whether it would be there again after the next start, whatever the store says. */
  readonly isConfigured: (id: string, record: DestinationRecord | null) => boolean
  /** One of the configuration, with its code; `null` where the configuration is not known. */
  readonly configured: (id: string) => Destination | null
  /** Fails with what keeps a destination that can be decoded from being run. */
  readonly check: (destination: Destination) => Effect.Effect<void, InvalidOptions>
  readonly decode: (options: DestinationOptions) => Result.Result<Destination, ReadonlyArray<OptionProblem>>
  readonly select: (
    options: SelectionOptions,
  ) => Result.Result<CompiledSelection, ReadonlyArray<OptionProblem>>
  readonly selectionOf: (
    id: string,
  ) => Effect.Effect<CompiledSelection, UnknownDestination | NotDelivering | StoreError>
  /** Sends one event to a destination that may not be there yet, and counts it nowhere. */
  readonly test: (destination: Destination) => Effect.Effect<TestDelivery, InvalidOptions | NotDelivering>
  /** What waits for a destination, wherever it runs, is tried at once. */
  readonly tryNow: (id: string) => Effect.Effect<void, UnknownDestination | NotDelivering | StoreError>
  /** Whether an attempt is under way that finds out if the destination takes events again. */
  readonly isProbing: (id: string) => boolean
  /** What changes something is done one thing after the other. */
  readonly acting: Semaphore.Semaphore
  /** Sends nothing to a destination from now on. */
  readonly stop: (id: string) => Effect.Effect<void>
  /** The same, with a little time for what is in flight to be settled and saved. */
  readonly release: (id: string) => Effect.Effect<void>
  /** Leaves the live cursor of a partition alone, so that it can be put elsewhere. */
  readonly park: (id: string, partition: number) => Effect.Effect<void>
  /** Says in the log what has been done. Where nothing is delivered nobody reads one. */
  readonly say: (message: string, fields: Readonly<Record<string, unknown>>) => Effect.Effect<void>
  /** The destination has been disabled in the store. */
  readonly disabled: (id: string) => Effect.Effect<void>
  /** Delivers to whom it should by what the store says now, and to nobody else. */
  readonly follow: Effect.Effect<void, StoreError>
  /** Replays of dead letters in the background; `null` where nothing is delivered. */
  readonly letterJobs: LetterJobs | null
  /** A replay's lane, if it runs here, gets a little time to settle what is in flight, and ends. */
  readonly leaveLane: (name: string) => Effect.Effect<void>
  /** What a cursor's lane remembers now, or did in its end, as far as it ran here. */
  readonly stateOf: (name: string) => LaneState | null
  readonly replayDeadLetters: (
    request: DeadLetterReplayRequest,
  ) => Effect.Effect<DeadLetterReplay, UnknownDestination | NotDelivering | StoreError>
}
