import type { Event } from "../base/Event.ts"
import { exact } from "../base/exactEvent.ts"
import * as ExactJson from "../base/exactJson.ts"
import type { Json, JsonObject } from "../base/json.ts"
import { idOf, isFlat, objectOrEmpty, parse } from "../base/json.ts"
import { type Correction, corrected } from "../base/time.ts"
import { type ByteWriter, piece, type Source } from "../bytes/ByteWriter.ts"
import { slots } from "../bytes/bodyScanner.ts"
import {
  comma,
  isDigit,
  letterF,
  letterN,
  letterT,
  minus,
  openBrace,
  quote,
  zero,
} from "../bytes/jsonBytes.ts"
import { type ClientFields, filled } from "./clientFields.ts"
import * as PrivateAttributes from "./privateAttributes.ts"

/** What the events of an entry have in common. */
export interface Written {
  /** The whole body, in UTF-8. */
  readonly body: Source
  /** Where fields stand in the body: what `Outline.keep` returns. */
  readonly fields: Int32Array
  /** ms since the epoch. */
  readonly receivedAt: number
  /** How times that were sent are corrected. */
  readonly correction: Correction
  /** What is filled in where a user does not say it. */
  readonly client: ClientFields | null
  /** The default for events without a user of their own. */
  readonly user: Both | null
  /** Whether a number may be one that a double does not give back as it is written. */
  readonly hasOddNumbers: boolean
}

/** An object as filters and users' code read it, and with its numbers as they are written. */
export interface Both {
  readonly plain: JsonObject
  readonly exact: JsonObject
}

type Read = (text: string) => Json | undefined

const emptyText = piece('""')
const emptyObject = piece("{}")
const nameKey = piece('"eventName":')
const userKey = piece(',"user":')
const valueKey = piece('"value":')
const metadataKey = piece(',"metadata":')

const emptyForm = /^\{\s*\}$/

/** Digits of an integer that a double holds exactly. */
const safeDigits = 15

/** A text may begin with a byte order mark. */
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/**
 * An event of the log_event family, read where it is written: a field becomes an object only when
 * somebody asks for it, and one that is sent on as it came never does.
 */
