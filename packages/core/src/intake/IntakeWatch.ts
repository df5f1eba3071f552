import { Buckets, type Range, type Shown } from "../base/Buckets.ts"
import { isObject, parse } from "../base/json.ts"
import type { IntakeOutcome } from "../base/Telemetry.ts"
import * as Utf8 from "../base/utf8.ts"

/** Requests refused alike, and how many of them there were. */
export interface RefusedRequests {
  readonly last: number
  readonly count: number
  readonly route: string
  readonly status: number
  /** Names a place and a reason, never a value; indices are left out. */
  readonly message: string
  readonly sdk: string | null
  /** How the key that was shown begins; `null` without one. */
  readonly keyKind: string | null
}

export interface KeyUse {
  readonly lastUsedAt: number
  /** Events that were stored. */
  readonly events: number
}

interface KeyCount {
  lastUsedAt: number
  events: number
  /** How many of them have been told to another process. */
  told: number
}

type Keys = Map<string, KeyCount>

/** What intake has noticed meanwhile, fit to be told to another process. */
export interface Noticed {
  readonly stored: number
  readonly rejected: number
  readonly refusals: ReadonlyArray<RefusedRequests>
  readonly keys: ReadonlyArray<readonly [id: string, use: KeyUse]>
}

/** A refused request, as far as it is kept. */
export interface RefusedRequest {
  readonly route: string
  readonly status: number
  readonly body: string | Uint8Array
  /** Name and version, as the request says them. */
  readonly sdk: string | null
  readonly key: string | null
}

/** Kinds of refused requests that are remembered: senders choose what differs. */
const maxKinds = 100

/** Keys whose use is counted: an installation has dozens. */
const maxKeys = 1_000

/** Characters of a message and of an SDK's name. */
const maxText = 200

/** Seconds over which a rate is told, and for which counts are kept. */
const rateSeconds = 10
const keptSeconds = 16

const columns = { stored: 0, rejected: 1, refused: 2, wrongKeys: 3 } as const

const columnCount = 4

const second = 1000

const day = 24 * 60 * 60 * 1000

const kindOfKey = (key: string | null): string | null => {
  if (key === null) return null
  return /^(?:client|secret|console|webhook)-/.exec(key)?.[0] ?? "other"
}

/** The same of all events of a request. */
const messageOf = (body: string | Uint8Array): string => {
  const json = typeof body === "string" ? parse(body) : undefined
  const message = isObject(json) ? json["message"] : undefined
  return typeof message === "string" ? Utf8.cut(message.replaceAll(/\[\d+\]/g, "[…]"), maxText) : ""
}

/**
 * What intake notices besides what it stores, for those who look on: counts by minute, requests
 * that were refused, and which keys are used. Nothing of a single event. It takes what others have
 * noticed as well, where several processes take events in for one.
 */
export class IntakeWatch {
  readonly #buckets = new Buckets(columnCount)
  readonly #seconds = new Float64Array(keptSeconds).fill(-1)
  readonly #storedIn = new Float64Array(keptSeconds)
  readonly #refusals = new Map<string, RefusedRequests>()
  readonly #keys: Keys = new Map()
  #lastKey: string | null = null
  #lastUse: KeyCount | null = null
  #today = { day: -1, stored: 0, rejected: 0 }
  /** What has come in the second at hand, which begins at `from`. */
  #second = { from: Number.NaN, stored: 0, rejected: 0 }
  readonly #all = { stored: 0, rejected: 0, refused: 0, wrongKeys: 0 }
  #listener: () => void = () => {}
  /** What {@link take} has told. */
  #told = { stored: 0, rejected: 0 }
  #untoldRefusals = new Map<string, RefusedRequests>()

