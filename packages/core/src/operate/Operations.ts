import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Dispatcher, ReplayRequest } from "../deliver/Dispatcher.ts"
import type { DestinationStatus } from "../deliver/Ledger.ts"
import type { Attempt, AttemptQuery, Attempts } from "../ports/Attempts.ts"
import type {
  DeadLetterPage,
  DeadLetterQuery,
  DeadLetterSelection,
  DeadLetters,
} from "../ports/DeadLetters.ts"
import type { DestinationOptions, SelectionOptions } from "../select/Destination.ts"
import type { DeadLetterReplay, DeadLetterReplayRequest } from "./DeadLetterReplay.ts"
import type { DryRun, DryRunOptions } from "./DryRun.ts"
import type { Tailed, TailOptions } from "./Tail.ts"

/**
 * What an operator asks and does, as promises. Everything rejects with a `StoreError` when the store does not answer; what names a destination rejects with
 * `UnknownDestination` when no destination of this id is configured.
 */
export interface Operations {
  readonly destinations: () => Promise<ReadonlyArray<DestinationStatus>>
  readonly deadLetters: (query?: DeadLetterQuery) => Promise<DeadLetterPage>
  readonly attempts: (query?: AttemptQuery) => Promise<ReadonlyArray<Attempt>>
  /** Stops sending to a destination; its cursor stays. */
  readonly disable: (destination: string) => Promise<void>
  /** Goes on where the destination stood, at once. */
  readonly enable: (destination: string) => Promise<void>
  /**
   * Begins with a new destination, and keeps it in the store: it is there after a restart, too, beside those of the configuration, which win over one of the same id. Rejects with
   * `InvalidOptions` when it is wrong, or the id is taken.
   */
  readonly addDestination: (destination: DestinationOptions) => Promise<void>
  /**
   * Forgets a destination that was added, or is no longer configured, and its place: what is pending for it is not sent. Rejects with `DestinationConfigured` when the
   * configuration has it.
   */
  readonly removeDestination: (destination: string) => Promise<void>
  /** Sends a time range once more, beside live traffic; the events keep their `timeUUID`s. Survives restarts. Resolves to its name. */
  readonly replay: (request: ReplayRequest) => Promise<string>
  /**
   * Puts a destination back to the first event kept that arrived at or after `since` (ms since the epoch): from there on everything is sent once more, before
   * anything new. Resolves to how many events that is.
   */
  readonly rewind: (destination: string, since: number) => Promise<number>
  /** Gives up what is pending for a destination. Resolves to how many events that is. */
  readonly skip: (destination: string) => Promise<number>
  /** Sends dead letters of one destination once more, now; those delivered stay, marked. Rejects for those of `intake`. */
  readonly replayDeadLetters: (request: DeadLetterReplayRequest) => Promise<DeadLetterReplay>
  /** Removes dead letters for good; all of them, when nothing is selected. Resolves to how many there were. */
  readonly purgeDeadLetters: (selection: DeadLetterSelection) => Promise<number>
  /**
   * What a filter, with field rules if wanted, would have done with the newest events of the log: how many pass, and some as they would be sent. Nothing
   * is sent. Rejects with `InvalidOptions` when the filter is wrong.
   */
  readonly tryFilter: (selection: SelectionOptions, options?: DryRunOptions) => Promise<DryRun>
  /** What is accepted once the promise has resolved, for as long as it is iterated; end it by `return`, as leaving a `for await` does. */
  readonly tail: (options?: TailOptions) => Promise<AsyncIterable<Tailed>>
}

interface Services {
  readonly dispatcher: Dispatcher["Service"]
  readonly deadLetters: DeadLetters["Service"]
  readonly attempts: Attempts["Service"]
}

/** @param context where they run: its clock, its logger */
export const of = (
  context: Context.Context<never>,
  { dispatcher, deadLetters, attempts }: Services,
): Operations => {
  const run = Effect.runPromiseWith(context)
  return {
    destinations: () => run(dispatcher.status),
    deadLetters: (query = {}) => run(deadLetters.list(query)),
    attempts: (query = {}) => run(attempts.list(query)),
    disable: (destination) => run(dispatcher.disable(destination)),
    enable: (destination) => run(dispatcher.enable(destination)),
    addDestination: (destination) => run(dispatcher.add(destination)),
    removeDestination: (destination) => run(dispatcher.remove(destination)),
    replay: (request) => run(dispatcher.replay(request)),
    rewind: (destination, since) => run(dispatcher.rewind(destination, since)),
    skip: (destination) => run(dispatcher.skip(destination)),
    replayDeadLetters: (request) => run(dispatcher.replayDeadLetters(request)),
    purgeDeadLetters: (selection) => run(deadLetters.purge(selection)),
    tryFilter: (selection, dryRun) => run(dispatcher.tryFilter(selection, dryRun)),
    tail: async (options = {}) => Stream.toAsyncIterableWith(await run(dispatcher.tail(options)), context),
  }
}
