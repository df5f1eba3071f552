import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

export type Collect = (options: { readonly type: "minor" }) => void

/**
 * Bytes. With a higher bound V8 begins full collections in between; with a lower one we collect in
 * vain.
 */
const enough = 4 * 1024 * 1024

/** Returns V8's own collector. Other engines have none, and need none. */
const findCollect = (): Collect | undefined => {
  const { gc } = globalThis as { readonly gc?: Collect }
  if (gc !== undefined) return gc
  try {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as Collect
    // Hides it again: some programs collect everything as soon as they find it.
    setFlagsFromString("--no-expose-gc")
    return collect
  } catch {
    return undefined
  }
}

/**
 * Has V8 collect its young generation after every few megabytes of bodies, for as long as somebody
 * asks for that.
 *
 * V8 collects young objects, in a millisecond, when its own heap has grown. Bodies lie outside of
 * its heap and count only towards a full collection, which takes tens of milliseconds of CPU time
 * on all of its threads. A program with few objects and large bodies therefore runs several full
 * collections a second, to free memory that is all young.
 */
export class YoungMemory {
  private askers = 0
  private spent = 0
  private inUse = 0
  private isSought = false
  private collect: Collect | undefined
  private readonly find: () => Collect | undefined

  constructor(find: () => Collect | undefined = findCollect) {
    this.find = find
  }

  /** Begins to collect. Before the first call nothing of V8 is touched. */
  begin(): void {
    this.askers += 1
  }

  /** Stops collecting once everybody who has called {@link begin} has called this. */
  end(): void {
    this.askers -= 1
  }

  /**
   * Notes that so many bytes outside of V8's heap will soon be garbage, and collects if it is time
   * to.
   */
  spend(bytes: number): void {
    if (this.askers === 0) return
    this.spent += bytes
    // V8 takes for old what it finds in use in two collections in a row, so the second one waits
    // until what is in use now has been replaced.
    if (this.spent >= Math.max(enough, 2 * this.inUse)) this.collectNow()
  }

  /**
   * Notes that so many bytes are garbage already, and collects if it is time to, whatever is in
   * use: who sends what cannot be inflated is to have as little memory by it as can be.
   */
  waste(bytes: number): void {
    if (this.askers === 0) return
    this.spent += bytes
    if (this.spent >= enough) this.collectNow()
  }

  /** Notes that so many bytes more are in use; fewer if negative. */
  use(bytes: number): void {
    this.inUse += bytes
  }

  private collectNow(): void {
    this.spent = 0
    if (!this.isSought) {
      this.isSought = true
      this.collect = this.find()
    }
    this.collect?.({ type: "minor" })
  }
}

/**
 * The one of this process, since V8's heap is the process's. Whoever holds bodies reports to it.
 */
export const youngMemory = new YoungMemory()
