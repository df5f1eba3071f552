import * as Data from "effect/Data"

/** No destination of this id is configured. */
export class UnknownDestination extends Data.TaggedError("UnknownDestination")<{ readonly id: string }> {
  override get message(): string {
    return `no destination "${this.id}" is configured`
  }
}
