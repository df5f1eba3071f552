/**
 * Over 400 lines because an event is exported in two ways, as an object and as bytes, which are
 * kept beside each other to be compared.
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import type { Event } from "../base/Event.ts"
import { exactOf, exactStatsigMetadataOf } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { idOf, put, textOf as text } from "../base/json.ts"
import { ByteWriter, piece } from "../bytes/ByteWriter.ts"
import { comma, openBrace } from "../bytes/jsonBytes.ts"
import { type DecodedEntry, eventIds } from "../entry/Entry.ts"
import { WrittenEvent } from "../entry/SpanEvent.ts"
import { TimeUUIDs } from "../entry/TimeUUID.ts"
import { type Catalog, empty } from "./Catalog.ts"
import * as Fields from "./Fields.ts"
import { isWebhookEvent, type WebhookEvent } from "./WebhookEvent.ts"

export type { WebhookEvent }

const decoder = new TextDecoder()

/** Where an exposure's details stand. */
export type ExposureDetails = "statsigMetadata" | "metadata"

/**
 * `exported`: as the Generic Webhook sends events. `sent`: as the SDKs send them, for who takes the
 * place of the SDK.
 */
export type EventForm = "exported" | "sent"

/** How a destination's events are exported; made by {@link rule}. */
export interface ExportRule {
  /** Rules with the same key make the same of every event: their texts are shared. */
  readonly key: string
  readonly form: EventForm
  readonly exposures: ExposureDetails
  readonly catalog: () => Catalog
  readonly fields: ((event: WebhookEvent) => WebhookEvent) | null
  readonly transform: Transform | null
  /** What is sent in an event's place. */
  readonly template: Render | null
}

/** Fails with why an event cannot be sent so. */
export type Render = (event: WebhookEvent) => Result.Result<Json, string>

/**
 * A user's own change of an exported event; must be pure, and return a whole event. Its numbers are
 * JavaScript's: integers beyond 2^53 that are no texts leave rounded.
 */
export type Transform = (event: WebhookEvent) => WebhookEvent

/** A user's transform threw, or made something that is no event. */
export class ExportError extends Data.TaggedError("ExportError")<{ readonly message: string }> {}

/** Group names come from a catalog; without one, from whatever the sender put there. */
const groupNameKeys = ["gateGroupName", "experimentGroupName", "groupName", "ruleName"] as const

type Detail = (key: string) => Json | undefined

interface Exposure {
  /** What it may be called: first as it is exported. */
  readonly names: (detail: Detail, catalog: Catalog, isExported: boolean) => ReadonlyArray<string>
  /** In the order of the document. */
  readonly details: (detail: Detail, groupName: string) => JsonObject
  readonly groupName: (detail: Detail, catalog: Catalog) => string | undefined
  /** Which of the details the group's name is. */
  readonly groupKey: "gateGroupName" | "experimentGroupName"
  /** What leaves `metadata` for the details. */
  readonly moved: ReadonlySet<string>
}

const configDetails = (detail: Detail, groupName: string): JsonObject => ({
  config: text(detail("config")),
  experimentGroupName: groupName,
  ruleID: text(detail("ruleID")),
})

const configGroup = (detail: Detail, catalog: Catalog): string | undefined =>
  catalog.configGroup(text(detail("config")), text(detail("ruleID")))

const configKeys = new Set(["config", "ruleID", ...groupNameKeys])

const configExposure = "statsig::config_exposure"
const experimentExposure = "statsig::experiment_exposure"

