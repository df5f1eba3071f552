import { type ByteWriter, piece, type Source } from "../bytes/ByteWriter.ts"
import type { EntryId } from "../ports/EventLog.ts"

/** Between 1582-10-15, where RFC 9562 begins to count, and 1970-01-01. */
const gregorianOffset = 12_219_292_800_000

/** 2^60 ticks, less an index, is where a version 1 UUID ends: the year 5236. */
const lastMillis = Math.floor((2 ** 60 - 1_000_000) / 10_000)

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-1[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i

/** Whether something is a version 1 UUID, whoever has made it. */
export const isTimeUUID = (value: unknown): value is string => typeof value === "string" && form.test(value)

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

const byteTexts = Array.from({ length: 256 }, (_, byte) => hex(byte, 2))

/**
 * 8 digits of an unsigned 32-bit number: every event asks for them, and `toString` takes five times
 * as long.
 */
const wordText = (word: number): string =>
  byteTexts[word >>> 24]! +
  byteTexts[(word >>> 16) & 0xff]! +
  byteTexts[(word >>> 8) & 0xff]! +
  byteTexts[word & 0xff]!

/**
 * Clock sequence and node of all events of an entry: the entry id's last 8 bytes, with variant and
 * multicast bits set.
 */
const suffix = (id: EntryId): string => {
  const sequence = (Number.parseInt(id.slice(16, 20), 16) & 0x3fff) | 0x8000
  const node = Number.parseInt(id.slice(20, 22), 16) | 0x01
  return `-${hex(sequence, 4)}-${hex(node, 2)}${id.slice(22, 32)}`
}

/**
 * The version 1 UUIDs of an entry's events: 100-ns ticks are `ms * 10,000 + index`, so the same
 * event has the same UUID on every attempt, at every destination and on every store. Times out of
 * range are clamped.
 *
 * Written here because the `uuid` package drops the carry out of the low 32 bits, which would make
 * some ticks 7 minutes wrong.
 */
export class TimeUUIDs {
  private readonly suffix: string
  /**
   * All but the low 32 bits stays the same for 7 minutes: it is made once for nearly all events of
   * an entry.
   */
  private high = -1
  private rest = ""
  private restPiece: Source | null = null

  constructor(id: EntryId) {
    this.suffix = suffix(id)
  }

  text(time: number, index: number): string {
    const low = this.lowBits(time, index)
    return wordText(low) + this.rest
  }

  write(into: ByteWriter, time: number, index: number): void {
    const low = this.lowBits(time, index)
    this.restPiece ??= piece(this.rest)
    into.hex(low)
    into.piece(this.restPiece)
  }

  /** Unsigned, with the others in `rest`. */
  private lowBits(time: number, index: number): number {
    const millis = Math.min(Math.max(Math.floor(time) + gregorianOffset, 0), lastMillis)
    // ms * 10,000 passes 2^53: split at bit 28, since 2^28 * 10,000 is 625 * 2^32 exactly.
    const low = ((millis >>> 0) % 2 ** 28) * 10_000 + index
    const high = Math.floor(millis / 2 ** 28) * 625 + Math.floor(low / 2 ** 32)
    if (high !== this.high) {
      this.high = high
      this.rest = `-${hex(high % 2 ** 16, 4)}-${hex(0x1000 | Math.floor(high / 2 ** 16), 4)}${this.suffix}`
      this.restPiece = null
    }
    return low >>> 0
  }
}

/** {@link TimeUUIDs} as texts. */
export const timeUUIDs = (id: EntryId): ((time: number, index: number) => string) => {
  const made = new TimeUUIDs(id)
  return (time, index) => made.text(time, index)
}

/** When an event was, by its version 1 UUID, in ms since the epoch: but for what was clamped. */
export const timeOf = (uuid: string): number => {
  const [low = "", middle = "", high = ""] = uuid.split("-")
  const ticks = (BigInt(`0x${high.slice(1)}`) << 48n) | (BigInt(`0x${middle}`) << 32n) | BigInt(`0x${low}`)
  return Number(ticks / 10_000n) - gregorianOffset
}

/** Whether a UUID may be that of an entry's event: they end alike. */
export const isOfEntry = (uuid: string, id: EntryId): boolean => uuid.toLowerCase().endsWith(suffix(id))
