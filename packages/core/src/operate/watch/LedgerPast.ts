import type { DestinationRow } from "../rows/destinationRow.ts"

/** What a rate is told over, in ms. */
const window = 60_000

/** Samples of a window, and one before it: while somebody looks there is one every 2 s. */
const maxSamples = 64

interface Sample {
  readonly at: number
  readonly rows: ReadonlyMap<string, DestinationRow>
}

/** Events a second. */
export interface Rates {
  readonly delivered: number
  readonly filtered: number
}

const none: Rates = { delivered: 0, filtered: 0 }

/** What the ledger said a moment ago: rates are told from the difference. */
export class LedgerPast {
  #samples: ReadonlyArray<Sample> = []
  #wokeAt = Number.NEGATIVE_INFINITY

  /** Nothing has happened between the last sample and now. */
  woke(at: number): void {
    this.#wokeAt = at
  }

  note(at: number, rows: ReadonlyArray<DestinationRow>): void {
    const sample = { at, rows: new Map(rows.map((row) => [row.id, row])) }
    const kept = this.#samples.filter((one) => one.at < at)
    const old = kept.findLastIndex((one) => one.at <= at - window)
    this.#samples = [...kept.slice(Math.max(old, 0)), sample].slice(-maxSamples)
  }

  get last(): ReadonlyMap<string, DestinationRow> | null {
    return this.#samples.at(-1)?.rows ?? null
  }

  /** Over the last minute, or as much of it as is known. */
  rates(id: string): Rates {
    const [first] = this.#samples
    const last = this.#samples.at(-1)
    const before = first?.rows.get(id)
    const now = last?.rows.get(id)
    if (first === undefined || last === undefined || before === undefined || now === undefined) return none
    const from = Math.max(first.at, Math.min(this.#wokeAt, last.at))
    const seconds = (last.at - from) / 1000
    if (first === last || seconds <= 0) return none
    const rate = (later: number, earlier: number) => Math.max(later - earlier, 0) / seconds
    return {
      delivered: rate(now.delivered, before.delivered),
      filtered: rate(now.filtered, before.filtered),
    }
  }
}
