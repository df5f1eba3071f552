import type { EventRow } from "../../api/rows.ts"

/** Rows of a view, newest first; the oldest go. */
export const capacity = 2_000

/**
 * What has arrived, and what of it is looked at: while it is held the view stays as it is, and what
 * comes is counted.
 */
export interface Ring {
  readonly rows: ReadonlyArray<EventRow>
  readonly view: ReadonlyArray<EventRow>
  readonly isHeld: boolean
  /** How many are newer than the view. */
  readonly newer: number
}

export const empty: Ring = { rows: [], view: [], isHeld: false, newer: 0 }

/** @param added newest first */
export const take = (ring: Ring, added: ReadonlyArray<EventRow>): Ring => {
  if (added.length === 0) return ring
  const known = new Set(ring.rows.slice(0, 200).map(([place]) => place))
  const fresh = added.filter(([place]) => !known.has(place))
  const rows = [...fresh, ...ring.rows].slice(0, capacity)
  return ring.isHeld
    ? { ...ring, rows, newer: Math.min(ring.newer + fresh.length, capacity) }
    : { ...ring, rows, view: rows }
}

/** Older ones, which a search has found: behind all others, whether it is held or not. */
export const append = (ring: Ring, older: ReadonlyArray<EventRow>): Ring => {
  const known = new Set(ring.rows.map(([place]) => place))
  const fresh = older.filter(([place]) => !known.has(place))
  const put = (rows: ReadonlyArray<EventRow>) =>
    [...rows, ...fresh].toSorted((a, b) => b[1] - a[1]).slice(0, capacity)
  return fresh.length === 0 ? ring : { ...ring, rows: put(ring.rows), view: put(ring.view) }
}

export const hold = (ring: Ring, isHeld: boolean): Ring => {
  if (isHeld === ring.isHeld) return ring
  return isHeld ? { ...ring, isHeld, newer: 0 } : { ...ring, isHeld, newer: 0, view: ring.rows }
}