export class WrittenEvent implements Event {
  readonly eventName: string
  private readonly written: Written
  /** Where its slots begin. */
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
    this.knownUser ??= this.readUser(this.written.user?.plain)
    return this.knownUser
  }

  get time(): number {
    this.knownTime ??= this.readTime()
    return this.knownTime
  }

  get value(): Event["value"] {
    return this.readValue(parse)
  }

  get metadata(): JsonObject {
    this.knownMetadata ??= objectOrEmpty(this.parsed(slots.metadata))
    return this.knownMetadata
  }

  get statsigMetadata(): JsonObject {
    this.knownStatsigMetadata ??= objectOrEmpty(this.parsed(slots.statsigMetadata))
    return this.knownStatsigMetadata
  }

  /** Itself, when its numbers are what was written anyway. */
  get [exact](): Event {
    if (!this.written.hasOddNumbers) return this
    const { eventName, time } = this
    return {
      eventName,
      user: this.readUser(this.written.user?.exact, ExactJson.parse),
      time,
      value: this.readValue(ExactJson.parse),
      metadata: objectOrEmpty(this.parsed(slots.metadata, ExactJson.parse)),
      statsigMetadata: objectOrEmpty(this.parsed(slots.statsigMetadata, ExactJson.parse)),
    }
  }

  /** Whether it has a `statsigMetadata` of its own. */
  get hasStatsigMetadata(): boolean {
    return this.has(slots.statsigMetadata)
  }

  // As they are exported, in JSON. Fields that stand one behind the other without white space are
  // one piece: pieces are what an export costs.

  /** `"eventName":...,"user":...` */
  writeNameAndUser(into: ByteWriter): void {
    const { body, fields } = this.written
    const name = fields[this.base + slots.eventName]!
    const end = fields[this.base + slots.eventName + 1]!
    const isOnePiece =
      fields[this.base + slots.user]! - end === userKey.bytes.length &&
      this.hasPlainUser &&
      this.written.client === null &&
      body.bytes[name - '":'.length] === quote
    if (isOnePiece) {
      into.copy(body, name - nameKey.bytes.length, fields[this.base + slots.user + 1]!)
      return
    }
    into.piece(nameKey)
    into.copy(body, name, end)
    into.piece(userKey)
    this.writeUser(into)
  }

  writeUser(into: ByteWriter): void {
    if (this.hasPlainUser && this.copyUser(into)) return
    into.text(ExactJson.stringify(this[exact].user))
  }

  writeUserID(into: ByteWriter): void {
    if (this.first(slots.user) === openBrace) this.writeScalar(slots.userID, into)
    else into.text(JSON.stringify(idOf(this[exact].user["userID"])))
  }

  /** `"value":...,"metadata":...` */
  writeValueAndMetadata(into: ByteWriter): void {
    const { body, fields } = this.written
    const value = fields[this.base + slots.value]!
    const hasMetadata = this.first(slots.metadata) === openBrace
    const isOnePiece =
      fields[this.base + slots.metadata]! - fields[this.base + slots.value + 1]! ===
        metadataKey.bytes.length &&
      hasMetadata &&
      body.bytes[value] === quote &&
      body.bytes[value - '":'.length] === quote
    if (isOnePiece) {
      into.copy(body, value - valueKey.bytes.length, fields[this.base + slots.metadata + 1]!)
      return
    }
    into.piece(valueKey)
    this.writeValue(into)
    into.piece(metadataKey)
    if (hasMetadata) this.writeAt(slots.metadata, into)
    else into.piece(emptyObject)
  }

  writeValue(into: ByteWriter): void {
    const first = this.first(slots.value)
    if (first === letterT || first === letterF) into.text(`"${this.textAt(slots.value)}"`)
    else this.writeScalar(slots.value, into)
  }

  /**
   * Writes the user as it came, with the client's fields behind it. `false` when one of them may be
   * there already: then nothing is written.
   */
  private copyUser(into: ByteWriter): boolean {
    const { body, fields, client } = this.written
    if (client === null) {
      this.writeAt(slots.user, into)
      return true
    }
    const text = this.textAt(slots.user)
    for (const name of client.quotedNames) if (text.includes(name)) return false
    into.copy(body, fields[this.base + slots.user]!, fields[this.base + slots.user + 1]! - 1)
    if (!emptyForm.test(text)) into.byte(comma)
    into.piece(client.ending)
    return true
  }

  private get hasPlainUser(): boolean {
    return this.first(slots.user) === openBrace && !this.has(slots.privateAttributes)
  }

  /** @param shared the default for an event without a user of its own */
  private readUser(shared: JsonObject | undefined, read?: Read): JsonObject {
    const own = this.parsed(slots.user, read)
    return own === undefined || own === null
      ? (shared ?? {})
      : filled(PrivateAttributes.without(objectOrEmpty(own)), this.written.client)
  }

  private readValue(read: Read): Event["value"] {
    const value = this.parsed(slots.value, read)
    return isFlat(value) ? value : null
  }

  private readTime(): number {
    const { body, fields, receivedAt, correction } = this.written
    const first = this.first(slots.time)
    if (first === 0 || first === letterN) return receivedAt
    const from = fields[this.base + slots.time]!
    const to = fields[this.base + slots.time + 1]!
    let time = 0
    for (let at = from; at < to; at++) {
      const digit = body.bytes[at]! - zero
      if (digit < 0 || at - from === safeDigits) {
        return corrected(Number(this.textAt(slots.time)), correction)
      }
      time = time * 10 + digit
    }
    return corrected(time, correction)
  }

  private has(slot: number): boolean {
    return this.written.fields[this.base + slot] !== 0
  }

  /** Returns the first byte of a field's value; 0 when it has none. */
  private first(slot: number): number {
    const at = this.written.fields[this.base + slot]!
    return at === 0 ? 0 : this.written.body.bytes[at]!
  }

  private textAt(slot: number): string {
    const { body, fields } = this.written
    return decoder.decode(body.bytes.subarray(fields[this.base + slot], fields[this.base + slot + 1]))
  }

  private writeAt(slot: number, into: ByteWriter): void {
    const { body, fields } = this.written
    into.copy(body, fields[this.base + slot]!, fields[this.base + slot + 1]!)
  }

  private parsed(slot: number, read: Read = parse): Json | undefined {
    return this.has(slot) ? read(this.textAt(slot)) : undefined
  }

  /**
   * Writes a field that shows text and numbers as they are written, and nothing for anything else.
   */
  private writeScalar(slot: number, into: ByteWriter): void {
    const first = this.first(slot)
    if (first === quote) this.writeAt(slot, into)
    else if (first === minus || isDigit(first)) {
      into.byte(quote)
      this.writeAt(slot, into)
      into.byte(quote)
    } else into.piece(emptyText)
  }
}
