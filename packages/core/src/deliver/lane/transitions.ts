/**
 * What a lane remembers from one batch to the next is a value, {@link Standing}, and this file has
 * everything that can happen to it, as functions of that value alone. The parts of the lane send,
 * wait, read and save; what came of it they tell the book by one of these. What they remember
 * besides, such as how often something was tried in vain, only says when to try again, and may be
 * forgotten at any time.
 *
 * The open batch:
 *
 * ```
 *                         batchOpened
 *   nothing is open ──────────────────────────────────────► a batch is open
 *   lookedUpTo                                              rangeSplit, putBack,
 *                   ◄────────────────────────────────────── and what happens to its events
 *                     batchSettled: nothing is left of it,
 *                     and the lane stands behind it
 *                     reopened, eventLeftOut, trimmedUpTo, cameBackAt:
 *                     the lane takes anew what is left of it, or goes on elsewhere
 * ```
 *
 * One event that the filter has let through:
 *
 * ```
 *   left of the   ──── partDelivered, partGivenUp ────────────────► delivered, dead
 *   open batch    ────┐                                             or trimmed
 *        ▲            │ suspectHeld
 *        │ putBack    ▼
 *        └──────── suspect ──── suspectDelivered, suspectLost ────► delivered, dead
 *                   ▲   │                                           or trimmed
 *                   └───┘ suspectStruck, suspectFailedAgain, strikesForgotten
 * ```
 *
 * After each of them the log's running sum of events at the place is `from`, and all that was
 * looked at, without what is settled of the open batch: an event is counted once, or still due.
 */
import type { CursorRecord } from "../../ports/Cursors.ts"
import type { Position } from "../../ports/Position.ts"
import * as LaneState from "../LaneState.ts"
import type { Place } from "../read/Feed.ts"
import type { Range } from "./Batch.ts"
import { countOf, takeOut } from "./openBatch.ts"

type State = LaneState.LaneState
type Suspect = LaneState.Suspect

/** A lane between two steps. It is never changed, but followed by another one. */
export interface Standing {
  /** Where a restart goes on: before the open batch, or else behind all that is settled. */
  readonly place: Place
  /**
   * How many of the events that the feed has scanned up to the place the filter has let through:
   * the others count as filtered.
   */
  readonly letThrough: number
  readonly state: State
}

export type Transition = (standing: Standing) => Standing

/** What became of events that are given up: the log may not have them any more. */
export interface Loss {
  readonly dead: number
  readonly trimmed: number
}

/** What is remembered of an open batch. */
export type Open = NonNullable<State["open"]>

/** Not by two spreads: that takes three times as long, several times a batch. */
const changed = (state: State, change: Partial<State>): State => Object.assign({ ...state }, change)

const onState =
  (change: (state: State) => State): Transition =>
  (standing) => ({ ...standing, state: change(standing.state) })

const update = (change: Partial<State>): Transition => onState((state) => changed(state, change))

const onSuspects = (change: (suspects: State["suspects"]) => State["suspects"]): Transition =>
  onState((state) => changed(state, { suspects: change(state.suspects) }))

// ---- From the stored form and back

export const begun = ({ position, index }: CursorRecord, stored: State): Standing => {
  // The place says it anew.
  const { within = null, ...state } = stored
  return {
    place: { position, index, within, scanned: index },
    letThrough: index - state.filtered,
    state,
  }
}

export const recordOf = ({ place, state }: Standing): CursorRecord => {
  const { position, index, within } = place
  const stored = index > 0 && within !== null ? { ...state, within } : state
  return { position, index, state: LaneState.encode(stored) }
}

// ---- Where the lane stands

const standAt = (standing: Standing, place: Place, change: Partial<State>): Standing => {
  const { state, letThrough } = standing
  return { place, letThrough, state: changed(state, { ...change, filtered: place.scanned - letThrough }) }
}

/** The lane has looked at everything before a place. With a batch open it stands before that. */
export const lookedUpTo =
  (place: Place): Transition =>
  (standing) =>
    standing.state.open === null ? standAt(standing, place, {}) : standing

/** Whether a batch is the one that is open: what is known of that one holds then. */
export const isOpen = ({ state: { open } }: Standing, { count, last: [position, index] }: Open): boolean =>
  open !== null && open.count === count && open.last[0] === position && open.last[1] === index

