import { maxEventNameBytes } from "../../base/Event.ts"
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
  /** Of the stored entry: what the ring's bound counts. */
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

/** Of an item's events under an export rule. */
export const exportedEvents = (item: Item, rule: ExportRule): ExportedEvents => {
  let exported = item.exported?.get(rule.key)
  if (exported === undefined || !exported.isUpToDate) {
    exported = new ExportedEvents(item.entry, rule, item.feeds.length > 1)
    item.exported ??= new Map()
    item.exported.set(rule.key, exported)
  }
  return exported
}

/** Consecutive events of one entry that a lane wants, from `from` up to, but without, `to`. It shrinks as they are taken. */
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
  /** The position of the entry that the index counts events of; `null` when it is not known, or the place is before an entry. */
  readonly within: Position | null
  /** How many events that is since the feed began. */
  readonly scanned: number
}

/**
 * What one lane is about to take: the events its filter let through, in order.
 *
 * Near the head it is attached to the {@link Router}, which fills it from the one head reader; a feed that has fallen behind is filled by
 * its lane's own reading until it has caught up.
 */
export class Feed {
  readonly filter: CompiledFilter
  /** Below this many queued events it asks for more. */
  readonly lowWater: number
  /** Called when events have been queued, or the feed has been detached. */
  onNews: () => void
  private readonly queue = new Fifo<Run>()
  /** The last run queued: events that follow it directly prolong it. */
  private last: Run | null = null
  private queuedEvents = 0
  /** Set while attached. */
  private router: Router | null = null
  private offset = 0
  /** While detached: the last entry looked at whole, and how much of the next is already settled. */
  private frontier: Position
  private skip: number
  /** The entry that `skip` is meant for, where that is known. */
  private within: Position | null
  private scanned = 0
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
    this.frontier = place.position
    this.skip = place.index
    this.within = place.within ?? null
    this.onNews = onNews
  }

  get attached(): boolean {
    return this.router !== null
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

  /** While detached: some of the next entry is settled already, and only the lane's own reading leaves that out. */
  get insideEntry(): boolean {
    return this.skip > 0
  }

  /** While detached: whether an entry is another one than that of which some is settled. */
  isOther(position: Position): boolean {
    return this.skip > 0 && this.within !== null && this.within !== position
  }

  /** With an end: it has been looked at. */
  get finished(): boolean {
    return this.until !== null && (this.past || this.frontier >= this.until)
  }

  /** While detached: where the lane has to read on. */
  get readAfter(): Position {
    return this.router === null ? this.frontier : this.router.position
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

  /** While attached: queues an event, whose name has passed, if the rest of the filter lets it through; says whether it is the first of its entry. */
  offer(item: Item, index: number, router: Router): boolean {
    const { event: wants } = this.filter
    if (wants !== null && !wants(item.entry.events[index]!, index, item.entry)) return false
    return this.queueEvent(item, index, router.scanned + this.offset)
  }

  /** Just before the next queued event; with none queued, behind all that has been looked at. */
  get ahead(): Place {
    const next = this.peek()
    if (next !== undefined) {
      return placeIn(next, next.from)
    }
    return this.router === null
      ? {
          position: this.frontier,
          index: this.skip,
          within: this.within,
          scanned: this.scanned + this.skip,
        }
      : {
          position: this.router.position,
          index: 0,
          within: null,
          scanned: this.router.scanned + this.offset,
        }
  }

  /** While detached: looks at an entry that the lane has read itself. */
  scan(item: Item): void {
    if (this.endsBefore(item.position)) return
    const { name, event: wants } = this.filter
    const { events } = item.entry
    for (let index = this.skip; index < events.length; index++) {
      const event = events[index]!
      if (name(event.eventName) && (wants === null || wants(event, index, item.entry))) {
        this.queueEvent(item, index, this.scanned)
      }
    }
    this.pass({ position: item.position, events: events.length })
  }

  /** While detached: the same of an entry of whose events none is wanted. */
  pass({ position, events }: Pick<LogEntry, "position" | "events">): void {
    if (this.endsBefore(position)) return
    this.frontier = position
    this.scanned += events
    this.skip = 0
    this.within = null
  }

  private endsBefore(position: Position): boolean {
    if (this.until !== null && position > this.until) this.past = true
    return this.past
  }

  /** While detached: goes on elsewhere, past entries that have been trimmed or before those that the log has instead of others. */
  jump(position: Position): void {
    this.frontier = position
    this.scanned += this.skip
    this.skip = 0
    this.within = null
  }

  /** While detached, with an end: the log holds nothing more, so its end is not there any more. */
  endHere(): void {
    this.past = true
  }

  /** Goes back to a place it has passed, forgetting what is queued. */
  rewind(place: Place): void {
    for (const { item } of this.queue.drain()) item.references -= 1
    this.last = null
    this.queuedEvents = 0
    this.frontier = place.position
    this.skip = place.index
    this.within = place.within
    this.scanned = place.scanned - place.index
    this.past = false
  }

  attach(router: Router): void {
    this.router = router
    this.offset = this.scanned - router.scanned
  }

  /** Falls behind: forgets what is queued and not yet taken, to read it again later. */
  detach(): void {
    if (this.router === null) return
    const place = this.ahead
    this.router = null
    this.rewind(place)
  }
}

/**
 * Past this many event names the index is made anew: names are the senders' to choose. With names of the greatest length it takes 20 MiB; longer ones,
 * which only a store filled by others can hold, are looked at each time.
 */
const maxNames = 10_000

/**
 * Deals the head reader's entries to the attached feeds, by event name, and keeps what they have not taken yet in a ring of
 * bounded size: a feed whose next event drops out of the ring is detached.
 */
export class Router {
  /** The last entry dealt out. */
  position: Position
  /** How many events were dealt out since the start. */
  scanned = 0
  private readonly feeds = new Set<Feed>()
  private readonly byName = new Map<string, ReadonlyArray<Feed>>()
  private readonly ring = new Fifo<Item>()
  private ringBytes = 0
  private readonly maxBytes: number
  /** Positions behind the first of them, up to the second, are of what the log has lost. */
  private lost: { readonly after: Position; readonly upTo: Position } | null = null

  constructor(position: Position, maxBytes: number) {
    this.position = position
    this.maxBytes = maxBytes
  }

  get hungry(): boolean {
    for (const feed of this.feeds) if (feed.hungry) return true
    return false
  }

  /** Takes over a feed that has read up to exactly here, or, while it has none, further; says whether it did. */
  attach(feed: Feed): boolean {
    if (!feed.endless || feed.insideEntry) return false
    if (this.feeds.size === 0 && feed.readAfter > this.position && !this.isLost(feed.readAfter)) {
      this.position = feed.readAfter
    }
    if (feed.readAfter !== this.position) return false
    feed.attach(this)
    this.feeds.add(feed)
    this.byName.clear()
    return true
  }

  detach(feed: Feed): void {
    feed.detach()
    this.feeds.delete(feed)
    this.byName.clear()
  }

  /** What comes next is not what follows the last entry dealt out: the feeds find out each for itself what that means to them. */
  goOnAt(position: Position): void {
    const feeds = [...this.feeds]
    for (const feed of feeds) this.detach(feed)
    // A feed that stands there is not to lead back there.
    if (position < this.position) this.lost = { after: position, upTo: this.position }
    this.position = position
    // Last, since a lane that is woken may come back at once.
    for (const feed of feeds) feed.onNews()
  }

  private isLost(position: Position): boolean {
    return this.lost !== null && position > this.lost.after && position <= this.lost.upTo
  }

  deal(item: Item): void {
    const { events } = item.entry
    for (let index = 0; index < events.length; index++) {
      for (const feed of this.wanting(events[index]!.eventName)) {
        if (feed.offer(item, index, this)) item.feeds.push(feed)
      }
    }
    this.pass({ position: item.position, events: events.length })
    for (const feed of item.feeds) feed.onNews()
    this.keep(item)
  }

  /** An entry of whose events nobody wants any. */
  pass({ position, events }: Pick<LogEntry, "position" | "events">): void {
    this.position = position
    this.scanned += events
  }

  /** Whether any attached feed may want events of this name. */
  wants(eventName: string): boolean {
    return this.wanting(eventName).length > 0
  }

  private wanting(eventName: string): ReadonlyArray<Feed> {
    let feeds = this.byName.get(eventName)
    if (feeds === undefined) {
      feeds = [...this.feeds].filter((feed) => feed.filter.name(eventName))
      if (eventName.length > maxEventNameBytes) return feeds
      if (this.byName.size >= maxNames) this.byName.clear()
      this.byName.set(eventName, feeds)
    }
    return feeds
  }

  private keep(item: Item): void {
    if (item.references > 0) {
      this.ring.push(item)
      this.ringBytes += item.bytes
    }
    for (let oldest = this.ring.peek(); oldest !== undefined; oldest = this.ring.peek()) {
      if (oldest.references > 0) {
        if (this.ringBytes <= this.maxBytes) return
        for (const feed of oldest.feeds) {
          // A feed that has taken all of this item's events looks further ahead already.
          if (feed.attached && feed.ahead.position < oldest.position) {
            this.detach(feed)
            feed.onNews()
          }
        }
      }
      this.ringBytes -= oldest.bytes
      this.ring.shift()
    }
  }
}
