import { Fifo } from "../../base/Fifo.ts"
import type { DecodedEntry } from "../../entry/Entry.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { ExportRule } from "../../select/Export.ts"
import { ExportedEvents } from "../../select/exportedEvents.ts"
import type { CompiledFilter } from "../../select/Filter.ts"

/** An entry that has been read and parsed, on its way to the lanes. */
export interface Item {
  /** The position of the entry before it: reading after that gives this one. */
  readonly before: Position
  readonly position: Position
  readonly entry: DecodedEntry
  /** Bytes of the stored entry: what the ring's bound counts. */
  readonly bytes: number
  /** On the monotonic clock (ms). */
  readonly readAt: number
  /** By the key of an export rule; `null` until one is asked for. */
  exported: Map<string, ExportedEvents> | null
  /** How many queued runs still point here. */
  references: number
  /** The attached feeds that were given some of its events. */
  readonly feeds: Array<Feed>
}

export const makeItem = (
  before: Position,
  position: Position,
  entry: DecodedEntry,
  bytes: number,
  readAt: number,
): Item => ({ before, position, entry, bytes, readAt, exported: null, references: 0, feeds: [] })

/** An item's events under an export rule. */
export const exportedEvents = (item: Item, rule: ExportRule): ExportedEvents => {
  let exported = item.exported?.get(rule.key)
  if (exported === undefined || !exported.isUpToDate) {
    exported = new ExportedEvents(item.entry, rule, item.feeds.length > 1)
    item.exported ??= new Map()
    item.exported.set(rule.key, exported)
  }
  return exported
}

/**
 * Consecutive events of one entry that a lane wants, from `from` up to, but without, `to`. It
 * shrinks as they are taken.
 */
export interface Run {
  readonly item: Item
  from: number
  to: number
  /** How many events the lane's feed had looked at before this entry. */
  readonly scannedBefore: number
}

/** The place before an event of a run's entry. */
export const placeIn = ({ item, scannedBefore }: Run, index: number): Place => ({
  position: item.before,
  index,
  within: index > 0 ? item.position : null,
  scanned: scannedBefore + index,
})

/** Where a lane stands: everything before it has been looked at. */
export interface Place {
  readonly position: Position
  readonly index: number
  /**
   * The position of the entry that the index counts events of; `null` when it is not known, or the
   * place is before an entry.
   */
  readonly within: Position | null
  /** How many events that is since the feed began. */
  readonly scanned: number
}

/** The dealer of entries to attached feeds, as far as a feed has to know it. */
interface Dealer {
  /** The last entry dealt out. */
  readonly position: Position
  /** How many events were dealt out since the start. */
  readonly scanned: number
}

/**
 * Fed by the router: the feed stands where the router stands, and counts events from another start.
 */
interface Attached {
  readonly _tag: "Attached"
  readonly dealer: Dealer
  /** What the feed has looked at more, or less, than the router has dealt out. */
  readonly offset: number
}

/** Filled by the lane's own reading. */
interface Detached {
  readonly _tag: "Detached"
  /** The last entry looked at whole. */
  readonly frontier: Position
  /** How many events of the next entry are settled already. */
  readonly skip: number
  /** The entry that `skip` counts events of; `null` where that is not known. */
  readonly within: Position | null
  /** How many events were looked at, up to the frontier. */
  readonly scanned: number
}

/**
 * What one lane is about to take: the events its filter let through, in order.
 *
 * ```
 *              attach: it has read up to where the router stands, has no end,
 *              and stands inside no entry
 *   Detached ───────────────────────────────────────────────────────────────► Attached
 *   the lane reads: scan,                                          the router deals: offer
 *   pass, jump, endHere, rewind
 *            ◄───────────────────────────────────────────────────────────────
 *              detach: the lane goes back or ends, its next event drops out of the
 *              router's ring, or the log goes on elsewhere; what is queued is forgotten
 * ```
 *
 * Only the router attaches and detaches, since it has to know whom it deals to. What may be done in
 * one mode only is a defect in the other.
 */
export class Feed {
  readonly filter: CompiledFilter
  /** Below this many queued events it asks for more. */
  readonly lowWater: number
  /** Called when events have been queued, or the feed has been detached. */
  onNews: () => void
  private mode: Attached | Detached
  private readonly queue = new Fifo<Run>()
  /** The last run queued: events that follow it directly prolong it. */
  private last: Run | null = null
  private queuedEvents = 0
  /** The last entry to look at; `null` for no end. */
  private readonly until: string | null
  private past = false

  constructor(
    filter: CompiledFilter,
    lowWater: number,
    place: { readonly position: Position; readonly index: number; readonly within?: Position | null },
    onNews: () => void,
    until: string | null,
  ) {
    this.until = until
    this.filter = filter
    this.lowWater = lowWater
    this.mode = {
      _tag: "Detached",
      frontier: place.position,
      skip: place.index,
      within: place.within ?? null,
      scanned: 0,
    }
    this.onNews = onNews
  }

  get attached(): boolean {
    return this.mode._tag === "Attached"
  }

  get queued(): number {
    return this.queuedEvents
  }

  get hungry(): boolean {
    return this.queued < this.lowWater
  }

  /** Without an end, and so fit to be attached. */
  get endless(): boolean {
    return this.until === null
  }

