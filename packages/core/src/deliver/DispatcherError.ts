import * as Data from "effect/Data"

/** No destination of this id is configured. */
export class UnknownDestination extends Data.TaggedError("UnknownDestination")<{ readonly id: string }> {
  override get message(): string {
    return `no destination "${this.id}" is configured`
  }
}

/** The configuration names this destination: it would be there again after the next start. */
export class DestinationConfigured extends Data.TaggedError("DestinationConfigured")<{
  readonly id: string
}> {
  override get message(): string {
    return `destination "${this.id}" is in the configuration: take it out there first`
  }
}

/** Whoever was asked only looks after the store. */
export class NotDelivering extends Data.TaggedError("NotDelivering") {
  override get message(): string {
    return "nothing is delivered from here: a server has to run on this store"
  }
}

/** Letters of intake were refused before any destination saw them: only a corrected event, sent to intake again, can be accepted. */
export class NotReplayable extends Data.TaggedError("NotReplayable")<{ readonly destination: string }> {
  override get message(): string {
    return `dead letters of "${this.destination}" are events refused on arrival: correct them and send them in again`
  }
}
