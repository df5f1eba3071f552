import * as Data from "effect/Data"
import type { InvalidOptions } from "../base/InvalidOptions.ts"
import { UnknownDestination } from "../deliver/UnknownDestination.ts"
import type { IngestError } from "../intake/Ingest.ts"
import type { StoreError } from "../ports/StoreError.ts"

export { UnknownDestination }

/** The configuration names this destination: it would be there again after the next start. */
export class DestinationConfigured extends Data.TaggedError("DestinationConfigured")<{
  readonly id: string
}> {
  override get message(): string {
    return `destination "${this.id}" is in the configuration: take it out there first`
  }
}

/** The operator that was asked only looks after the store. */
export class NotDelivering extends Data.TaggedError("NotDelivering") {
  override get message(): string {
    return "nothing is delivered from here: a server has to run on this store"
  }
}

/** The operator that was asked takes no events in. */
export class NoIntake extends Data.TaggedError("NoIntake") {
  override get message(): string {
    return "no server runs on this store to take it"
  }
}

/**
 * Letters of intake were refused before any destination saw them: only a corrected event, sent to
 * intake again, can be accepted.
 */
export class NotReplayable extends Data.TaggedError("NotReplayable")<{ readonly destination: string }> {
  override get message(): string {
    return `dead letters of "${this.destination}" are events refused on arrival: correct them and send them in again`
  }
}

/** No event of this place or `timeUUID` is kept. */
export class UnknownEvent extends Data.TaggedError("UnknownEvent") {
  override get message(): string {
    return "no such event is kept"
  }
}

/** The attempt is not on record any more, or never was. */
export class UnknownAttempt extends Data.TaggedError("UnknownAttempt") {
  override get message(): string {
    return "no such attempt is on record"
  }
}

export class UnknownJob extends Data.TaggedError("UnknownJob")<{ readonly name: string }> {
  override get message(): string {
    return `no replay "${this.name}" runs`
  }
}

export class UnknownKey extends Data.TaggedError("UnknownKey") {
  override get message(): string {
    return "there is no such key"
  }
}

/** The configuration has this key: it would be there again after the next start. */
export class KeyConfigured extends Data.TaggedError("KeyConfigured") {
  override get message(): string {
    return "this key is in the configuration: take it out there"
  }
}

/** Somebody else has changed it since it was looked at. */
export class ChangedMeanwhile extends Data.TaggedError("ChangedMeanwhile")<{ readonly id: string }> {
  override get message(): string {
    return `destination "${this.id}" has been changed by somebody else meanwhile: look at it again`
  }
}

/** As many views as one process serves are open. */
export class TooManyViews extends Data.TaggedError("TooManyViews")<{ readonly most: number }> {
  override get message(): string {
    return `${this.most} views are open, as many as this server shows: close one, and try again`
  }
}

/** As many replays of dead letters as one process runs are under way. */
export class TooManyJobs extends Data.TaggedError("TooManyJobs")<{ readonly most: number }> {
  override get message(): string {
    return `${this.most} replays of dead letters are under way, as many as this server runs: wait for one, or stop it`
  }
}

/** Whatever an operator's action may fail with. */
export type OperatorError =
  | StoreError
  | InvalidOptions
  | IngestError
  | UnknownDestination
  | DestinationConfigured
  | NotDelivering
  | NoIntake
  | NotReplayable
  | UnknownEvent
  | UnknownAttempt
  | UnknownJob
  | UnknownKey
  | KeyConfigured
  | ChangedMeanwhile
  | TooManyViews
  | TooManyJobs

export type Tag = OperatorError["_tag"]

interface Meaning {
  /** The reply's status where actions are asked for over HTTP. */
  readonly status: number
  readonly means: string
}

export const meanings: Readonly<Record<Tag, Meaning>> = {
  InvalidOptions: { status: 400, means: "What was given is wrong: a line for each mistake." },
  NotReplayable: { status: 400, means: "Events refused on arrival cannot be sent to a destination." },
  UnknownDestination: { status: 404, means: "There is no destination of this id." },
  DestinationConfigured: { status: 409, means: "The configuration has this destination." },
  UnknownEvent: { status: 404, means: "No such event is kept." },
  UnknownAttempt: { status: 404, means: "No such attempt is on record." },
  UnknownJob: { status: 404, means: "No such replay runs." },
  UnknownKey: { status: 404, means: "There is no such key." },
  KeyConfigured: { status: 409, means: "The configuration has this key." },
  ChangedMeanwhile: { status: 409, means: "Somebody else has changed it meanwhile." },
  NotDelivering: { status: 409, means: "No server delivers from this store." },
  NoIntake: { status: 409, means: "No server takes events in." },
  TooManyViews: { status: 503, means: "As many views as one process serves are open." },
  TooManyJobs: { status: 409, means: "As many replays as one process runs are under way." },
  IngestError: { status: 503, means: "The event cannot be taken in now." },
  StoreError: { status: 503, means: "The store does not do what it was asked." },
}

/** What somebody is told who has asked over HTTP. */
export interface Refusal {
  readonly status: number
  /** For an operator: a line for each thing that is wrong. */
  readonly message: string
}

const lines = ({ problems }: InvalidOptions): string =>
  problems.map(({ path, message }) => (path === "" ? message : `${path}: ${message}`)).join("\n")

export const refusalOf = (error: OperatorError): Refusal => ({
  status: error._tag === "IngestError" && error.reason._tag === "Refused" ? 400 : meanings[error._tag].status,
  message: error._tag === "InvalidOptions" ? lines(error) : error.message,
})
