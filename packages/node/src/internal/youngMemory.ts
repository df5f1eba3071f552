import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

type Collect = (options: { readonly type: "minor" }) => void

/** Bytes. With a higher bound V8 begins collections of everything in between; a lower one collects in vain. */
const enough = 4 * 1024 * 1024

/** Engines other than V8 have none, and none of its habits. */
const findCollect = (): Collect | undefined => {
  const { gc } = globalThis as { readonly gc?: Collect }
  if (gc !== undefined) return gc
  try {
    setFlagsFromString("--expose-gc")
    const collect = runInNewContext("gc") as Collect
    // Nobody else is to find it: there are programs that collect everything where they can.
    setFlagsFromString("--no-expose-gc")
    return collect
  } catch {
    return undefined
  }
}

let spent = 0
let inUse = 0
let collect: Collect | undefined
let isSought = false

/**
 * Says that so many bytes outside of V8's heap, where bodies are, will soon be garbage.
 *
 * V8 collects what is young, in a millisecond, whenever its own heap has grown. What lies outside of it counts only towards the collection of everything, which takes
 * tens of milliseconds of CPU time on all of its threads. A program that makes few objects and large bodies has everything collected several times a second, to free what
 * is all young. So what is young is collected after every few megabytes of bodies.
 */
export const spend = (bytes: number): void => {
  spent += bytes
  // What two collections in a row find in use counts as old from then on, so none comes before what is in use now has been replaced.
  if (spent < Math.max(enough, 2 * inUse)) return
  spent = 0
  if (!isSought) {
    isSought = true
    collect = findCollect()
  }
  collect?.({ type: "minor" })
}

/** Says that so many bytes more are in use, or less. */
export const use = (bytes: number): void => {
  inUse += bytes
}
