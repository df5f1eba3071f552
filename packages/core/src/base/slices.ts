/**
 * Work that can be put down and taken up again. It yields where somebody else may be served; who
 * takes it up never has to, and a plain loop runs it to its end.
 */
export type Slices<A> = Generator<void, A, void>

/**
 * Bytes of work between two yields. Each of them costs 5 ns when it is looked at and up to 100 ns
 * when something is made of it: 13 ms at worst, and 80 slices for each look at the largest body.
 */
export const sliceBytes = 128 * 1024

/** Tells when a slice is full. One for each piece of work. */
export class Slice {
  private readonly most: number
  private done = 0

  constructor(most: number = sliceBytes) {
    this.most = most
  }

  /**
   * Counts work that is about to be done, and says whether it is for a new slice: then it is time
   * to yield.
   */
  isFull(bytes: number): boolean {
    const isFull = this.done > 0 && this.done + bytes > this.most
    this.done = isFull ? bytes : this.done + bytes
    return isFull
  }
}

/** Runs work to its end at once. */
export const toTheEnd = <A>(work: Slices<A>): A => {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
