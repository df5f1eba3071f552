/**
 * What an operator can do: the one place where an action is written down. A new one is a row here
 * and a method in `operating.ts`, which does not compile without it. Made of the rows are
 *
 * - `Operator`, the service: `operator.rewind({ id, since })` is an Effect, and fails with what the
 *   row says;
 * - the promises of `Millrace`, `Maintenance` and the test kit's pipelines: `takes` makes the
 *   action's input of their arguments, and `gives` what they resolve to;
 * - the admin API over HTTP, its client, and so what the command asks for: `POST ROOT/PATH` with
 *   the input as JSON, answered with the output, or with `{message, status}` of the failure. All
 *   are POST: inputs are no part of URLs, which are logged, and no page of another origin can send
 *   JSON unasked;
 * - its OpenAPI document.
 *
 * The comment above a row is what an editor shows at the promise; `summary` is for documents.
 */
import * as Schema from "effect/Schema"
import { Count, Time } from "../base/scalars.ts"
import { NewEvent } from "../intake/logEvent.ts"
import { Attempt, AttemptQuery } from "../ports/Attempts.ts"
import { DeadLetterPage, DeadLetterSelection } from "../ports/DeadLetters.ts"
import type { DestinationOptions, SelectionOptions } from "../select/Destination.ts"
import { answering, Nothing, telling } from "./Action.ts"
import { DeadLetterReplay, DeadLetterReplayRequest } from "./DeadLetterReplay.ts"
import { DryRun, DryRunOptions } from "./DryRun.ts"
import { DeadLetterSearch } from "./deadLetterSearch.ts"
import { ReplayRequest } from "./replayCursor.ts"
import { DestinationRow } from "./rows/destinationRow.ts"
import { destinationRows } from "./rows/destinations.ts"
import { eventRows } from "./rows/events.ts"
import { historyRows } from "./rows/history.ts"
import { jobRows } from "./rows/jobs.ts"
import { keyRows } from "./rows/keys.ts"
import { streamRows } from "./rows/stream.ts"
import { WrittenDestination, WrittenSelection } from "./rows/written.ts"
import { Tailed, TailOptions } from "./Tail.ts"

const ById = Schema.Struct({ id: Schema.String })

const byId = (id: string) => ({ id })

const Events = Schema.Struct({ events: Schema.Int })

const eventsOf = ({ events }: typeof Events.Type): number => events

const nothing = (): void => {}

/** What one answer lists at most over HTTP: it is in memory as a whole. */
export const maxListed = 1000

const Limit = Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: maxListed })))

