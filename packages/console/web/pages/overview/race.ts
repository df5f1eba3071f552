import type { Destination, Status } from "../../api/rows.ts"
import { caughtUpAt } from "../../logic/caughtUpAt.ts"
import { answersFor } from "../../text/answers.ts"
import { stateOf } from "../../text/destinationState.ts"
import { bytes as bytesOf, decimal, short } from "../../text/numbers.ts"
import { minute, since, span } from "../../text/times.ts"

/** Lanes at most: more are a number, not a picture. */
export const mostLanes = 8

/** How high a lane is, in px: the row of the list beside it. */
export const laneHeight = 58

/** "92 more, all flowing", "92 more, 3 of them paused". */
export const restSays = (rest: ReadonlyArray<Destination>): string => {
  const others = rest.filter((row) => stateOf(row) !== "flowing").length
  return `${rest.length} more, ${others === 0 ? "all flowing" : `${rest.length - others} of them flowing`}`
}

/** "8.3 of 10 GiB", "3.1 MiB of 10 GiB"; how many events, where nobody counts bytes. */
export const levelSays = ({ bytes, cap, events }: Status["store"]): string => {
  if (bytes === null) return `${short(events)} events`
  if (cap === null) return bytesOf(bytes)
  const [exact = "", unit = ""] = bytesOf(bytes).split(" ")
  // It has to fit into the picture's basin.
  const level = exact.length > 4 ? exact.replace(/\.\d$/, "") : exact
  const most = bytesOf(cap)
  return `${most.endsWith(` ${unit}`) ? level : `${level} ${unit}`} of ${most}`
}

/** Broader for more; but ten thousand times more is not ten thousand times broader. */
export const breadth = (rate: number): number =>
  rate <= 0 ? 2 : Math.round(10 * Math.min(3 + 3.2 * Math.log10(1 + rate), 15)) / 10

/** Events that wait from which water is seen to back up. */
export const seen = 2_000

/** How long the water is that has backed up. */
export const pool = (pending: number): number =>
  pending < seen ? 0 : Math.round(Math.min(14 + 17 * Math.log10(pending / 1_000), 90))

/** Water that backs up behind a closed gate: deepest there, thinning out upstream. */
export const dammed = (x: number, y: number, length: number): string => {
  const [deep, thin, end] = [x - length * 0.45, x - length * 0.6, x - length]
  return `M${x} ${y - 15}C${deep} ${y - 15} ${thin} ${y - 1.5} ${end} ${y - 1.5}v3C${thin} ${y + 1.5} ${deep} ${y + 15} ${x} ${y + 15}z`
}

/** Water that is on its way through: a pond in the channel. */
export const pond = (x: number, y: number, length: number, half: number): string => {
  const [a, b] = [x - length / 2, x + length / 2]
  const [near, far] = [a + length * 0.28, x - length * 0.24]
  const [back, last] = [b - length * 0.28, x + length * 0.24]
  return `M${a} ${y - half}C${near} ${y - half} ${far} ${y - 16} ${x} ${y - 16}S${back} ${y - half} ${b} ${y - half}v${half * 2}C${back} ${y + half} ${last} ${y + 16} ${x} ${y + 16}S${near} ${y + half} ${a} ${y + half}z`
}

/** What a lane is doing, in a line. */
export const laneSays = (row: Destination, arriving: number, now: number): string => {
  switch (stateOf(row)) {
    case "flowing": {
      const late = row.lag === null ? "" : `, ${span(row.lag)} behind`
      return row.rate < 0.05 && row.lag === null ? "nothing to send" : `${decimal(row.rate)} events/s${late}`
    }
    case "behind": {
      const until = caughtUpAt(row, arriving, now)
      return `${span(row.lag ?? 0)} behind${until === null ? ", and more" : ` until ${since(until, now)}`}`
    }
    case "failing":
      return answersFor(row, now)
    case "gone":
      return `answered 410, at ${minute(row.disabled?.at ?? now)}`
    case "paused": {
      const begun = since(row.disabled?.at ?? now, now)
      return row.disabled?.reason === "unconfigured"
        ? `not configured, since ${begun}`
        : `by hand, since ${begun}`
    }
  }
}
