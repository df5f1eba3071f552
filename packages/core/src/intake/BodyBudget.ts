import type { BodyShare } from "./request.ts"

/** Bytes up to which a body counts as small: twice what SDKs send at once. */
const smallBody = 64 * 1024

type Part = "any" | "small" | "unproven"

/**
 * Besides the budget itself: what is kept free for small bodies, and all there is for bodies of
 * unproven senders.
 */
const besides: Readonly<Record<Part, number>> = { any: 1, small: 1 / 4, unproven: 1 / 8 }

type Bytes = Record<Part, number>

/** What one body holds of a {@link BodyBudget}. */
export class Held {
  bytes = 0
  private readonly used: Bytes
  private readonly max: Readonly<Bytes>
  private part: Part

  constructor(used: Bytes, max: Readonly<Bytes>, part: Part) {
    this.used = used
    this.max = max
    this.part = part
  }

  /**
   * More of the body has come. Says whether there is room for it; when there is not, nothing is
   * added.
   */
  add(bytes: number): boolean {
    const all = this.bytes + bytes
    if (this.part !== "small") return this.holdIn(this.part, all)
    return (all <= smallBody && this.holdIn("small", all)) || this.holdIn("any", all)
  }

  /** Gives all of it back. */
  release(): void {
    this.used[this.part] -= this.bytes
    this.bytes = 0
  }

  private holdIn(part: Part, bytes: number): boolean {
    const { used, bytes: held } = this
    const isSame = part === this.part
    const more = isSame ? bytes - held : bytes
    if (used[part] + more > this.max[part]) return false
    if (!isSame) {
      used[this.part] -= held
      this.part = part
    }
    used[part] += more
    this.bytes = bytes
    return true
  }
}

/**
 * The bytes of bodies that may be in memory at one time, counted as they come. Small bodies have
 * room of their own before they take from what all share, so that no number of large uploads shuts
 * out what SDKs usually send; a body that grows moves over. Those whose sender has yet to prove who
 * it is take nothing of either.
 */
export class BodyBudget {
  private readonly max: Readonly<Bytes>
  private readonly used: Bytes = { any: 0, small: 0, unproven: 0 }

  /** @param bytes that bodies of any size share */
  constructor(bytes: number) {
    this.max = { any: bytes * besides.any, small: bytes * besides.small, unproven: bytes * besides.unproven }
  }

  begin(share: Exclude<BodyShare, "unkept">): Held {
    return new Held(this.used, this.max, share === "unproven" ? "unproven" : "small")
  }
}
