import * as Schema from "effect/Schema"
import { Count, Time } from "../../base/scalars.ts"

/**
 * Where an event stands in the log: `PARTITION/POSITION/INDEX`. Behind a cursor of its partition
 * when its position is: positions of one partition compare as text.
 */
export const Place = Schema.String.annotate({
  description: "Where an event stands in the log: PARTITION/POSITION/INDEX.",
})

export const Category = Schema.Literals(["exposures", "config_changes", "custom", "auto_capture", "internal"])

export type Category = typeof Category.Type

/**
 * An event in a list: place, arrival, name, category, user id, value, sender ("javascript-client
 * 3.33.5"), how its key is named, marks. It carries no payload; `value` and `userID` are cut at 200
 * characters. `marks` has a letter for each destination, in the order of ids: `p` when its filter
 * lets the event pass, `f` when it leaves it out. The last one is the event's `timeUUID`, by which
 * attempts, dead letters and receivers know it.
 */
export const EventRow = Schema.Tuple([
  Place,
  Time,
  Schema.String,
  Category,
  Schema.String,
  Schema.String,
  Schema.String,
  Schema.NullOr(Schema.String),
  Schema.String,
  Schema.String,
]).annotate({
  identifier: "EventRow",
  description: "Place, arrival, name, category, user id, value, sender, key, marks, timeUUID.",
})

export type EventRow = typeof EventRow.Type

/** Which events are asked for: all that is given has to hold. */
export const EventQuery = Schema.Struct({
  /** The user id, or one of the custom ids: the whole of it. */
  user: Schema.optionalKey(Schema.String),
  /** The event's name, or a glob. */
  name: Schema.optionalKey(Schema.String),
  /** Stands anywhere in the event as it came. */
  text: Schema.optionalKey(Schema.String),
  category: Schema.optionalKey(Category),
})

export type EventQuery = typeof EventQuery.Type

/** How far a search has come: back to when, and how many events it has looked at. */
export const Looked = Schema.Struct({ looked: Count, backTo: Schema.NullOr(Time) })

export type Looked = typeof Looked.Type
