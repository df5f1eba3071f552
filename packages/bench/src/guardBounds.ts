/**
 * How much CPU time each of Millrace's ways may take, as a multiple of the bare way beside it. `seen` was measured when the bound was set; the bound
 * leaves room for noise and for other machines, and is less than 1.3 times of it. Whoever makes a way cheaper lowers both, which `npm run bench -- guard`
 * asks for.
 */
export interface Bound {
  readonly seen: number
  readonly bound: number
}

export const bounds = {
  intake1: { seen: 13, bound: 15.5 },
  intake100: { seen: 1.35, bound: 1.55 },
  sqlite100: { seen: 1.3, bound: 1.5 },
  delivery: { seen: 3, bound: 3.5 },
} satisfies Readonly<Record<string, Bound>>

export type Guarded = keyof typeof bounds
