import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { CursorRecord } from "../ports/Cursors.ts"
import { Position } from "../ports/Position.ts"
import { StoreError } from "../ports/StoreError.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const Range = Schema.Tuple([Count, Count])

/** Written by this version and later ones only: states without it are read as before. */
const optional = Schema.optionalKey

/**
 * An event that failed alone and waits for its neighbours to show whose fault it is: after which
 * position it stands, which event of that entry it is, and what has been seen of it so far.
 */
export const Suspect = Schema.Struct({
  after: Position,
  /**
   * The position of its entry, by which it is told apart from another one that the log gives after
   * the same place by now.
   */
  entry: Schema.optionalKey(Position),
  index: Count,
  /** `refused`: answered 400, 413 or 422. `poison`: any other failure. */
  kind: Schema.Literals(["refused", "poison"]),
  /** Failures of a poison suspect that had a neighbour pass just before and just after. */
  strikes: Count,
  /** The last failure has had no neighbour pass after it yet. */
  open: Schema.Boolean,
  /** Not to be tried again before (ms since the epoch). */
  due: Schema.Finite,
  /** How often it has failed after a neighbour had passed: it is tried ever more rarely. */
  tries: optional(Count),
  /** The status of the last failure; `null` without a complete reply. */
  status: optional(Schema.NullOr(Schema.Int)),
  /** When it was first held, by the lane's own time: see {@link LaneState.fields.ranFor}. */
  since: optional(Schema.Finite),
})

export type Suspect = typeof Suspect.Type

/**
 * What a lane remembers in its cursor's record beside the place itself. The ledger's one half:
 * `delivered + filtered + dead + trimmed`, and the suspects, are how many events lie between `from`
 * and the place.
 */
export const LaneState = Schema.Struct({
  v: Schema.Literal(1),
  /**
   * The log's running sum of events where this destination began. A rewind lowers it by the events
   * that are due once more, even below zero, and a skip raises it by those that are not any longer:
   * what has been done stays as it is counted.
   */
  from: Schema.Int,
  delivered: Count,
  filtered: Count,
  dead: Count,
  /** Dropped by the log before they were looked at. */
  trimmed: Count,
  /** Events put on the wire, every attempt counted. */
  sent: Count,
  /** Failures in a row. */
  failures: Count,
  /** ms since the epoch; `null` when the last attempt succeeded. */
  failingSince: Schema.NullOr(Schema.Finite),
  /**
   * The lane's own time at its last failure: for how many ms it has run, in all processes together,
   * on their monotonic clocks. Whatever the wall clocks say, this much has really passed.
   */
  ranFor: optional(Schema.Finite),
  /** When the failures in a row began, by the lane's own time. */
  failingFrom: optional(Schema.Finite),
  /**
   * When the first failure in a row was, that of a suspect included: by one of a suspect alone the
   * destination does not count as failing.
   */
  nothingPassedFrom: optional(Schema.Finite),
  /**
   * How many bytes a request may have at this receiver, as far as is known; without, as many as the
   * destination allows.
   */
  fits: optional(Count),
  /** Everything is refused: one event a round is tried until something passes. */
  probing: Schema.Boolean,
  suspects: Schema.Array(Suspect),
  /**
   * The batch that begins at the cursor's place, saved at its first failure so that a restart sends
   * the same one: how many events, dealt by user to how many buckets, the place of the last
   * (position of its entry, and which event of it), and which of them are not settled yet, in the
   * order of the buckets.
   */
  open: Schema.NullOr(
    Schema.Struct({
      count: Count,
      buckets: Count,
      last: Schema.Tuple([Position, Count]),
      todo: Schema.Array(Range),
    }),
  ),
  /** For a replay: it ends behind this position. `null` for live traffic. */
  until: Schema.NullOr(Position),
  /**
   * With a place inside an entry: the position of that entry, since the log may have another one
   * there by now.
   */
  within: Schema.optionalKey(Position),
})

export type LaneState = typeof LaneState.Type

export const initial = (from: number, until: Position | null = null): LaneState => ({
  v: 1,
  from,
  delivered: 0,
  filtered: 0,
  dead: 0,
  trimmed: 0,
  sent: 0,
  failures: 0,
  failingSince: null,
  probing: false,
  suspects: [],
  open: null,
  until,
})

/**
 * How many events of the open batch are settled or suspects, though the cursor still stands before
 * them.
 */
export const settledAhead = ({ open }: LaneState): number =>
  open === null ? 0 : open.todo.reduce((left, [from, to]) => left - (to - from), open.count)

/** How many events have been looked at since the beginning. */
export const looked = (state: LaneState): number =>
  state.delivered + state.filtered + state.dead + state.trimmed + state.suspects.length

/** At a place where the log's running sum is `events`, with nothing open. */
const movedTo = (state: LaneState, events: number, suspects: LaneState["suspects"]): LaneState => ({
  ...state,
  from: events - looked({ ...state, suspects }),
  suspects,
  open: null,
})

/** An operator has put the cursor back: suspects behind the new place are met again on the way. */
export const rewound = (state: LaneState, position: Position, events: number): LaneState =>
  movedTo(
    state,
    events,
    state.suspects.filter(({ after }) => after < position),
  )

/** An operator has put the cursor to the log's end: nothing before that is due any more. */
export const skipped = (state: LaneState, events: number): LaneState => movedTo(state, events, [])

const decodeUnknown = Schema.decodeUnknownResult(Schema.fromJsonString(LaneState))

/**
 * What this process has written last, by its text: most of what it reads it has written itself, and
 * making sure of a state costs more than all else that is done with one.
 */
const written = new Map<string, LaneState>()

/** One text is a few hundred bytes, or some KB with as many suspects as there may be. */
const maxWritten = 256

/** `null` when it was written by a version this program does not know. */
export const decode = (state: string): LaneState | null =>
  written.get(state) ?? Result.getOrElse(decodeUnknown(state), () => null)

export const encode = (state: LaneState): string => {
  const text = JSON.stringify(state)
  written.set(text, state)
  if (written.size > maxWritten) written.delete(written.keys().next().value!)
  return text
}

/** Fails with `Incompatible` when another version has written it. */
export const read = ({ state }: CursorRecord, destination: string): Effect.Effect<LaneState, StoreError> => {
  const decoded = decode(state)
  return decoded === null
    ? Effect.fail(
        new StoreError({
          reason: { _tag: "Incompatible" },
          message: `the cursor of destination "${destination}" was written by another version`,
        }),
      )
    : Effect.succeed(decoded)
}
