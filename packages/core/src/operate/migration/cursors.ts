import * as Effect from "effect/Effect"
import * as LaneState from "../../deliver/LaneState.ts"
import { cursorName } from "../../ports/CursorName.ts"
import type { CursorRecord } from "../../ports/Cursors.ts"
import type { EventLog } from "../../ports/EventLog.ts"
import type { Position } from "../../ports/Position.ts"
import { cutOf, type Group, keepsOrder, openEndOf, type Strand, untilOf } from "./plan.ts"
import type { Progress } from "./progress.ts"
import { type Cut, firstAbove, lastBelow } from "./route.ts"

/** A cursor as the target is to have it. */
export interface Placed {
  readonly name: string
  readonly record: CursorRecord
}

interface Options {
  readonly source: EventLog["Service"]
  readonly target: EventLog["Service"]
  readonly progress: Progress
}

interface Lane {
  readonly partition: number
  readonly position: Position
  readonly index: number
  readonly suspects: LaneState.LaneState["suspects"]
}

const total = (parts: ReadonlyArray<LaneState.LaneState>, of: (state: LaneState.LaneState) => number) =>
  parts.reduce((sum, state) => sum + of(state), 0)

/** What several lanes have counted, as one: it is their sum that the ledger shows. */
const merged = (states: ReadonlyArray<LaneState.LaneState>): LaneState.LaneState => {
  const since = states.flatMap(({ failingSince }) => failingSince ?? [])
  return {
    ...LaneState.initial(0),
    delivered: total(states, ({ delivered }) => delivered),
    filtered: total(states, ({ filtered }) => filtered),
    dead: total(states, ({ dead }) => dead),
    trimmed: total(states, ({ trimmed }) => trimmed),
    sent: total(states, ({ sent }) => sent),
    failures: Math.max(...states.map(({ failures }) => failures)),
    failingSince: since.length === 0 ? null : Math.min(...since),
    probing: states.some(({ probing }) => probing),
  }
}

/**
 * Where the cursors of one strand's group stand in the target, with what they have counted, and how
 * many events that were settled in the source are due once more.
 */
export const place = Effect.fnUntraced(function* (
  { source, target, progress }: Options,
  strand: Strand,
  group: Group,
  places: ReadonlyArray<Cut>,
) {
  const { sources, targets, start } = strand
  const cut = cutOf(group, strand)
  const reached = places[lastBelow(strand.stops, cut)]!
  const until = untilOf(group, strand)
  const end = until === null ? null : places[firstAbove(strand.stops, until)]!
  const openEnd = keepsOrder(strand) ? openEndOf(group, strand) : null

  const landingOf = (partition: number, after: string) =>
    progress.landings.find((landing) => landing.source === partition && landing.after === after)

  /** Up to the place, in the source, less those up to it in the target: of what is copied. */
  let repeated = 0
  const states: Array<LaneState.LaneState> = []
  for (const [at, partition] of sources.entries()) {
    const before = (yield* source.stats(partition, start[at]!)).events
    // A replay may end later than it would have.
    if (until !== null) repeated -= (yield* source.stats(partition, until[at]!)).events - before
    const part = group.parts.find((part) => part.partition === partition)
    if (part === undefined) {
      repeated += (yield* source.stats(partition, cut[at]!)).events - before
      continue
    }
    const { record, state } = part
    if (record.position < start[at]!) {
      // As the lane itself would find: the log has dropped what it had not looked at yet.
      const missed = Math.max(before - state.from - LaneState.looked(state), 0)
      states.push({ ...state, trimmed: state.trimmed + missed, open: null })
      continue
    }
    repeated += (yield* source.stats(partition, cut[at]!)).events - before
    repeated += record.index + LaneState.settledAhead(state)
    // A batch that cannot be sent as it was is taken anew, with what was settled of it.
    const reopened = openEnd === null ? LaneState.settledAhead(state) : 0
    states.push({ ...state, delivered: Math.max(state.delivered - reopened, 0) })
  }
  const counted = merged(states)
  const all = group.parts.flatMap(({ partition, state }) =>
    state.suspects.map((suspect) => {
      const landing = landingOf(partition, suspect.after)
      // Where the source has lost its entry, another one stands behind that place.
      const isAnother =
        suspect.entry !== undefined && landing?.entry !== undefined && suspect.entry !== landing.entry
      return { suspect, landing: isAnother ? undefined : landing }
    }),
  )
  const lost = all.filter(({ landing }) => landing === undefined).length

  const lanes = targets.map((partition, at): Lane => {
    const position = reached[at]!
    const inside = group.parts.find(({ partition: from, record }) => {
      const landing = landingOf(from, record.position)
      return record.index > 0 && landing?.target === partition && landing.before === position
    })
    const index = inside?.record.index ?? 0
    const suspects = all.flatMap(({ suspect, landing }) => {
      if (landing?.target !== partition) return []
      const { before } = landing
      // Those behind the place are met again on the way.
      const isPassed = before < position || (before === position && suspect.index < index)
      // Its entry has another position in the target.
      const { entry: _, ...kept } = suspect
      return isPassed ? [{ ...kept, after: before }] : []
    })
    return { partition, position, index, suspects }
  })

  repeated -= all.length - lost - lanes.reduce((sum, { suspects }) => sum + suspects.length, 0)

  const placed: Array<Placed> = []
  for (const [at, { partition, position, index, suspects }] of lanes.entries()) {
    const { events } = yield* target.stats(partition, position)
    const open = openEnd === null ? null : openOf(group, places[lastBelow(strand.stops, openEnd)]!)
    const { failures, failingSince, probing } = counted
    const state: LaneState.LaneState = {
      ...(at === 0
        ? { ...counted, trimmed: counted.trimmed + lost }
        : { ...LaneState.initial(0), failures, failingSince, probing }),
      suspects,
      open,
      until: end?.[at] ?? null,
    }
    const ahead = LaneState.settledAhead(state)
    repeated -= events - progress.base[partition]! + index + ahead
    if (end !== null)
      repeated += (yield* target.stats(partition, end[at]!)).events - progress.base[partition]!
    const from = events + index + ahead - LaneState.looked(state)
    const name = cursorName({ destination: group.destination, partition, replay: group.replay })
    placed.push({
      name,
      record: { position, index, state: LaneState.encode({ ...state, from }) },
    })
  }
  return { placed, repeated }
})

const openOf = ({ parts: [part] }: Group, [last]: Cut): LaneState.LaneState["open"] => {
  const open = part?.state.open ?? null
  return open === null ? null : { ...open, last: [last!, open.last[1]] }
}
