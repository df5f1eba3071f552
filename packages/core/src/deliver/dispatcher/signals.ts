import * as Latch from "effect/Latch"

/**
 * What happens in lanes and readers, for those who wait for it: the sweeper, and whoever drains.
 */
export interface Changes {
  /** Something is to be swept. */
  readonly dirty: Latch.Latch
  /** It is to be swept at once. */
  readonly urgent: Latch.Latch
  /** Anything at all has happened: for those who look on, and close it. */
  readonly active: Latch.Latch
  /** The same, for whoever finds out if events wait too long. */
  readonly stirred: Latch.Latch
  /** What a draining caller waits for may have come true. */
  readonly progress: Latch.Latch
  readonly note: () => void
  /** Notes how many bytes of the log have been read. */
  readonly noteRead: (bytes: number) => void
  /** A sweep begins. */
  readonly forget: () => void
}

/**
 * A small log must not fill up with what has been delivered: after so many bytes a sweep does not
 * wait for its time.
 */
const sweepBytes = 8 * 1024 * 1024

export const make = (): Changes => {
  const dirty = Latch.makeUnsafe(false)
  const urgent = Latch.makeUnsafe(false)
  const progress = Latch.makeUnsafe(false)
  const active = Latch.makeUnsafe(false)
  const stirred = Latch.makeUnsafe(false)
  let bytes = 0
  const note = () => {
    dirty.openUnsafe()
    progress.openUnsafe()
    active.openUnsafe()
    stirred.openUnsafe()
  }
  return {
    dirty,
    urgent,
    progress,
    active,
    stirred,
    note,
    noteRead: (read) => {
      bytes += read
      note()
      if (bytes >= sweepBytes) urgent.openUnsafe()
    },
    forget: () => {
      bytes = 0
      dirty.closeUnsafe()
      urgent.closeUnsafe()
    },
  }
}
