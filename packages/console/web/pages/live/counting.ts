import type { Frame } from "../../api/rows.ts"
import { count } from "../../text/numbers.ts"

/** How much of what arrives is shown, over the last frames. */
export interface Tally {
  readonly frames: ReadonlyArray<
    Pick<Frame, "at" | "arrived" | "matched" | "missed"> & { readonly shown: number }
  >
}

/** Frames that numbers are told of: five seconds of them. */
const kept = 20

/** The first frame brings what came before it, too: that is no part of what arrives. */
const fresh = 2_000

export const nothing: Tally = { frames: [] }

export const add = ({ frames }: Tally, { at, arrived, matched, missed, rows }: Frame): Tally => ({
  frames: [
    ...frames,
    { at, arrived, matched, missed, shown: rows.filter(([, t]) => at - t < fresh).length },
  ].slice(-kept),
})

const sum = (tally: Tally, of: (frame: Tally["frames"][number]) => number): number =>
  tally.frames.reduce((total, frame) => total + of(frame), 0)

/** "166 a second, 1 of 42 shown; narrow it down to see every match". */
export const countSays = (tally: Tally, rate: number, isNarrowed: boolean): string => {
  const shown = sum(tally, (frame) => frame.shown)
  const missed = sum(tally, ({ missed }) => missed)
  const slow = missed === 0 ? "" : `; ${count(missed)} frames were missed: this browser is too slow for them`
  if (isNarrowed) {
    const matched = sum(tally, (frame) => frame.matched)
    const part =
      matched > shown
        ? `1 of ${Math.round(matched / Math.max(shown, 1))} matches is shown`
        : "every match is shown"
    return `${part}, of ${count(rate)} events a second${slow}`
  }
  const arrived = sum(tally, (frame) => frame.arrived)
  const each = Math.round(arrived / Math.max(shown, 1))
  return each <= 1
    ? `${count(rate)} a second${slow}`
    : `${count(rate)} a second, 1 of ${count(each)} shown; narrow it down to see every match${slow}`
}

interface Seen {
  readonly at: number
  readonly name: string
  /** For how many events it stands: its frame's, shared among those shown. */
  readonly stands: number
}

const minute = 60_000

/** Counts names over the last minute from what is shown: a row stands for others of its frame. */
export const makeMinute = () => {
  let seen: Array<Seen> = []
  return {
    add: ({ at, arrived, rows }: Frame): void => {
      const stands = arrived / Math.max(rows.length, 1)
      // What has come before the frame's time was looked up, and stands for itself only.
      for (const [, t, name] of rows)
        if (at - t < minute) seen.push({ at: t, name, stands: Math.max(stands, 1) })
      seen = seen.filter((one) => at - one.at < minute)
    },
    names: (most: number): ReadonlyArray<readonly [string, number]> => {
      const counts = new Map<string, number>()
      for (const { name, stands } of seen) counts.set(name, (counts.get(name) ?? 0) + stands)
      return [...counts].toSorted((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, most)
    },
  }
}
