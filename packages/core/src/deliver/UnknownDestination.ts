import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import { didYouMean } from "../base/nearest.ts"
import type { Destinations } from "../ports/Destinations.ts"
import type { StoreError } from "../ports/StoreError.ts"

/** More names than this help nobody who has misspelled one. */
const mostNamed = 20

const listed = (ids: ReadonlyArray<string>): string => {
  if (ids.length === 0) return "there is none"
  const more = ids.length > mostNamed ? ` and ${ids.length - mostNamed} more` : ""
  return `there ${ids.length === 1 ? "is" : "are"} ${ids.slice(0, mostNamed).join(", ")}${more}`
}

/** No destination of this id is configured. */
export class UnknownDestination extends Data.TaggedError("UnknownDestination")<{
  readonly id: string
  /** The ids of those that there are. */
  readonly known: ReadonlyArray<string>
}> {
  override get message(): string {
    const there = listed([...this.known].sort())
    return `no destination "${this.id}" is configured (${there})${didYouMean(this.id, this.known)}`
  }
}

/** Fails with those that the store lists. */
export const failUnknown = (
  destinations: Destinations["Service"],
  id: string,
): Effect.Effect<never, UnknownDestination | StoreError> =>
  Effect.flatMap(destinations.list, (records) => {
    const known = records.filter(({ disabled }) => disabled?.reason !== "unconfigured")
    return new UnknownDestination({ id, known: known.map((record) => record.id) })
  })
