/** How long what goes on is only counted after it was told, in ms. */
const interval = 60 * 60 * 1000

/** What may come any number of times: the first is told at once, the others once an hour. */
export interface Tally {
  /** How many there had been in all when they were last told. */
  readonly told: number
  /** When more of them are told, in ms; `null`: at once. */
  readonly due: number | null
}

export const untold: Tally = { told: 0, due: null }

/** How many there are to tell; `isFirst` when nothing of the kind has been told for an hour. */
export interface Sum {
  readonly count: number
  readonly isFirst: boolean
}

/**
 * @param total how many there have been in all
 * @param now ms
 */
export const tally = (state: Tally, total: number, now: number): readonly [Tally, Sum | null] => {
  const { told, due } = state
  if (due !== null && now < due) return [state, null]
  if (total <= told) return [{ told, due: null }, null]
  return [
    { told: total, due: now + interval },
    { count: total - told, isFirst: due === null },
  ]
}