  /**
   * Counts events, by what became of them; those stored also by the key that was shown. Every
   * request comes by here, so that what takes its time is done once a second.
   */
  came(outcome: IntakeOutcome, events: number, keyId: string | null, at: number): void {
    const within = at - this.#second.from
    if (!(within >= 0 && within < second)) this.#settle(at)
    if (outcome === "rejected") this.#second.rejected += events
    if (outcome !== "stored") return
    this.#second.stored += events
    if (keyId === null) return
    if (keyId !== this.#lastKey) {
      this.#lastKey = keyId
      this.#lastUse = this.#useOf(keyId)
    }
    if (this.#lastUse === null) return
    this.#lastUse.events += events
    this.#lastUse.lastUsedAt = at
  }

  /** Notes a request that was answered with a 4xx. */
  refused({ route, status, body, sdk, key }: RefusedRequest, at: number): void {
    const kind = { route, status, message: messageOf(body), keyKind: kindOfKey(key) }
    const refusal = { ...kind, sdk: sdk === null ? null : Utf8.cut(sdk, maxText), last: at, count: 1 }
    this.#note(refusal)
    this.#keep(this.#untoldRefusals, refusal)
  }

  /** Calls the function whenever a request has been refused, by this process or another. */
  onRefused(listener: () => void): void {
    this.#listener = listener
  }

  /** What was noticed here since it was last asked for. */
  take(): Noticed {
    this.#settle(this.#second.from)
    const { stored, rejected } = this.#all
    const refusals = [...this.#untoldRefusals.values()]
    const keys = [...this.#keys].flatMap(([id, use]): Noticed["keys"] => {
      const events = use.events - use.told
      use.told = use.events
      return events === 0 ? [] : [[id, { lastUsedAt: use.lastUsedAt, events }]]
    })
    const noticed = { stored: stored - this.#told.stored, rejected: rejected - this.#told.rejected }
    this.#told = { stored, rejected }
    this.#untoldRefusals = new Map()
    return { ...noticed, refusals, keys }
  }

  /** Adds what another process has noticed just now. */
  add({ stored, rejected, refusals, keys }: Noticed, at: number): void {
    this.#settle(at)
    this.#second.stored += stored
    this.#second.rejected += rejected
    for (const refusal of refusals) this.#note(refusal)
    for (const [id, { events, lastUsedAt }] of keys) {
      const use = this.#useOf(id)
      if (use === null) continue
      use.events += events
      use.lastUsedAt = Math.max(use.lastUsedAt, lastUsedAt)
    }
  }

  /** Kinds of refused requests, the last one first. */
  get refusals(): ReadonlyArray<RefusedRequests> {
    return [...this.#refusals.values()].reverse()
  }

  useOf(keyId: string): KeyUse | null {
    const use = this.#keys.get(keyId)
    return use === undefined ? null : { lastUsedAt: use.lastUsedAt, events: use.events }
  }

  /** Requests that were refused, in all. */
  get refusedCount(): number {
    return this.#all.refused
  }

  /** Those of them that showed no key that is known. */
  get refusedKeyCount(): number {
    return this.#all.wrongKeys
  }

  /** Events that were refused one by one, in all. */
  get rejectedCount(): number {
    return this.#all.rejected + this.#second.rejected
  }

  wrongKeysIn(minutes: number, now: number): number {
    return this.#buckets.inMinutes(minutes, columns.wrongKeys, now)
  }

  /** Events since midnight UTC, or since the beginning. */
  today(now: number): { readonly stored: number; readonly rejected: number } {
    this.#settle(this.#second.from)
    return this.#today.day === Math.floor(now / day) ? this.#today : { stored: 0, rejected: 0 }
  }

  /** Events stored a second, over the last ten. @param since when counting began */
  rate(now: number, since: number): number {
    this.#settle(this.#second.from)
    const last = Math.floor(now / second)
    let sum = 0
    for (let at = last - rateSeconds; at < last; at++) {
      if (at >= 0 && this.#seconds[at % keptSeconds] === at) sum += this.#storedIn[at % keptSeconds]!
    }
    return sum / Math.min(Math.max((now - since) / 1000, 1), rateSeconds)
  }

  show(range: Range, now: number): Shown {
    this.#settle(this.#second.from)
    return this.#buckets.show(range, now)
  }

  static readonly columns = columns

  /** Counts the second at hand where it belongs, and begins with that of another time. */
  #settle(at: number): void {
    const { from, stored, rejected } = this.#second
    this.#second = { from: Math.floor(at / second) * second, stored: 0, rejected: 0 }
    this.#all.stored += stored
    this.#all.rejected += rejected
    if (stored + rejected === 0) return
    this.#buckets.add(from, columns.stored, stored)
    this.#buckets.add(from, columns.rejected, rejected)
    const today = this.#dayOf(from)
    today.stored += stored
    today.rejected += rejected
    const number = from / second
    const place = number % keptSeconds
    if (this.#seconds[place] === number) this.#storedIn[place]! += stored
    else {
      this.#seconds[place] = number
      this.#storedIn[place] = stored
    }
  }

  #dayOf(at: number) {
    const number = Math.floor(at / day)
    if (this.#today.day !== number) this.#today = { day: number, stored: 0, rejected: 0 }
    return this.#today
  }

  #note(refusal: RefusedRequests): void {
    const { last, count, status } = refusal
    this.#all.refused += count
    this.#buckets.add(last, columns.refused, count)
    if (status === 401) {
      this.#all.wrongKeys += count
      this.#buckets.add(last, columns.wrongKeys, count)
    }
    this.#keep(this.#refusals, refusal)
    this.#listener()
  }

  /** Behind all others: the one that was seen longest ago goes first. */
  #keep(kinds: Map<string, RefusedRequests>, refusal: RefusedRequests): void {
    const { route, status, message, sdk, keyKind } = refusal
    const kind = JSON.stringify([route, status, message, sdk, keyKind])
    const known = kinds.get(kind)
    kinds.delete(kind)
    kinds.set(kind, { ...refusal, count: refusal.count + (known?.count ?? 0) })
    if (kinds.size > maxKinds) kinds.delete(kinds.keys().next().value!)
  }

  /** `null` when as many others are counted already. */
  #useOf(id: string): KeyCount | null {
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    if (this.#keys.size >= maxKeys) return null
    const made: KeyCount = { lastUsedAt: 0, events: 0, told: 0 }
    this.#keys.set(id, made)
    return made
  }
}