const exposures: ReadonlyMap<string, Exposure> = new Map<string, Exposure>([
  [
    "statsig::gate_exposure",
    {
      names: () => ["statsig::gate_exposure"],
      details: (detail, groupName) => ({
        gate: text(detail("gate")),
        gateValue: text(detail("gateValue")) === "true",
        gateGroupName: groupName,
        ruleID: text(detail("ruleID")),
      }),
      groupName: (detail, catalog) => catalog.gateGroup(text(detail("gate")), text(detail("ruleID"))),
      groupKey: "gateGroupName",
      moved: new Set(["gate", "gateValue", "ruleID", ...groupNameKeys]),
    },
  ],
  // SDKs never send experiment_exposure: Statsig makes it of config_exposure (docs/wire.md, section
  // 5).
  [
    configExposure,
    {
      names: (detail, catalog, isExported) => {
        const isDynamicConfig = isExported || catalog.isDynamicConfig(text(detail("config")))
        if (isDynamicConfig === undefined) return [experimentExposure, configExposure]
        return [isDynamicConfig ? configExposure : experimentExposure]
      },
      details: configDetails,
      groupName: configGroup,
      groupKey: "experimentGroupName",
      moved: configKeys,
    },
  ],
  [
    experimentExposure,
    {
      names: () => [experimentExposure],
      details: configDetails,
      groupName: configGroup,
      groupKey: "experimentGroupName",
      moved: configKeys,
    },
  ],
  [
    "statsig::layer_exposure",
    {
      names: () => ["statsig::layer_exposure"],
      details: (detail, groupName) => ({
        config: text(detail("config")),
        experimentGroupName: groupName,
        ruleID: text(detail("ruleID")),
        allocatedExperiment: text(detail("allocatedExperiment")),
        parameterName: text(detail("parameterName")),
        isExplicitParameter: text(detail("isExplicitParameter")),
      }),
      // The rule is the allocated experiment's; without one it is the layer's own.
      groupName: (detail, catalog) =>
        catalog.configGroup(text(detail("allocatedExperiment")), text(detail("ruleID"))) ??
        configGroup(detail, catalog),
      groupKey: "experimentGroupName",
      moved: new Set([
        "config",
        "ruleID",
        "allocatedExperiment",
        "parameterName",
        "isExplicitParameter",
        ...groupNameKeys,
      ]),
    },
  ],
])

/** What events of this name may be called once they are looked at one by one. */
export const possibleNames = (eventName: string): ReadonlyArray<string> =>
  eventName === configExposure ? [experimentExposure, configExposure] : [eventName]

const without = (object: JsonObject, keys: ReadonlySet<string>): JsonObject => {
  // Not by `delete`, which leaves an object that is slow to write.
  const rest: Record<string, Json> = {}
  for (const key of Object.keys(object)) if (!keys.has(key)) put(rest, key, object[key]!)
  return rest
}

const sentGroupName = (detail: Detail, keys: ReadonlyArray<string>): string => {
  for (const key of keys) {
    const name = text(detail(key))
    if (name !== "") return name
  }
  return ""
}

/** What makes an exposure another event when it is exported. */
interface Exposed {
  readonly names: ReadonlyArray<string>
  readonly metadata: JsonObject
  readonly statsigMetadata: JsonObject
}

/**
 * Both; where they differ, the second counts. Key by key: V8 takes ten times as long to add to an
 * object that was made by a spread.
 */
const merge = (first: JsonObject, second: JsonObject): JsonObject => {
  const keys = Object.keys(second)
  if (keys.length === 0) return first
  const both: Record<string, Json> = {}
  for (const key of Object.keys(first)) put(both, key, first[key]!)
  for (const key of keys) put(both, key, second[key]!)
  return both
}

const merged = (entry: DecodedEntry, event: Event): JsonObject =>
  merge(entry.statsigMetadata, event.statsigMetadata)

/**
 * Details are looked for in `metadata`, where SDKs put them, then in the event's own
 * `statsigMetadata`, where exported events carry them, so that an export comes through a second
 * export unchanged.
 */
const expose = (
  exposure: Exposure,
  event: Event,
  entry: DecodedEntry,
  place: ExposureDetails,
  catalog: Catalog,
): Exposed => {
  const { metadata, statsigMetadata: own } = event
  const detail: Detail = (key) =>
    Object.hasOwn(metadata, key) ? metadata[key] : Object.hasOwn(own, key) ? own[key] : undefined
  // What exported it before has settled the name and the group; details that stand beside
  // `metadata` show it, too.
  const isExported =
    event.timeUUID !== undefined || (!Object.hasOwn(metadata, "config") && Object.hasOwn(own, "config"))
  const groupKeys =
    isExported && detail(exposure.groupKey) !== undefined ? [exposure.groupKey] : groupNameKeys
  const groupName = exposure.groupName(detail, catalog) ?? sentGroupName(detail, groupKeys)
  const details = exposure.details(detail, groupName)
  const names = exposure.names(detail, catalog, isExported)
  const rest = without(metadata, exposure.moved)
  return place === "statsigMetadata"
    ? { names, metadata: rest, statsigMetadata: merge(merged(entry, event), details) }
    : {
        names,
        metadata: merge(rest, details),
        statsigMetadata: without(merged(entry, event), exposure.moved),
      }
}

