import type { Event, Json, JsonObject } from "../Event.ts"
import { isObject, parse, textOf } from "./json.ts"
import { slots } from "./outline.ts"
import * as PrivateAttributes from "./privateAttributes.ts"

/** What the events of an entry have in common. */
export interface Written {
  /** The whole body. */
  readonly text: string
  /** Where fields stand in the text: {@link Outline.fields}. */
  readonly fields: Int32Array
  /** ms since the epoch. */
  readonly receivedAt: number
  /** What is added to a time that was sent, in ms. */
  readonly offset: number
  /** The default for events without a user of their own. */
  readonly user: JsonObject | null
}

const objectOrEmpty = (json: Json | undefined): JsonObject => (isObject(json) ? json : {})

const emptyText = '""'

/**
 * An event of the log_event family, read where it is written: a field becomes an object only when somebody asks for it, and one that is sent on
 * as it came never does.
 */
export class WrittenEvent implements Event {
  readonly eventName: string
  private readonly written: Written
  /** Of its slots. */
  private readonly base: number
  private knownTime: number | undefined
  private knownUser: JsonObject | undefined
  private knownMetadata: JsonObject | undefined
  private knownStatsigMetadata: JsonObject | undefined

  constructor(written: Written, base: number, eventName: string) {
    this.written = written
    this.base = base
    this.eventName = eventName
  }

  get user(): JsonObject {
    this.knownUser ??= this.readUser()
    return this.knownUser
  }

  get time(): number {
    this.knownTime ??= this.readTime()
    return this.knownTime
  }

  get value(): Event["value"] {
    const value = this.parsed(slots.value)
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null
  }

  get metadata(): JsonObject {
    this.knownMetadata ??= objectOrEmpty(this.parsed(slots.metadata))
    return this.knownMetadata
  }

  get statsigMetadata(): JsonObject {
    this.knownStatsigMetadata ??= objectOrEmpty(this.parsed(slots.statsigMetadata))
    return this.knownStatsigMetadata
  }

  /** Whether it has a `statsigMetadata` of its own. */
  get hasStatsigMetadata(): boolean {
    return this.written.fields[this.base + slots.statsigMetadata] !== 0
  }

  // The same as JSON, as they are exported.

  get userText(): string {
    const { fields } = this.written
    return this.isObjectAt(slots.user) && fields[this.base + slots.privateAttributes] === 0
      ? this.textAt(slots.user)
      : JSON.stringify(this.user)
  }

  get userIDText(): string {
    if (!this.isObjectAt(slots.user)) return JSON.stringify(textOf(this.user["userID"]))
    return this.scalarText(slots.userID)
  }

  get valueText(): string {
    return this.scalarText(slots.value)
  }

  get metadataText(): string {
    return this.isObjectAt(slots.metadata) ? this.textAt(slots.metadata) : "{}"
  }

  private readUser(): JsonObject {
    const own = this.parsed(slots.user)
    return own === undefined || own === null
      ? (this.written.user ?? {})
      : PrivateAttributes.without(objectOrEmpty(own))
  }

  private readTime(): number {
    const { receivedAt, offset } = this.written
    const sent = this.parsed(slots.time)
    return typeof sent === "number" ? sent + offset : receivedAt
  }

  private textAt(slot: number): string {
    const { text, fields } = this.written
    return text.slice(fields[this.base + slot], fields[this.base + slot + 1])
  }

  private isObjectAt(slot: number): boolean {
    const { text, fields } = this.written
    const at = fields[this.base + slot]!
    return at !== 0 && text[at] === "{"
  }

  private parsed(slot: number): Json | undefined {
    return this.written.fields[this.base + slot] === 0 ? undefined : parse(this.textAt(slot))
  }

  /** Of a field that shows text, numbers and booleans, and for anything else none. */
  private scalarText(slot: number): string {
    if (this.written.fields[this.base + slot] === 0) return emptyText
    const text = this.textAt(slot)
    switch (text[0]) {
      case '"':
        return text
      case "t":
      case "f":
        return `"${text}"`
      case "n":
      case "{":
      case "[":
        return emptyText
      default:
        return `"${Number(text)}"`
    }
  }
}
