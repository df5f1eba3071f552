import { maxEventNameBytes } from "../../base/Event.ts"
import { Fifo } from "../../base/Fifo.ts"
import type { LogEntry } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import type { Feed, Item } from "./Feed.ts"

/**
 * Past this many event names the index is made anew: names are the senders' to choose. With names
 * of the greatest length it takes 20 MiB; longer ones, which only a store filled by others can
 * hold, are looked at each time.
 */
const maxNames = 10_000

/**
 * Deals the head reader's entries to the attached feeds, by event name, and keeps what they have
 * not taken yet in a ring of bounded size: a feed whose next event drops out of the ring is
 * detached.
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

  /**
   * Takes over a feed that has read up to exactly here, or, while it has none, further; says
   * whether it did.
   */
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

  /**
   * What comes next is not what follows the last entry dealt out: the feeds find out each for
   * itself what that means to them.
   */
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
        if (feed.offer(item, index)) item.feeds.push(feed)
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