  /** Some of the next entry is settled already, and only the lane's own reading leaves that out. */
  get insideEntry(): boolean {
    return this.mode._tag === "Detached" && this.mode.skip > 0
  }

  /** Whether an entry is another one than that of which some is settled. */
  isOther(position: Position): boolean {
    const { mode } = this
    return mode._tag === "Detached" && mode.skip > 0 && mode.within !== null && mode.within !== position
  }

  /** With an end: it has been looked at. */
  get finished(): boolean {
    return this.until !== null && (this.past || this.readAfter >= this.until)
  }

  /** The last entry looked at whole: where a lane that is detached has to read on. */
  get readAfter(): Position {
    return this.mode._tag === "Attached" ? this.mode.dealer.position : this.mode.frontier
  }

  peek(): Run | undefined {
    return this.queue.peek()
  }

  /** Takes the next queued event, or so many of the next run. */
  take(count = 1): void {
    const run = this.queue.peek()
    if (run === undefined) return
    run.from += count
    this.queuedEvents -= count
    if (run.from < run.to) return
    this.queue.shift()
    run.item.references -= 1
  }

  /**
   * Queues an event that the filter has let through.
   *
   * @param scannedBefore how many events the feed had looked at before its entry
   * @returns whether it is the first of its entry
   */
  private queueEvent(item: Item, index: number, scannedBefore: number): boolean {
    const { last } = this
    this.queuedEvents += 1
    if (last !== null && last.item === item && last.to === index) {
      last.to = index + 1
      return false
    }
    this.last = { item, from: index, to: index + 1, scannedBefore }
    this.queue.push(this.last)
    item.references += 1
    return last?.item !== item
  }

  /**
   * Queues an event whose name has passed, if the rest of the filter lets it through.
   *
   * @returns whether it is the first of its entry
   */
  offer(item: Item, index: number): boolean {
    const { event: wants } = this.filter
    if (wants !== null && !wants(item.entry.events[index]!, index, item.entry)) return false
    const { dealer, offset } = this.whileAttached()
    return this.queueEvent(item, index, dealer.scanned + offset)
  }

  /** Just before the next queued event; with none queued, behind all that has been looked at. */
  get ahead(): Place {
    const next = this.peek()
    if (next !== undefined) {
      return placeIn(next, next.from)
    }
    const { mode } = this
    return mode._tag === "Attached"
      ? {
          position: mode.dealer.position,
          index: 0,
          within: null,
          scanned: mode.dealer.scanned + mode.offset,
        }
      : {
          position: mode.frontier,
          index: mode.skip,
          within: mode.within,
          scanned: mode.scanned + mode.skip,
        }
  }

  /** Looks at an entry that the lane has read itself. */
  scan(item: Item): void {
    if (this.endsBefore(item.position)) return
    const { name, event: wants } = this.filter
    const { events } = item.entry
    const { skip, scanned } = this.whileDetached()
    for (let index = skip; index < events.length; index++) {
      const event = events[index]!
      if (name(event.eventName) && (wants === null || wants(event, index, item.entry))) {
        this.queueEvent(item, index, scanned)
      }
    }
    this.pass({ position: item.position, events: events.length })
  }

  /** Passes an entry of whose events none is wanted. */
  pass({ position, events }: Pick<LogEntry, "position" | "events">): void {
    if (this.endsBefore(position)) return
    this.standAt(position, this.whileDetached().scanned + events)
  }

  private endsBefore(position: Position): boolean {
    if (this.until !== null && position > this.until) this.past = true
    return this.past
  }

  /**
   * Goes on elsewhere, past entries that have been trimmed or before those that the log has instead
   * of others.
   */
  jump(position: Position): void {
    const { scanned, skip } = this.whileDetached()
    this.standAt(position, scanned + skip)
  }

  /** The log holds nothing more, so the end of this feed is not there any more. */
  endHere(): void {
    this.past = true
  }

  /** Goes back to a place it has passed, forgetting what is queued. */
  rewind(place: Place): void {
    this.whileDetached()
    this.standAtPlace(place)
  }

  /** Only for the router. */
  attach(dealer: Dealer): void {
    this.mode = { _tag: "Attached", dealer, offset: this.whileDetached().scanned - dealer.scanned }
  }

  /** Only for the router. Forgets what is queued and not yet taken, to read it again later. */
  detach(): void {
    if (this.mode._tag === "Attached") this.standAtPlace(this.ahead)
  }

  private standAt(frontier: Position, scanned: number): void {
    this.mode = { _tag: "Detached", frontier, skip: 0, within: null, scanned }
  }

  private standAtPlace({ position, index, within, scanned }: Place): void {
    for (const { item } of this.queue.drain()) item.references -= 1
    this.last = null
    this.queuedEvents = 0
    this.past = false
    this.mode = {
      _tag: "Detached",
      frontier: position,
      skip: index,
      within,
      scanned: scanned - index,
    }
  }

  private whileAttached(): Attached {
    if (this.mode._tag === "Detached") throw new Error("a feed that is not attached is dealt an event")
    return this.mode
  }

  private whileDetached(): Detached {
    if (this.mode._tag === "Attached") throw new Error("a feed that is attached is told where to stand")
    return this.mode
  }
}