/** A batch has been taken. The one that is open already is left as it is. */
export const batchOpened =
  (start: Place, batch: Open): Transition =>
  (standing) =>
    isOpen(standing, batch)
      ? standAt(standing, start, {})
      : standAt(reopened(start)(standing), start, { open: batch })

/** Nothing is left of the open batch, and the lane stands behind it. */
export const batchSettled =
  (behind: Place): Transition =>
  (standing) => {
    const { open } = standing.state
    if (open === null) return standing
    const letThrough = standing.letThrough + open.count
    return standAt({ ...standing, letThrough }, behind, { open: null })
  }

/**
 * The open batch is taken anew from its first event on, as another one: what was settled of it is
 * due once more, as after a rewind. Its suspects are met again on the way, and so none any more.
 */
export const reopened =
  (first: Place): Transition =>
  (standing) => {
    const { state } = standing
    if (state.open === null) return standing
    const isPassed = ({ after, index }: Suspect): boolean =>
      after < first.position || (after === first.position && index < first.index)
    const suspects = state.suspects.filter(isPassed)
    const metAgain = state.suspects.length - suspects.length
    const from = state.from - LaneState.settledAhead(state) + metAgain
    return standAt(standing, first, { from, suspects, open: null })
  }

/** The first event that is due cannot be sent at all, and has become a dead letter. */
export const eventLeftOut =
  (first: Place, behind: Place, loss: Loss): Transition =>
  (standing) => {
    const { place, letThrough, state } = lost(loss)(reopened(first)(standing))
    return standAt({ place, letThrough: letThrough + 1, state }, behind, {})
  }

/**
 * The log does not go on where it had been read to: what lies ahead, up to `resumeAt`, is gone. An
 * open batch that reaches behind that is taken anew, as far as it is left.
 */
export const cutOffAt =
  (ahead: Place, resumeAt: Position): Transition =>
  (standing) => {
    const { open } = standing.state
    const isCut = open !== null && open.last[0] > resumeAt
    return isCut ? reopened(ahead)(standing) : standAt(standing, ahead, {})
  }

const goOnAt = ({ place, letThrough, state }: Standing, position: Position, change: Partial<State>) => ({
  place: { position, index: 0, within: null, scanned: place.scanned },
  letThrough,
  state: changed(state, { ...change, open: null }),
})

/** The log has dropped this many events that nobody has looked at: the lane goes on behind them. */
export const trimmedUpTo =
  (position: Position, events: number): Transition =>
  (standing) =>
    goOnAt(standing, position, { trimmed: standing.state.trimmed + events })

/**
 * The log has come back with another running sum than it had, by `difference`. What was done with
 * events that are gone stays as it is counted: more was due than the log knows of.
 */
export const cameBackAt =
  (position: Position, difference: number): Transition =>
  (standing) =>
    goOnAt(standing, position, { from: standing.state.from + difference })

// ---- What happens to events of the open batch

/** In place of a range that is left, or a part of one, others: first of all that is left. */
const replaced = (state: State, range: Range, by: ReadonlyArray<Range>): Partial<State> => {
  const { open } = state
  return open === null ? {} : { open: { ...open, todo: [...by, ...takeOut(open.todo, range)] } }
}

/** The same events are sent in other requests: those of a range in parts, before the others. */
export const rangeSplit = (range: Range, parts: ReadonlyArray<Range>): Transition =>
  onState((state) => changed(state, replaced(state, range, parts)))

/** Events have been delivered: the destination takes events. */
const delivered = (state: State, count: number, change: Partial<State>): State => {
  const { failingFrom, nothingPassedFrom, ...others } = state
  return Object.assign(others, change, {
    delivered: state.delivered + count,
    failures: 0,
    failingSince: null,
    probing: false,
  })
}

export const partDelivered = (range: Range): Transition =>
  onState((state) => {
    const { open } = state
    if (open === null) return state
    const todo = takeOut(open.todo, range)
    return delivered(state, countOf(open.todo) - countOf(todo), { open: { ...open, todo } })
  })

const lost = ({ dead, trimmed }: Loss): Transition =>
  onState((state) => changed(state, { dead: state.dead + dead, trimmed: state.trimmed + trimmed }))

/** All of a range is given up but some parts, which go first now. */
export const partGivenUp =
  (range: Range, kept: ReadonlyArray<Range>, loss: Loss): Transition =>
  (standing) =>
    lost(loss)(rangeSplit(range, kept)(standing))

