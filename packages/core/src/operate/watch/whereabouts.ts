import type { LastAttempt } from "../../deliver/dispatcher/deliveryWatch.ts"
import * as LaneState from "../../deliver/LaneState.ts"
import type { CursorRecord } from "../../ports/Cursors.ts"
import type { DeadLetter } from "../../ports/DeadLetters.ts"
import type { Disabled } from "../../ports/Destinations.ts"
import type { Position } from "../../ports/Position.ts"
import type { FilterReason } from "../../select/Filter.ts"
import type { Whereabouts } from "../rows/events.ts"

/** An event, as far as its place goes. */
export interface Placed {
  readonly position: Position
  readonly index: number
  /** How many events of its partition stand before it, from the first one ever. */
  readonly ordinal: number
  readonly arrivedAt: number
}

/** Where a destination stands in the event's partition. */
export interface Stand {
  readonly cursor: CursorRecord
  readonly state: LaneState.LaneState
  /** How far a lane of this process has looked; `null` where none runs. */
  readonly place: Position | null
}

/** What is known of a destination, for one event. */
export interface Known {
  readonly stand: Stand | null
  /** `null` when its filter lets the event pass. */
  readonly reason: FilterReason | null
  readonly letter: DeadLetter | null
  readonly disabled: Disabled | null
  readonly createdAt: number | null
  /** When its selection was changed last. */
  readonly selectionSince: number | null
  readonly beginsNow: boolean
  readonly last: LastAttempt | null
  /** ms that a batch waits for more. */
  readonly maxDelay: number
  /** Events a second that it gets on with; 0 when it does not. */
  readonly rate: number
}

/** Whether a cursor has gone past an event. */
const isPassed = ({ position, index }: Placed, { cursor, state }: Stand): boolean =>
  position <= cursor.position || (state.within === position && index < cursor.index)

const isSuspect = ({ position, index }: Placed, { state }: Stand): boolean =>
  state.suspects.some((suspect) => suspect.entry === position && suspect.index === index)

/** How many events stand before a cursor, from the first one ever. */
const ordinalOf = ({ state }: Stand): number =>
  state.from + LaneState.looked(state) - LaneState.settledAhead(state)

/** As long as nobody has looked for the attempt. */
const unknownDelivery = { at: null, status: null, duration: null, events: null, webhookId: null }

/** What has become of an event that the destination's cursor has gone past. */
const passed = (event: Placed, known: Known, { state }: Stand): Whereabouts => {
  const { reason, createdAt, selectionSince } = known
  if (known.beginsNow && createdAt !== null && event.arrivedAt < createdAt) {
    return { _tag: "BeganLater", began: createdAt }
  }
  if (selectionSince !== null && event.arrivedAt < selectionSince) {
    return { _tag: "PassedBefore", changedAt: selectionSince, wouldPass: reason === null }
  }
  if (reason !== null) return { _tag: "Filtered", reason }
  // An operator has put the cursor behind it, or it was done before that.
  if (event.ordinal < state.from) return { _tag: "Skipped" }
  return { _tag: "Delivered", ...unknownDelivery }
}

/** What an event waits for. */
const waiting = (event: Placed, known: Known, stand: Stand | null): Whereabouts => {
  const { disabled, last, rate } = known
  const ahead = stand === null ? 0 : Math.max(event.ordinal - ordinalOf(stand), 0)
  if (disabled !== null) return { _tag: "Paused", reason: disabled.reason, since: disabled.at, ahead }
  if (stand !== null && stand.state.failures > 0) {
    const { status = null, error = null, nextAt = null } = last ?? {}
    return { _tag: "Failing", ahead, status, error, nextAt }
  }
  if (stand?.place !== null && stand !== null && event.position <= stand.place) {
    return { _tag: "Filling", within: known.maxDelay }
  }
  return { _tag: "Queued", ahead, about: rate > 0 ? Math.round(((ahead + 1) / rate) * 1000) : null }
}

/** Says where an event is, as far as one destination goes. */
export const whereabouts = (event: Placed, known: Known): Whereabouts => {
  const { stand, letter, reason } = known
  if (letter !== null) {
    const { message, status, deadAt: at, replayedAt } = letter
    return { _tag: "Dead", reason: letter.reason, message, status, at, replayedAt }
  }
  if (stand !== null && isSuspect(event, stand)) return { _tag: "HeldBack" }
  if (stand !== null && isPassed(event, stand)) return passed(event, known, stand)
  return reason !== null ? { _tag: "Filtered", reason } : waiting(event, known, stand)
}
