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

type Keys = Map<string, { lastUsedAt: number; events: number }>

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
  #today = { day: -1, stored: 0, rejected: 0 }
  #refused = 0
  #rejected = 0
  /** `null` until somebody asks for it. */
  #untold: { stored: number; rejected: number; keys: Keys } | null = null
  #untoldRefusals = new Map<string, RefusedRequests>()

  /** Counts events, by what became of them; those stored also by the key that was shown. */
  came(outcome: IntakeOutcome, events: number, keyId: string | null, at: number): void {
    if (outcome === "rejected") {
      this.#countRejected(events, at)
      if (this.#untold !== null) this.#untold.rejected += events
    }
    if (outcome !== "stored") return
    this.#countStored(events, at)
    if (keyId !== null) this.#use(this.#keys, keyId, events, at)
    if (this.#untold === null) return
    this.#untold.stored += events
    if (keyId !== null) this.#use(this.#untold.keys, keyId, events, at)
  }

  /** Notes a request that was answered with a 4xx. */
  refused({ route, status, body, sdk, key }: RefusedRequest, at: number): void {
    const kind = { route, status, message: messageOf(body), keyKind: kindOfKey(key) }
    const refusal = { ...kind, sdk: sdk === null ? null : Utf8.cut(sdk, maxText), last: at, count: 1 }
    this.#note(refusal)
    if (this.#untold !== null) this.#keep(this.#untoldRefusals, refusal)
  }

  /** What was noticed since it was last asked for; nothing that was told to this one. */
  take(): Noticed {
    const { stored, rejected, keys } = this.#untold ?? { stored: 0, rejected: 0, keys: new Map() }
    const refusals = [...this.#untoldRefusals.values()]
    this.#untold = { stored: 0, rejected: 0, keys: new Map() }
    this.#untoldRefusals = new Map()
    return { stored, rejected, refusals, keys: [...keys] }
  }

  /** Adds what another process has noticed just now. */
  add({ stored, rejected, refusals, keys }: Noticed, at: number): void {
    this.#countStored(stored, at)
    this.#countRejected(rejected, at)
    for (const refusal of refusals) this.#note(refusal)
    for (const [id, { events, lastUsedAt }] of keys) this.#use(this.#keys, id, events, lastUsedAt)
  }

  /** Kinds of refused requests, the last one first. */
  get refusals(): ReadonlyArray<RefusedRequests> {
    return [...this.#refusals.values()].reverse()
  }

  useOf(keyId: string): KeyUse | null {
    return this.#keys.get(keyId) ?? null
  }

  /** Requests that were refused, in all. */
  get refusedCount(): number {
    return this.#refused
  }

  /** Events that were refused one by one, in all. */
  get rejectedCount(): number {
    return this.#rejected
  }

  wrongKeysIn(minutes: number, now: number): number {
    return this.#buckets.inMinutes(minutes, columns.wrongKeys, now)
  }

  /** Events since midnight UTC, or since the beginning. */
  today(now: number): { readonly stored: number; readonly rejected: number } {
    return this.#today.day === Math.floor(now / day) ? this.#today : { stored: 0, rejected: 0 }
  }

  /** Events stored a second, over the last ten. @param since when counting began */
  rate(now: number, since: number): number {
    const second = Math.floor(now / 1000)
    let sum = 0
    for (let at = second - rateSeconds; at < second; at++) {
      if (at >= 0 && this.#seconds[at % keptSeconds] === at) sum += this.#storedIn[at % keptSeconds]!
    }
    return sum / Math.min(Math.max((now - since) / 1000, 1), rateSeconds)
  }

  show(range: Range, now: number): Shown {
    return this.#buckets.show(range, now)
  }

  static readonly columns = columns

  #countStored(events: number, at: number): void {
    if (events === 0) return
    this.#buckets.add(at, columns.stored, events)
    this.#dayOf(at).stored += events
    const second = Math.floor(at / 1000)
    const place = second % keptSeconds
    if (this.#seconds[place] === second) this.#storedIn[place]! += events
    else {
      this.#seconds[place] = second
      this.#storedIn[place] = events
    }
  }

  #countRejected(events: number, at: number): void {
    if (events === 0) return
    this.#rejected += events
    this.#buckets.add(at, columns.rejected, events)
    this.#dayOf(at).rejected += events
  }

  #dayOf(at: number) {
    const number = Math.floor(at / day)
    if (this.#today.day !== number) this.#today = { day: number, stored: 0, rejected: 0 }
    return this.#today
  }

  #note(refusal: RefusedRequests): void {
    const { last, count, status } = refusal
    this.#refused += count
    this.#buckets.add(last, columns.refused, count)
    if (status === 401) this.#buckets.add(last, columns.wrongKeys, count)
    this.#keep(this.#refusals, refusal)
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

  #use(keys: Keys, id: string, events: number, lastUsedAt: number): void {
    const known = keys.get(id)
    if (known === undefined) {
      if (keys.size < maxKeys) keys.set(id, { events, lastUsedAt })
      return
    }
    // Written over: every request comes by here.
    known.events += events
    known.lastUsedAt = Math.max(known.lastUsedAt, lastUsedAt)
  }
}
