import { ByteWriter } from "../bytes/ByteWriter.ts"
import type { DecodedEntry } from "../entry/Entry.ts"
import type { RequestOrigin } from "../ports/Sink.ts"
import type { Catalog } from "./Catalog.ts"
import { type EventWriter, ExportError, type ExportRule } from "./Export.ts"
import { originOf, writerOf } from "./sentEvents.ts"

/** Where an event stands that has been exported. */
interface Place {
  readonly from: number
  readonly to: number
}

/** About what an event takes, in bytes. */
const eventRoom = 512

/**
 * An entry's events as they are sent under one export rule: made once for all lanes that share the
 * rule.
 */
export class ExportedEvents {
  private readonly entry: DecodedEntry
  private readonly rule: ExportRule
  private readonly catalog: Catalog
  private readonly writeNew: EventWriter
  /** What others may ask for, too. */
  private readonly kept: ByteWriter | null
  private knownOrigin: RequestOrigin | null | undefined
  private readonly places: Array<Place | ExportError | undefined> = []

  /**
   * @param isShared whether several lanes may ask for an event: one alone is spared the copy that
   * is kept
   */
  constructor(entry: DecodedEntry, rule: ExportRule, isShared: boolean) {
    this.entry = entry
    this.rule = rule
    this.catalog = rule.catalog()
    this.writeNew = writerOf(entry, rule)
    this.kept = isShared ? new ByteWriter(eventRoom) : null
  }

  /** Otherwise the catalog has changed meanwhile. */
  get isUpToDate(): boolean {
    return this.catalog === this.rule.catalog()
  }

  /** The request's, where events are written as they were sent; else `null`. */
  get origin(): RequestOrigin | null {
    if (this.knownOrigin === undefined) this.knownOrigin = originOf(this.entry, this.rule)
    return this.knownOrigin
  }

  write(index: number, into: ByteWriter): ExportError | null {
    const event = this.entry.events[index]!
    if (this.kept === null) return this.writeNew(event, index, into)
    const place = this.places[index] ?? this.keep(index, this.kept)
    if (place instanceof ExportError) return place
    into.copy(this.kept, place.from, place.to)
    return null
  }

  private keep(index: number, kept: ByteWriter): Place | ExportError {
    const from = kept.length
    const error = this.writeNew(this.entry.events[index]!, index, kept)
    const place = error ?? { from, to: kept.length }
    this.places[index] = place
    return place
  }
}
