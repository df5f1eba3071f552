import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Event } from "../base/Event.ts"
import type { DecodedEntry } from "../entry/Entry.ts"
import { inSample } from "../entry/subject.ts"
import { type Catalog, empty } from "./Catalog.ts"
import { type ExposureDetails, possibleNames, View } from "./Export.ts"
import { anyGlob } from "./glob.ts"
import * as Where from "./Where.ts"

const flag = (byDefault: boolean) =>
  Schema.Boolean.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(byDefault)))

const names = (byDefault: ReadonlyArray<string>) =>
  Schema.Array(Schema.NonEmptyString).pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(byDefault)))

/** The check-boxes of Statsig's Event Filtering dialog, and two more. */
export const Categories = Schema.Struct({
  /** Gate, experiment, dynamic config, layer and holdout exposures. `true` by default. */
  exposures: flag(true),
  /** `statsig::config_change`. `true` by default. */
  config_changes: flag(true),
  /** All events that no other category claims, Statsig's own among them. `true` by default. */
  custom: flag(true),
  /** `auto_capture::*`. `true` by default. */
  auto_capture: flag(true),
  /**
   * What SDKs say about themselves: diagnostics, session recordings and the like. `false` by
   * default.
   */
  internal: flag(false),
})

export type Category = keyof typeof Categories.Type

/** In the order of the dialog. */
export const categories = Object.keys(Categories.fields) as ReadonlyArray<Category>

/**
 * Which events a destination gets: the category, the switch of the name, the globs, the rule over
 * fields and the sample must all let an event through. Names and fields are those of the exported
 * event: `statsig::experiment_exposure`, not what SDKs send for it.
 */
export const Filter = Schema.Struct({
  /** The check-boxes. */
  categories: Categories.pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  /**
   * "Include new events by default": custom events that `customEvents` does not name. `true` by
   * default.
   */
  newCustomEvents: flag(true),
  /** The dialog's table: a switch for each custom event's name. Empty by default. */
  customEvents: Schema.Record(Schema.String, Schema.Boolean).pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed({})),
  ),
  /**
   * Globs of event names, `*` for any characters and `?` for one: at least one must match. `["*"]`
   * by default.
   */
  include: names(["*"]),
  /** None may match. Empty by default. */
  exclude: names([]),
  /** A rule over fields; `null` by default. */
  where: Where.Where.pipe(Schema.withDecodingDefaultTypeKey(Effect.succeed(null))),
  /**
   * The share of users whose events pass, 0 to 1, which is 1 by default: the same users at every
   * destination, and in every larger share.
   */
  sample: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })).pipe(
    Schema.withDecodingDefaultTypeKey(Effect.succeed(1)),
  ),
})

export type Filter = typeof Filter.Type

const exposureNames = new Set([
  "statsig::gate_exposure",
  "statsig::experiment_exposure",
  "statsig::config_exposure",
  "statsig::layer_exposure",
  "statsig::holdout_exposure",
])

const internalNames = new Set([
  "statsig::diagnostics",
  "statsig::non_exposed_checks",
  "statsig::log_event_failed",
  "statsig::default_value_type_mismatch",
  "statsig::session_recording",
  "statsig::log_line",
  "dropped_log_event.count",
])

export const categoryOf = (eventName: string): Category => {
  if (exposureNames.has(eventName)) return "exposures"
  if (eventName === "statsig::config_change") return "config_changes"
  if (eventName.startsWith("auto_capture::")) return "auto_capture"
  return internalNames.has(eventName) ? "internal" : "custom"
}

/** What an event, its place in its entry and the entry say together. */
export type EventTest = (event: Event, index: number, entry: DecodedEntry) => boolean

/** A filter, compiled. An event passes when both parts let it through. */
export interface CompiledFilter {
  /**
   * Whether an event of this name may pass: destinations are indexed by it, so it is asked once a
   * name.
   */
  readonly name: (eventName: string) => boolean
  /** What the rest of the event decides; `null` when the name decides everything. */
  readonly event: EventTest | null
}

/** An event that a user's own code cannot judge does not leave: it may be one that must not. */
const guarded =
  (predicate: (event: Event) => boolean): EventTest =>
  (event) => {
    try {
      // An async one returns a promise, which is no answer.
      return predicate(event) === true
    } catch {
      return false
    }
  }

export interface FilterOptions {
  /** For users who write TypeScript: asked last, only about events that pass the rest. */
  readonly predicate?: ((event: Event) => boolean) | undefined
  /**
   * Where the destination's events have an exposure's details, which `where` may ask for:
   * `statsigMetadata` by default.
   */
  readonly exposures?: ExposureDetails
  readonly catalog?: () => Catalog
}

/** Whether it lets an event of an entry pass. */
export const passes = (
  { name, event: rest }: CompiledFilter,
  event: Event,
  index: number,
  entry: DecodedEntry,
): boolean => name(event.eventName) && (rest === null || rest(event, index, entry))

