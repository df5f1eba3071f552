/**
 * How much CPU time each of Millrace's ways may take, as a multiple of the bare way beside it.
 * `seen` was measured when the bound was set. The bound leaves room for noise and for other
 * machines, and is less than 1.3 times `seen`. Lower both when you make a way cheaper: `npm run
 * bench -- guard` asks for it.
 */
export interface Bound {
  readonly seen: number
  readonly bound: number
}

export const bounds = {
  /** `handle` of a request with 1 event, to `JSON.parse`. */
  intake1: { seen: 4.7, bound: 6 },
  /** The same with 100 events. */
  intake100: { seen: 0.78, bound: 1 },
  /** A request with 1 event over HTTP, to the limit's. */
  http1: { seen: 1.16, bound: 1.4 },
  /**
   * `handle` of requests with 100 events on SQLite, against `JSON.parse` and an append with
   * `fdatasync`.
   */
  sqlite100: { seen: 1, bound: 1.28 },
  /**
   * Delivery of events in batches of 500, against `JSON.stringify` and undici. It is 1 where new
   * pages of memory are dear, since the bare way needs more of them.
   */
  delivery: { seen: 1.65, bound: 2.1 },
} satisfies Readonly<Record<string, Bound>>

export type Guarded = keyof typeof bounds