/** An event of the open batch is held: it stands at this place of the batch. */
export const suspectHeld = (at: number, suspect: Suspect & { readonly since: number }): Transition =>
  onState((state) =>
    changed(state, {
      ...replaced(state, [at, at + 1], []),
      suspects: [...state.suspects, suspect],
      ranFor: suspect.since,
    }),
  )

/** What was left of a batch at one moment, and how many suspects there were then. */
export interface Left {
  readonly todo: ReadonlyArray<Range>
  readonly suspects: number
}

/** Nothing has passed since: what was held since then is left of the batch again, as it was. */
export const putBack = ({ todo, suspects }: Left): Transition =>
  onState((state) =>
    changed(state, {
      suspects: state.suspects.slice(0, suspects),
      open: state.open && { ...state.open, todo },
    }),
  )

// ---- What happens to suspects

const isSame = (one: Suspect, other: Suspect): boolean =>
  one.after === other.after && one.index === other.index

const suspectChanged = (suspect: Suspect, change: Partial<Suspect>): Transition =>
  onSuspects((suspects) => suspects.map((one) => (isSame(one, suspect) ? { ...one, ...change } : one)))

const forgiven = (suspects: State["suspects"]): State["suspects"] =>
  suspects.some(({ open }) => open) ? suspects.map((one) => ({ ...one, open: false })) : suspects

/**
 * Another event than a suspect has failed: that a suspect did just before may have been an outage's
 * beginning, or a receiver that flaps.
 */
export const strikesForgotten: Transition = (standing) => {
  const suspects = forgiven(standing.state.suspects)
  return suspects === standing.state.suspects ? standing : update({ suspects })(standing)
}

/** A neighbour has passed right after the suspect has failed. */
export const suspectStruck = (suspect: Suspect): Transition =>
  suspectChanged(suspect, { open: false, strikes: suspect.strikes + 1 })

/** A neighbour passed, and the suspect has failed after it: it is not to be tried before `due`. */
export const suspectFailedAgain = (suspect: Suspect, status: number | null, due: number): Transition =>
  suspectChanged(suspect, { open: true, tries: triesOf(suspect) + 1, status, due })

/** How often it has failed after a neighbour had passed, as far as that was counted. */
export const triesOf = ({ tries, strikes }: Suspect): number => tries ?? strikes

const without = (state: State, suspect: Suspect): State["suspects"] =>
  state.suspects.filter((one) => !isSame(one, suspect))

/**
 * What failed alone and passes now was not to blame: nor are others, by what was seen meanwhile.
 */
export const suspectDelivered = (suspect: Suspect): Transition =>
  onState((state) => {
    const suspects = without(state, suspect)
    return delivered(state, state.suspects.length - suspects.length, { suspects: forgiven(suspects) })
  })

/** The suspect has become a dead letter, or the log does not have it any more. */
export const suspectLost =
  (suspect: Suspect, loss: Loss): Transition =>
  (standing) =>
    lost(loss)(update({ suspects: without(standing.state, suspect) })(standing))

// ---- What happens to the destination

/**
 * @param wall ms since the epoch
 * @param time the lane's own
 */
export const attemptFailed = (wall: number, time: number): Transition =>
  onState((state) =>
    changed(state, {
      failures: state.failures + 1,
      failingSince: state.failingSince ?? wall,
      // Failures that a version without it has written began before this process, nobody knows how
      // long.
      failingFrom: state.failingFrom ?? time,
      nothingPassedFrom: state.nothingPassedFrom ?? time,
      ranFor: time,
    }),
  )

/** A suspect has failed while nothing passes: the destination does not count as failing for it. */
export const suspectFailedAlone = (time: number): Transition =>
  onState((state) => changed(state, { ranFor: time, nothingPassedFrom: state.nothingPassedFrom ?? time }))

/** The lane has run until this time of its own, which is worth remembering. */
export const ranUntil = (time: number): Transition => update({ ranFor: time })

/** Everything is refused: one event a round is tried until something passes. */
export const probingBegun: Transition = update({ probing: true })

/** A request with this many events has left for the destination, whatever came of it. */
export const requestSent = (events: number): Transition =>
  onState((state) => changed(state, { sent: state.sent + events }))

/** @param bytes that a request may have at this receiver; `null` for what the destination allows */
export const fitsLearned = (bytes: number | null): Transition =>
  onState((state) => {
    const { fits, ...others } = state
    if (bytes === (fits ?? null)) return state
    return bytes === null ? others : { ...others, fits: bytes }
  })
