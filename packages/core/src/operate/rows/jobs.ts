import * as Schema from "effect/Schema"
import { Count, Time } from "../../base/scalars.ts"
import { DeadReason } from "../../ports/DeadLetters.ts"
import { answering, Nothing } from "../Action.ts"

/** A replay, while it runs and for some time after. */
export const Job = Schema.Struct({
  name: Schema.String,
  /** `range`: a stretch of the log; `letters`: dead letters. */
  kind: Schema.Literals(["range", "letters"]),
  destination: Schema.String,
  /** Events it is about; `null` while nobody knows. */
  total: Schema.NullOr(Count),
  looked: Count,
  delivered: Count,
  filtered: Count,
  failed: Count,
  startedAt: Schema.NullOr(Time),
  endedAt: Schema.NullOr(Time),
  /** Why it has ended early; `null` while it runs, or when it has come to its end. */
  stopped: Schema.NullOr(Schema.String),
}).annotate({ identifier: "Job", description: "A replay, and how far it has come." })

export type Job = typeof Job.Type

/** Dead letters of one cause. */
export const Cause = Schema.Struct({
  destination: Schema.String,
  reason: DeadReason,
  /** The message with digits and quoted text masked: "answered 422: unknown attribute …". */
  pattern: Schema.String,
  status: Schema.NullOr(Schema.Int),
  count: Count,
  /** How many of them have been replayed already. */
  replayed: Count,
  first: Time,
  last: Time,
  /** Up to three names of events. */
  names: Schema.Array(Schema.String),
}).annotate({ identifier: "DeadLetterCause" })

export type Cause = typeof Cause.Type

/** What the letters of one cause have in common. */
export const CauseChoice = Schema.Struct({
  reason: DeadReason,
  pattern: Schema.String,
  status: Schema.NullOr(Schema.Int),
})

/** Dead letters of one destination: all, those of a cause, or some by id. */
export const LetterChoice = Schema.Struct({
  destination: Schema.String,
  eventIds: Schema.optionalKey(Schema.Array(Schema.String)),
  cause: Schema.optionalKey(CauseChoice),
})

export type LetterChoice = typeof LetterChoice.Type

export const jobRows = {
  /** Replays that run, and those that have ended within the hour. */
  jobs: answering({
    path: "jobs/list",
    summary: "List replays and how far they have come.",
    changes: false,
    input: Nothing,
    output: Schema.Struct({ jobs: Schema.Array(Job) }),
    errors: [],
    takes: () => ({}),
    gives: ({ jobs }) => jobs,
  }),

  stopJob: answering({
    path: "jobs/stop",
    summary: "Stop a replay: what it has sent stays sent.",
    changes: true,
    input: Schema.Struct({ name: Schema.String }),
    output: Nothing,
    errors: ["UnknownJob"],
    takes: (name: string) => ({ name }),
    gives: (): void => {},
  }),

  /**
   * Begins to send dead letters once more, and gives the job's name: `jobs` tells how it goes, in
   * the process that was asked. Without `eventIds` it takes those that have not been replayed yet.
   * It ends with the process.
   */
  beginLetterReplay: answering({
    path: "dead-letters/begin-replay",
    summary: "Begin to send dead letters of a destination once more, as a job.",
    changes: true,
    input: LetterChoice,
    output: Schema.Struct({ job: Schema.String, total: Count }),
    errors: ["UnknownDestination", "NotReplayable", "NotDelivering", "TooManyJobs"],
    takes: (choice: LetterChoice) => choice,
    gives: (begun) => begun,
  }),

  /** Dead letters by cause, the newest first. */
  causes: answering({
    path: "dead-letters/causes",
    summary: "Count dead letters by cause.",
    changes: false,
    input: Schema.Struct({ destination: Schema.optionalKey(Schema.String) }),
    output: Schema.Struct({ causes: Schema.Array(Cause), looked: Count, isAll: Schema.Boolean }),
    errors: [],
    takes: (destination?: string) => (destination === undefined ? {} : { destination }),
    gives: ({ causes }) => causes,
  }),

  /** Removes the chosen letters that are there now, for good; none that comes meanwhile. */
  purgeLetters: answering({
    path: "dead-letters/purge-chosen",
    summary: "Remove chosen dead letters for good.",
    changes: true,
    input: LetterChoice,
    output: Schema.Struct({ purged: Count }),
    errors: [],
    takes: (choice: LetterChoice) => choice,
    gives: ({ purged }) => purged,
  }),
} as const