export const actions = {
  /** How all destinations are doing, by id. */
  destinations: answering({
    path: "destinations/list",
    summary: "List destinations and how they are doing.",
    changes: false,
    input: Nothing,
    output: Schema.Struct({ destinations: Schema.Array(DestinationRow) }),
    errors: [],
    takes: () => ({}),
    gives: ({ destinations }) => destinations,
  }),

  /**
   * Begins with a new destination, and keeps it in the store: it is there after a restart, too,
   * beside those of the configuration, which win over one of the same id. It takes up the place
   * that an earlier one of this id has left. Fails with `InvalidOptions` when it is wrong, or the
   * id is taken.
   */
  addDestination: answering({
    path: "destinations/add",
    summary: "Add a destination, as the config file has it: it is kept in the store.",
    changes: true,
    input: Schema.Struct({ destination: WrittenDestination }),
    output: Nothing,
    errors: ["InvalidOptions"],
    takes: (destination: DestinationOptions) => ({ destination }),
    gives: nothing,
  }),

  /**
   * Forgets a destination that was added, or is no longer configured, and its place, replays
   * included: what is pending for it is not sent. Its dead letters stay. Fails with
   * `DestinationConfigured` when the configuration has it.
   */
  removeDestination: answering({
    path: "destinations/remove",
    summary: "Forget a destination that was added, and its place.",
    changes: true,
    input: ById,
    output: Nothing,
    errors: ["UnknownDestination", "DestinationConfigured"],
    takes: byId,
    gives: nothing,
  }),

  /** Stops sending to a destination; its place stays. */
  disable: answering({
    path: "destinations/disable",
    summary: "Stop sending to a destination; its place stays.",
    changes: true,
    input: ById,
    output: Nothing,
    errors: ["UnknownDestination"],
    takes: byId,
    gives: nothing,
  }),

  /** Goes on where the destination stood, at once. */
  enable: answering({
    path: "destinations/enable",
    summary: "Go on with a destination where it stood.",
    changes: true,
    input: ById,
    output: Nothing,
    errors: ["UnknownDestination"],
    takes: byId,
    gives: nothing,
  }),

  /**
   * Puts a destination back to the first event kept that arrived at or after `since` (ms since the
   * epoch): from there on everything is sent once more, in order, before anything new. Gives how
   * many events that is: 0 when it has not come so far yet. `replay` sends a range beside live
   * traffic.
   */
  rewind: answering({
    path: "destinations/rewind",
    summary: "Send everything from a time on once more, before anything new.",
    changes: true,
    input: Schema.Struct({ id: Schema.String, since: Time }),
    output: Events,
    errors: ["UnknownDestination"],
    takes: (id: string, since: number) => ({ id, since }),
    gives: eventsOf,
  }),

  /**
   * Gives up what is pending for a destination, and gives how many events that is. A replay can
   * still send them for as long as they are kept.
   */
  skip: answering({
    path: "destinations/skip",
    summary: "Give up what is pending for a destination.",
    changes: true,
    input: ById,
    output: Events,
    errors: ["UnknownDestination"],
    takes: byId,
    gives: eventsOf,
  }),

  destination: destinationRows.destination,

  changeDestination: destinationRows.changeDestination,

  testDestination: destinationRows.testDestination,

  tryNow: destinationRows.tryNow,

  createSecret: destinationRows.createSecret,

  retireSecret: destinationRows.retireSecret,

  /**
   * What a filter, with field rules if wanted, would have done with the newest events of the log:
   * how many pass, and some as they would be sent. Nothing is sent. Fails with `InvalidOptions`
   * when the filter is wrong.
   */
  tryFilter: answering({
    path: "destinations/try-filter",
    summary: "Say what a filter would have done with the newest events.",
    changes: false,
    input: Schema.Struct({
      /** `filter`, `fields` and `exposures` as a destination has them. */
      selection: WrittenSelection,
      ...DryRunOptions.fields,
    }),
    output: DryRun,
    errors: ["InvalidOptions"],
    takes: (selection: SelectionOptions, options: DryRunOptions = {}) => ({ selection, ...options }),
    gives: (report) => report,
  }),

  /**
   * Sends a time range once more, by a cursor of its own beside live traffic; the events keep their
   * `timeUUID`s. Survives restarts. Gives the replay's name.
   */
  replay: answering({
    path: "replay",
    summary: "Send a time range to a destination once more, beside live traffic.",
    changes: true,
    input: ReplayRequest,
    output: Schema.Struct({ replay: Schema.String }),
    errors: ["UnknownDestination"],
    takes: (request: ReplayRequest) => request,
    gives: ({ replay }) => replay,
  }),

  ...jobRows,

  /** Dead letters, the last put first. */
  deadLetters: answering({
    path: "dead-letters/list",
    summary: "List events that were refused for good, newest first.",
    changes: false,
    input: Schema.Struct({ ...DeadLetterSearch.fields, limit: Limit }),
    output: DeadLetterPage,
    errors: [],
    takes: (query: DeadLetterSearch = {}) => query,
    gives: (page) => page,
  }),

  /**
   * Sends dead letters of one destination once more, now, beside live traffic and within the
   * destination's rate limit; those delivered stay, marked. Ends when all were tried, or at the
   * first failure that is not an event's own. Fails with `NotReplayable` for those of `intake`.
   */
  replayDeadLetters: answering({
    path: "dead-letters/replay",
    summary: "Send dead letters of a destination once more, now.",
    changes: true,
    input: DeadLetterReplayRequest,
    output: DeadLetterReplay,
    errors: ["UnknownDestination", "NotReplayable", "NotDelivering"],
    takes: (request: DeadLetterReplayRequest) => request,
    gives: (report) => report,
  }),

  /**
   * Removes dead letters for good; all of them, when nothing is selected. Gives how many there
   * were.
   */
  purgeDeadLetters: answering({
    path: "dead-letters/purge",
    summary: "Remove dead letters for good: all of them, when nothing is selected.",
    changes: true,
    input: DeadLetterSelection,
    output: Schema.Struct({ purged: Count }),
    errors: [],
    takes: (selection: DeadLetterSelection) => selection,
    gives: ({ purged }) => purged,
  }),

  /** What was sent, newest first, and what came back. */
  attempts: answering({
    path: "attempts/list",
    summary: "List what was sent, newest first, and what came back.",
    changes: false,
    input: Schema.Struct({ ...AttemptQuery.fields, limit: Limit }),
    output: Schema.Struct({ attempts: Schema.Array(Attempt) }),
    errors: [],
    takes: (query: AttemptQuery = {}) => query,
    gives: ({ attempts }) => attempts,
  }),

  attempt: destinationRows.attempt,

  /**
   * Takes one event in, as a request to the event webhook would, without HTTP and without a key.
   * Gives its `timeUUID` once it is stored, or `null` when `dedupe` has found it a repetition.
   * Fails with `IngestError`.
   */
  logEvent: answering({
    path: "send",
    summary: "Take one event in, as the event webhook would.",
    changes: true,
    input: NewEvent,
    output: Schema.Struct({ timeUUID: Schema.NullOr(Schema.String) }),
    errors: ["IngestError", "NoIntake"],
    takes: (event: NewEvent) => event,
    gives: ({ timeUUID }) => timeUUID,
  }),

  /**
   * What is accepted from now on, for as long as it is iterated; end it by `return`, as leaving a
   * `for await` does.
   */
  tail: telling({
    path: "tail",
    summary: "Show events as they are accepted.",
    changes: false,
    input: TailOptions,
    event: Tailed,
    errors: ["UnknownDestination", "NotDelivering"],
    takes: (options: TailOptions = {}) => options,
  }),

  ...streamRows,
  ...eventRows,
  ...historyRows,
  ...keyRows,
} as const