/**
 * An event as it is exported, before anything is taken from it; each part is made when it is first
 * asked for.
 */
export class View {
  private readonly event: Event
  private readonly entry: DecodedEntry
  private readonly place: ExposureDetails
  private readonly catalog: Catalog
  private readonly exposure: Exposure | undefined
  private made: Exposed | null = null
  private both: JsonObject | null = null

  constructor(event: Event, entry: DecodedEntry, place: ExposureDetails, catalog: Catalog = empty) {
    this.event = event
    this.entry = entry
    this.place = place
    this.catalog = catalog
    this.exposure = exposures.get(event.eventName)
  }

  /** `null` of an event that is no exposure. */
  private get exposed(): Exposed | null {
    if (this.exposure === undefined) return null
    this.made ??= expose(this.exposure, this.event, this.entry, this.place, this.catalog)
    return this.made
  }

  get eventName(): string {
    return this.exposed?.names[0] ?? this.event.eventName
  }

  /**
   * What a filter may call it: the name it is exported under, and of a config exposure both of them
   * when no catalog knows whether it is that of an experiment or of a dynamic config.
   */
  get names(): ReadonlyArray<string> {
    return this.exposed?.names ?? [this.event.eventName]
  }

  get user(): JsonObject {
    return this.event.user
  }

  get userID(): string {
    return idOf(exactOf(this.event).user["userID"])
  }

  /** ms since the epoch, an integer. */
  get timestamp(): number {
    return Math.floor(this.event.time)
  }

  get value(): string {
    return text(exactOf(this.event).value)
  }

  get metadata(): JsonObject {
    return this.exposed?.metadata ?? this.event.metadata
  }

  get statsigMetadata(): JsonObject {
    const { exposed } = this
    if (exposed !== null) return exposed.statsigMetadata
    this.both ??= merged(this.entry, this.event)
    return this.both
  }
}

const transformKeys = new WeakMap<Transform, number>()
let transforms = 0

const transformKey = (transform: Transform | undefined): number => {
  if (transform === undefined) return 0
  let key = transformKeys.get(transform)
  if (key === undefined) {
    transforms += 1
    key = transforms
    transformKeys.set(transform, key)
  }
  return key
}

/** What a destination says of its export. */
export interface ExportOptions {
  readonly exposures: ExposureDetails
  readonly fields: Fields.Fields
  readonly transform?: Transform | undefined
  /** `exported` by default. */
  readonly form?: EventForm
  readonly template?: { readonly render: Render; readonly key: string } | null
}

/**
 * Compiles a destination's export.
 *
 * @param hash replaces what `fields.hash` names
 */
export const rule = (
  { exposures, fields, transform, form = "exported", template = null }: ExportOptions,
  hash: Fields.Hash | null,
  catalog: () => Catalog = () => empty,
): ExportRule => ({
  key: JSON.stringify([form, exposures, Fields.keyOf(fields), transformKey(transform), template?.key]),
  form,
  exposures,
  catalog,
  fields: Fields.compile(fields, hash),
  transform: transform ?? null,
  template: template?.render ?? null,
})

/** With its numbers as they were written. */
const exactEntryOf = (entry: DecodedEntry): DecodedEntry => ({
  ...entry,
  statsigMetadata: exactStatsigMetadataOf(entry),
})

/**
 * The exporter of one entry: an event and its place in the entry to what is sent, but for a user's
 * transform. Pure, and the same on every attempt.
 *
 * Numbers are as they were written, so `ExactJson.stringify` has to write them.
 *
 * @param idOf the event's `timeUUID` by its place
 */
export const exporter = (
  entry: DecodedEntry,
  { exposures, fields, catalog }: ExportRule,
  idOf: (index: number) => string = eventIds(entry),
): ((event: Event, index: number) => WebhookEvent) => {
  const current = catalog()
  const exactEntry = exactEntryOf(entry)
  return (event, index) => {
    const view = new View(exactOf(event), exactEntry, exposures, current)
    const exported = {
      eventName: view.eventName,
      user: view.user,
      userID: view.userID,
      timestamp: view.timestamp,
      value: view.value,
      metadata: view.metadata,
      statsigMetadata: view.statsigMetadata,
      timeUUID: idOf(index),
    }
    return fields === null ? exported : fields(exported)
  }
}