export const compile = (
  filter: Filter,
  { predicate, exposures = "statsigMetadata", catalog = () => empty }: FilterOptions = {},
): CompiledFilter => {
  const included = anyGlob(filter.include)
  const excluded = anyGlob(filter.exclude)
  const switches = new Map(Object.entries(filter.customEvents))
  const matches = (names: ReadonlyArray<string>): boolean => names.some(included) && !names.some(excluded)

  /**
   * Whether the globs tell the names apart that an event of this name may have: then its own has to
   * be seen.
   */
  const isUndecided = (eventName: string): boolean => {
    const names = possibleNames(eventName)
    return names.length > 1 && new Set([matches(names), ...names.map((name) => matches([name]))]).size > 1
  }
  const undecided = new Set([...exposureNames].filter(isUndecided))

  const name = (eventName: string): boolean => {
    const category = categoryOf(eventName)
    if (!filter.categories[category]) return false
    if (category === "custom" && !(switches.get(eventName) ?? filter.newCustomEvents)) return false
    return undecided.has(eventName) || matches(possibleNames(eventName))
  }

  const tests: Array<EventTest> = []
  if (undecided.size > 0) {
    tests.push(
      (event, _, entry) =>
        !undecided.has(event.eventName) || matches(new View(event, entry, exposures, catalog()).names),
    )
  }
  if (filter.sample < 1) tests.push(inSample(filter.sample))
  if (filter.where !== null) {
    const holds = Where.compile(filter.where)
    tests.push((event, _, entry) => holds(new View(event, entry, exposures, catalog())))
  }
  if (predicate !== undefined) tests.push(guarded(predicate))

  const [first, second] = tests
  if (first === undefined) return { name, event: null }
  if (second === undefined) return { name, event: first }
  return { name, event: (event, index, entry) => tests.every((test) => test(event, index, entry)) }
}

/** Why a filter leaves an event out. */
export const FilterReason = Schema.Union([
  Schema.TaggedStruct("CategoryOff", { category: Schema.Literals(categories) }),
  Schema.TaggedStruct("Unticked", { eventName: Schema.String }),
  Schema.TaggedStruct("NotListed", { eventName: Schema.String }),
  Schema.TaggedStruct("NotIncluded", {}),
  Schema.TaggedStruct("Excluded", { pattern: Schema.String }),
  /** `found` as JSON text, cut; `expected` in words: "in [DE, AT, CH]". */
  Schema.TaggedStruct("Where", {
    field: Schema.String,
    found: Schema.NullOr(Schema.String),
    expected: Schema.String,
  }),
  /** `percent` of users pass. */
  Schema.TaggedStruct("Sampled", { percent: Schema.Finite }),
  Schema.TaggedStruct("Predicate", {}),
]).annotate({ identifier: "FilterReason" })

export type FilterReason = typeof FilterReason.Type

/** Says why a filter leaves an event out; `null` when it lets it pass. */
export type Explain = (event: Event, index: number, entry: DecodedEntry) => FilterReason | null

/**
 * Says why an event is left out; `null` exactly when {@link compile} lets it pass. For those who
 * ask about one event: it takes its time.
 */
export const explain = (
  filter: Filter,
  { predicate, exposures = "statsigMetadata", catalog = () => empty }: FilterOptions = {},
): Explain => {
  const included = anyGlob(filter.include)
  const unmet = filter.where === null ? () => null : Where.explain(filter.where)
  const isInSample = inSample(filter.sample)

  const byName = ({ eventName }: Event, names: ReadonlyArray<string>): FilterReason | null => {
    const category = categoryOf(eventName)
    if (!filter.categories[category]) return { _tag: "CategoryOff", category }
    if (category === "custom") {
      const ticked = Object.hasOwn(filter.customEvents, eventName)
        ? filter.customEvents[eventName]
        : undefined
      if (ticked === false) return { _tag: "Unticked", eventName }
      if (ticked === undefined && !filter.newCustomEvents) return { _tag: "NotListed", eventName }
    }
    if (!names.some(included)) return { _tag: "NotIncluded" }
    const pattern = filter.exclude.find((one) => names.some(anyGlob([one])))
    return pattern === undefined ? null : { _tag: "Excluded", pattern }
  }

  return (event, index, entry) => {
    const view = new View(event, entry, exposures, catalog())
    const named = byName(event, view.names)
    if (named !== null) return named
    if (filter.sample < 1 && !isInSample(event, index, entry)) {
      return { _tag: "Sampled", percent: filter.sample * 100 }
    }
    const where = unmet(view)
    if (where !== null) return { _tag: "Where", ...where }
    return predicate === undefined || guarded(predicate)(event, index, entry) ? null : { _tag: "Predicate" }
  }
}
