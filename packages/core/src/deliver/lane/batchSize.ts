import type { Destination } from "../../select/Destination.ts"
import type { Book } from "./progress.ts"
import { fitsLearned } from "./transitions.ts"

/**
 * A lane tries a larger batch after this many full ones in a row have passed: a try that fails
 * costs less than a thirtieth of them.
 */
const growAfter = 32

/**
 * After each try that fails the next one comes twice as late, up to this many batches: a limit that
 * stays costs a thousandth.
 */
const growAtLatest = 1024

/** By how much a larger batch is larger. */
const growth = 1.25

/** A batch with this part of the bytes it may have counts as full. */
const full = 0.75

/**
 * How large the requests are that a receiver takes: learned from a batch that passed in parts only,
 * and kept in the book.
 */
export interface Fitting {
  /** How many bytes the next batch may have. */
  readonly limit: () => number
  /** Larger than what is known to pass: when it fails, that may be why. */
  readonly isTry: (bytes: number) => boolean
  readonly beginBatch: () => void
  readonly passed: (bytes: number) => void
  /**
   * A request of several events failed so that only its size can be the reason, or one of the
   * events.
   */
  readonly failed: (bytes: number) => void
  /** One event of the batch failed alone: its size proves nothing. */
  readonly spoil: () => void
  /** Nothing is left of the batch. */
  readonly settled: () => void
}

export const makeFitting = ({ batch }: Destination, book: Book): Fitting => {
  let inARow = 0
  let after = growAfter
  let growing = false
  /** Sizes of the batch at hand: the largest that passed, the smallest that failed. */
  let largest = 0
  let smallest = Number.POSITIVE_INFINITY
  let spoilt = false

  const learn = (bytes: number): void => {
    growing = false
    inARow = 0
    book.change(fitsLearned(bytes >= batch.maxBytes ? null : bytes))
  }

  return {
    limit: () => {
      const { fits } = book.state
      return fits === undefined ? Number.POSITIVE_INFINITY : growing ? Math.ceil(fits * growth) : fits
    },
    isTry: (bytes) => book.state.fits !== undefined && bytes > book.state.fits,
    beginBatch: () => {
      largest = 0
      smallest = Number.POSITIVE_INFINITY
      spoilt = false
    },
    passed: (bytes) => {
      largest = Math.max(largest, bytes)
      const { fits } = book.state
      if (fits === undefined) return
      if (bytes > fits) return learn(bytes)
      if (bytes < fits * full) return
      inARow += 1
      if (inARow >= after) growing = true
    },
    failed: (bytes) => {
      smallest = Math.min(smallest, bytes)
    },
    spoil: () => {
      spoilt = true
    },
    settled: () => {
      if (spoilt || largest === 0 || smallest === Number.POSITIVE_INFINITY) return
      const { fits } = book.state
      const shown = Math.min(largest, smallest - 1)
      if (fits !== undefined && smallest > fits) {
        after = Math.min(after * 2, growAtLatest)
        learn(fits)
      } else {
        after = growAfter
        learn(shown)
      }
    },
  }
}
