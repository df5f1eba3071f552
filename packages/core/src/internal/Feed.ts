import type { Catalog } from "../Catalog.ts"
import type { DecodedEntry } from "../Entry.ts"
import { type ExportError, type ExportRule, textExporter } from "../Export.ts"
import type { CompiledFilter } from "../Filter.ts"
import type { Position } from "../Position.ts"
import { Fifo } from "./Fifo.ts"

interface Texts {
  /** They were made with it: with another they are made anew. */
  readonly catalog: Catalog
  readonly of: (index: number) => string | ExportError
}

/** An entry that has been read and parsed, on its way to the lanes. */
export interface Item {
  /** The position of the entry before it: reading after that gives this one. */
  readonly before: Position
  readonly position: Position
  readonly entry: DecodedEntry
  /** Of the stored entry: what the ring's bound counts. */
  readonly bytes: number
  /** ms since the epoch. */
  readonly readAt: number
  /** By the key of an export rule, its events' texts: made once for all lanes that share the rule. */
  readonly texts: Map<string, Texts>
  /** How many queued events still point here. */
  references: number
  /** The attached feeds that were given some of its events. */
  readonly feeds: Set<Feed>
}

export const makeItem = (
  before: Position,
  position: Position,
  entry: DecodedEntry,
  bytes: number,
  readAt: number,
): Item => ({ before, position, entry, bytes, readAt, texts: new Map(), references: 0, feeds: new Set() })

/** The JSON text of one event under an export rule. */
export const exportedText = (item: Item, index: number, rule: ExportRule): string | ExportError => {
  const catalog = rule.catalog()
  let texts = item.texts.get(rule.key)
  if (texts?.catalog !== catalog) {
    texts = { catalog, of: memoized(item.entry, rule) }
    item.texts.set(rule.key, texts)
  }
  return texts.of(index)
}

const memoized = (entry: DecodedEntry, rule: ExportRule): Texts["of"] => {
  const toText = textExporter(entry, rule)
  const texts: Array<string | ExportError | undefined> = new Array(entry.events.length)
  return (index) => {
    texts[index] ??= toText(entry.events[index]!, index)
    return texts[index]
  }
}

/** An event that a lane wants. */
export interface Reference {
  readonly item: Item
  readonly index: number
  /** How many events the lane's feed had looked at before this one. */
  readonly scannedBefore: number
}

/** Where a lane stands: everything before it has been looked at. */
export interface Place {
  readonly position: Position
  readonly index: number
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
  private readonly queue = new Fifo<Reference>()
  /** Set while attached. */
  private router: Router | null = null
  private offset = 0
  /** While detached: the last entry looked at whole, and how much of the next is already settled. */
  private frontier: Position
  private skip: number
  private scanned = 0
  /** The last entry to look at; `null` for no end. */
  private readonly until: string | null
  private past = false

  constructor(
    filter: CompiledFilter,
    lowWater: number,
    place: { readonly position: Position; readonly index: number },
    onNews: () => void,
    until: string | null,
  ) {
    this.until = until
    this.filter = filter
    this.lowWater = lowWater
    this.frontier = place.position
    this.skip = place.index
    this.onNews = onNews
  }

  get attached(): boolean {
    return this.router !== null
  }

  get queued(): number {
    return this.queue.length
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

  /** With an end: it has been looked at. */
  get finished(): boolean {
    return this.until !== null && (this.past || this.frontier >= this.until)
  }

  /** While detached: where the lane has to read on. */
  get readAfter(): Position {
    return this.router === null ? this.frontier : this.router.position
  }

  peek(): Reference | undefined {
    return this.queue.peek()
  }

  take(): void {
    const taken = this.queue.shift()
    if (taken !== undefined) taken.item.references -= 1
  }

  push(reference: Reference): void {
    reference.item.references += 1
    this.queue.push(reference)
  }

  /** Just before the next queued event; with none queued, behind all that has been looked at. */
  get ahead(): Place {
    const next = this.peek()
    if (next !== undefined) {
      return { position: next.item.before, index: next.index, scanned: next.scannedBefore }
    }
    return this.router === null
      ? { position: this.frontier, index: this.skip, scanned: this.scanned + this.skip }
      : { position: this.router.position, index: 0, scanned: this.router.scanned + this.offset }
  }

  /** While detached: looks at an entry that the lane has read itself. */
  scan(item: Item): void {
    if (this.until !== null && item.position > this.until) {
      this.past = true
      return
    }
    const { name, event: wants } = this.filter
    item.entry.events.forEach((event, index) => {
      if (
        index >= this.skip &&
        name(event.eventName) &&
        (wants === null || wants(event, index, item.entry))
      ) {
        this.push({ item, index, scannedBefore: this.scanned + index })
      }
    })
    this.frontier = item.position
    this.scanned += item.entry.events.length
    this.skip = 0
  }

  /** While detached: goes on at a later position, past entries that have been trimmed. */
  jump(position: Position): void {
    this.frontier = position
    this.skip = 0
  }

  /** Goes back to a place it has passed, forgetting what is queued. */
  rewind(place: Place): void {
    for (const reference of this.queue.drain()) reference.item.references -= 1
    this.frontier = place.position
    this.skip = place.index
    this.scanned = place.scanned - place.index
    this.past = false
  }

  attach(router: Router): void {
    this.router = router
    this.offset = this.scanned - router.scanned
  }

  scannedBefore(router: Router, index: number): number {
    return router.scanned + this.offset + index
  }

  /** Falls behind: forgets what is queued and not yet taken, to read it again later. */
  detach(): void {
    if (this.router === null) return
    const place = this.ahead
    this.router = null
    this.rewind(place)
  }
}

/** Past this many event names the index is made anew: names are the senders' to choose. */
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
    if (this.feeds.size === 0 && feed.readAfter > this.position) this.position = feed.readAfter
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

  detachAll(): void {
    for (const feed of [...this.feeds]) {
      this.detach(feed)
      feed.onNews()
    }
  }

  deal(item: Item): void {
    item.entry.events.forEach((event, index) => {
      for (const feed of this.wanting(event.eventName)) {
        if (feed.filter.event !== null && !feed.filter.event(event, index, item.entry)) continue
        feed.push({ item, index, scannedBefore: feed.scannedBefore(this, index) })
        item.feeds.add(feed)
      }
    })
    this.position = item.position
    this.scanned += item.entry.events.length
    for (const feed of item.feeds) feed.onNews()
    this.keep(item)
  }

  private wanting(eventName: string): ReadonlyArray<Feed> {
    let feeds = this.byName.get(eventName)
    if (feeds === undefined) {
      feeds = [...this.feeds].filter((feed) => feed.filter.name(eventName))
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