/** What came of a transform, without what it was about: a user's error may quote the event. */
const transformed = (transform: Transform, text: string): string | ExportError => {
  try {
    // Parsed anew: other destinations have the same objects.
    const event = transform(JSON.parse(text) as WebhookEvent)
    return isWebhookEvent(event)
      ? JSON.stringify(event)
      : new ExportError({ message: "the transform returned no event with all eight fields" })
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error
    return new ExportError({ message: `the transform threw: ${name}` })
  }
}

const rendered = (render: Render, text: string): string | ExportError => {
  const made = render(ExactJson.parse(text) as unknown as WebhookEvent)
  return Result.isSuccess(made)
    ? ExactJson.stringify(made.success)
    : new ExportError({ message: `the template: ${made.failure}` })
}

const userKey = piece(',"user":')
const userIDKey = piece(',"userID":')
const timestampKey = piece(',"timestamp":')
const valueKey = piece(',"value":')
const closing = piece('"}')

/**
 * Writes an event as it is sent, in JSON. An event whose transform fails must not leave as it was:
 * it is not written.
 */
export type EventWriter = (event: Event, index: number, into: ByteWriter) => ExportError | null

/**
 * Writes an export without field rules and transform: what the sender wrote goes on as it is.
 */
const plainWriter = (
  entry: DecodedEntry,
  { exposures: place, catalog }: ExportRule,
  idOf: ((index: number) => string) | undefined,
): EventWriter => {
  const current = catalog()
  const exactEntry = exactEntryOf(entry)
  const ofRequest = piece(
    `,"statsigMetadata":${ExactJson.stringify(exactEntry.statsigMetadata)},"timeUUID":"`,
  )
  const made = new TimeUUIDs(entry.id)

  const writeView = (view: View, written: WrittenEvent | null, into: ByteWriter): void => {
    into.text(`{"eventName":${JSON.stringify(view.eventName)}`)
    into.piece(userKey)
    if (written === null) into.text(ExactJson.stringify(view.user))
    else written.writeUser(into)
    into.piece(userIDKey)
    if (written === null) into.text(JSON.stringify(view.userID))
    else written.writeUserID(into)
    into.piece(timestampKey)
    into.integer(view.timestamp)
    into.piece(valueKey)
    if (written === null) into.text(JSON.stringify(view.value))
    else written.writeValue(into)
    const { metadata, statsigMetadata } = view
    into.text(
      `,"metadata":${ExactJson.stringify(metadata)},"statsigMetadata":${ExactJson.stringify(statsigMetadata)},"timeUUID":"`,
    )
  }

  return (event, index, into) => {
    const written = event instanceof WrittenEvent ? event : null
    if (written !== null && !written.hasStatsigMetadata && !exposures.has(written.eventName)) {
      into.byte(openBrace)
      written.writeNameAndUser(into)
      into.piece(userIDKey)
      written.writeUserID(into)
      into.piece(timestampKey)
      into.integer(Math.floor(written.time))
      into.byte(comma)
      written.writeValueAndMetadata(into)
      into.piece(ofRequest)
    } else writeView(new View(exactOf(event), exactEntry, place, current), written, into)
    if (idOf !== undefined) into.text(idOf(index))
    else if (event.timeUUID !== undefined) into.text(event.timeUUID)
    else made.write(into, event.time, index)
    into.piece(closing)
    return null
  }
}

/** Like {@link exporter}, for what is sent. */
export const eventWriter = (
  entry: DecodedEntry,
  rule: ExportRule,
  idOf?: (index: number) => string,
): EventWriter => {
  const { fields, transform, template } = rule
  if (fields === null && transform === null && template === null) return plainWriter(entry, rule, idOf)
  const toEvent = exporter(entry, rule, idOf)
  return (event, index, into) => {
    const text = ExactJson.stringify(toEvent(event, index) as unknown as JsonObject)
    const exported = transform === null ? text : transformed(transform, text)
    if (typeof exported !== "string") return exported
    const sent = template === null ? exported : rendered(template, exported)
    if (typeof sent !== "string") return sent
    into.text(sent)
    return null
  }
}

/** {@link eventWriter}, to texts. */
export const textExporter = (
  entry: DecodedEntry,
  rule: ExportRule,
): ((event: Event, index: number) => string | ExportError) => {
  const write = eventWriter(entry, rule)
  const into = new ByteWriter(0)
  return (event, index) => {
    into.cut(0)
    return write(event, index, into) ?? decoder.decode(into.written)
  }
}
