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

/** Of an integer that a double holds exactly. */
const safeDigits = 15

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

  // As they are exported, in JSON. Fields that stand one behind the other without white space are one piece: pieces are what an exported text costs.

  /** `"eventName":...,"user":...` */
  get nameAndUserText(): string {
    const { text, fields } = this.written
    const name = fields[this.base + slots.eventName]!
    const user = fields[this.base + slots.user]!
    return user - fields[this.base + slots.eventName + 1]! === ',"user":'.length &&
      this.hasPlainUser &&
      text[name - '":'.length] === '"'
      ? text.slice(name - '"eventName":'.length, fields[this.base + slots.user + 1])
      : `"eventName":${this.textAt(slots.eventName)},"user":${this.userText}`
  }

  get userText(): string {
    return this.hasPlainUser ? this.textAt(slots.user) : JSON.stringify(this.user)
  }

  get userIDText(): string {
    return this.isAt(slots.user, "{")
      ? this.scalarText(slots.userID)
      : JSON.stringify(textOf(this.user["userID"]))
  }

  /** `"value":...,"metadata":...` */
  get valueAndMetadataText(): string {
    const { text, fields } = this.written
    const value = fields[this.base + slots.value]!
    const metadata = fields[this.base + slots.metadata]!
    return metadata - fields[this.base + slots.value + 1]! === ',"metadata":'.length &&
      this.isAt(slots.value, '"') &&
      this.isAt(slots.metadata, "{") &&
      text[value - '":'.length] === '"'
      ? text.slice(value - '"value":'.length, fields[this.base + slots.metadata + 1])
      : `"value":${this.valueText},"metadata":${this.isAt(slots.metadata, "{") ? this.textAt(slots.metadata) : "{}"}`
  }

  get valueText(): string {
    return this.scalarText(slots.value)
  }

  private get hasPlainUser(): boolean {
    return this.isAt(slots.user, "{") && this.written.fields[this.base + slots.privateAttributes] === 0
  }

  private readUser(): JsonObject {
    const own = this.parsed(slots.user)
    return own === undefined || own === null
      ? (this.written.user ?? {})
      : PrivateAttributes.without(objectOrEmpty(own))
  }

  private readTime(): number {
    const { text, fields, receivedAt, offset } = this.written
    const from = fields[this.base + slots.time]!
    if (from === 0 || text[from] === "n") return receivedAt
    const to = fields[this.base + slots.time + 1]!
    let time = 0
    for (let at = from; at < to; at++) {
      const digit = text.charCodeAt(at) - 0x30
      if (digit < 0 || at - from === safeDigits) return Number(text.slice(from, to)) + offset
      time = time * 10 + digit
    }
    return time + offset
  }

  private textAt(slot: number): string {
    const { text, fields } = this.written
    return text.slice(fields[this.base + slot], fields[this.base + slot + 1])
  }

  private isAt(slot: number, first: string): boolean {
    const { text, fields } = this.written
    const at = fields[this.base + slot]!
    return at !== 0 && text[at] === first
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
