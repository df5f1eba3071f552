import type { HttpIngest } from "@millrace/core"

/** What one body holds of a {@link BodyBudget}. */
export interface Held {
  readonly bytes: number
  /** More of the body has come. Says whether there is room for it; when there is not, nothing is added. */
  readonly add: (bytes: number) => boolean
  /** Gives all of it back. */
  readonly release: () => void
}

/** Bytes up to which a body counts as small: twice what SDKs send at once. */
const smallBody = 64 * 1024

type Part = "any" | "small" | "unproven"

/** Besides the budget itself: what is kept free for small bodies, and all there is for bodies of unproven senders. */
const besides: Readonly<Record<Part, number>> = { any: 1, small: 1 / 4, unproven: 1 / 8 }

/**
 * The bytes of bodies that may be in memory at one time, counted as they come. Small bodies have room of their own before they take from what all
 * share, so that no number of large uploads shuts out what SDKs usually send; a body that grows moves over. Those whose sender has yet to prove who
 * it is take nothing of either.
 */
export class BodyBudget {
  private readonly max: Readonly<Record<Part, number>>
  private readonly used: Record<Part, number> = { any: 0, small: 0, unproven: 0 }

  /** @param bytes that bodies of any size share */
  constructor(bytes: number) {
    this.max = { any: bytes * besides.any, small: bytes * besides.small, unproven: bytes * besides.unproven }
  }

  begin(share: Exclude<HttpIngest.BodyShare, "unkept">): Held {
    const { used, max } = this
    let part: Part = share === "unproven" ? "unproven" : "small"
    let held = 0
    const move = (to: Part, bytes: number): boolean => {
      const more = to === part ? bytes - held : bytes
      if (used[to] + more > max[to]) return false
      if (to !== part) used[part] -= held
      used[to] += more
      part = to
      held = bytes
      return true
    }
    return {
      get bytes() {
        return held
      },
      add: (bytes) => {
        const all = held + bytes
        if (part !== "small") return move(part, all)
        return (all <= smallBody && move("small", all)) || move("any", all)
      },
      release: () => {
        used[part] -= held
        held = 0
      },
    }
  }
}
