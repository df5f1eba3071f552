import { mulberry32 } from "../openLoop.ts"

/** Draws of one seeded sequence: the same seed makes the same attack. */
export interface Random {
  /** From 0 to below `limit`. */
  readonly below: (limit: number) => number
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** Random visible ASCII text. */
  readonly text: (length: number) => string
}

export const makeRandom = (seed: number): Random => {
  const next = mulberry32(seed)
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    pick: (items) => items[below(items.length)]!,
    text: (length) => {
      // A few random characters, then a run: what makes a text new is its beginning.
      const head = Array.from({ length: Math.min(length, 12) }, () => below(36).toString(36)).join("")
      return head.padEnd(length, head.slice(0, 1))
    },
  }
}
