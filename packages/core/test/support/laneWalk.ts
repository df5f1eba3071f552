import * as fc from "fast-check"
import * as LaneState from "../../src/deliver/LaneState.ts"
import { halve, type Range } from "../../src/deliver/lane/Batch.ts"
import { cut, firstAlone } from "../../src/deliver/lane/openBatch.ts"
import * as Transitions from "../../src/deliver/lane/transitions.ts"
import type { Place } from "../../src/deliver/read/Feed.ts"
import * as Position from "../../src/ports/Position.ts"

const kindsOfSteps = [
  "look",
  "open",
  "openAgain",
  "deliver",
  "split",
  "hold",
  "mark",
  "putBack",
  "giveUp",
  "settle",
  "reopen",
  "leaveOut",
  "trim",
  "restart",
  "suspectDelivered",
  "suspectLost",
  "suspectFails",
  "destination",
] as const

export type Kind = (typeof kindsOfSteps)[number]

/** A log, and steps of a lane through it: which ones, each with numbers to choose by. */
export interface Walk {
  /** The events of each entry: whether the filter lets them through. */
  readonly entries: ReadonlyArray<ReadonlyArray<boolean>>
  readonly steps: ReadonlyArray<readonly [kind: Kind, by: number, how: number]>
}

const rare: ReadonlyArray<Kind> = ["reopen", "leaveOut", "trim", "restart", "destination"]
const frequent: ReadonlyArray<Kind> = ["open", "hold", "settle"]

/** How often a step is to come among others: by chance alone few batches would be settled. */
const weightOf = (kind: Kind): number => (rare.includes(kind) ? 1 : frequent.includes(kind) ? 9 : 3)

export const walk: fc.Arbitrary<Walk> = fc.record({
  entries: fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 5, size: "max" }), {
    minLength: 1,
    maxLength: 24,
    size: "max",
  }),
  steps: fc.array(
    fc.tuple(
      fc.oneof(...kindsOfSteps.map((kind) => ({ weight: weightOf(kind), arbitrary: fc.constant(kind) }))),
      fc.nat(1_000),
      fc.nat(1_000),
    ),
    { maxLength: 120, size: "max" },
  ),
})

/** Where an event is, by what has been done with it. */
type Fate = "ahead" | "left" | "held" | "settled"

type Suspect = LaneState.Suspect & { readonly since: number }

const pick = <A>(from: ReadonlyArray<A>, by: number): A => from[by % from.length]!

const isWithin = ([from, to]: Range, [start, end]: Range): boolean => start <= from && to <= end

const deepFreeze = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) {
    for (const inner of Object.values(value)) deepFreeze(inner)
    Object.freeze(value)
  }
  return value
}

/** Walks a lane's state along, and keeps its own account of what happens to each event. */
export const makeWalker = ({ entries }: Pick<Walk, "entries">) => {
  const events = entries.flatMap((entry, at) =>
    entry.map((isWanted, index) => ({ at, index, isWanted, fate: "ahead" as Fate })),
  )
  const counted = { delivered: 0, filtered: 0, dead: 0, trimmed: 0, repeated: 0 }
  /** The first event that was not looked at. With a batch open: its first one, and its events. */
  let next = 0
  let batch: ReadonlyArray<number> = []
  /** What the feed has scanned less than stands in the log, since it began. */
  let scannedLess = 0
  let marked: Transitions.Left | null = null
  let clock = 0

  /** Just before an event; behind the last one, too. */
  const placeAt = (event: number): Place => {
    const scanned = event - scannedLess
    const { at, index } = events[event] ?? { at: entries.length, index: 0 }
    const within = index > 0 ? Position.fromNumber(at + 1) : null
    return { position: Position.fromNumber(at), index, within, scanned }
  }
  const positionOf = (event: number): Position.Position => Position.fromNumber(events[event]!.at + 1)

  const record = { position: Position.origin, index: 0, state: LaneState.encode(LaneState.initial(0)) }
  let standing = deepFreeze(Transitions.begun(record, LaneState.initial(0)))
  const change = (transition: Transitions.Transition): void => {
    standing = deepFreeze(transition(standing))
  }

  const todo = (): ReadonlyArray<Range> => standing.state.open?.todo ?? []
  const idsIn = ([from, to]: Range): ReadonlyArray<number> => batch.slice(from, to)
  const settle = (ids: ReadonlyArray<number>, as: "delivered" | "dead" | "trimmed"): void => {
    for (const id of ids) events[id]!.fate = "settled"
    counted[as] += ids.length
  }
  const suspectOf = (id: number): Suspect => ({
    after: Position.fromNumber(events[id]!.at),
    entry: positionOf(id),
    index: events[id]!.index,
    kind: "poison",
    strikes: 0,
    open: id % 2 === 0,
    due: 0,
    since: clock,
  })
  const idOf = ({ entry, index }: LaneState.Suspect): number =>
    events.findIndex((one, id) => positionOf(id) === entry && one.index === index)
  const held = (): ReadonlyArray<LaneState.Suspect> => standing.state.suspects

  /** A part of what is left, from a range of it. */
  const partOf = (by: number, how: number): Range => {
    const [from, to] = pick(todo(), by)
    const start = from + (how % (to - from))
    return [start, start + 1 + ((by + how) % (to - start))]
  }

  /** Looks past events of which the filter wants none. */
  const pass = (from: number, upTo: number): void => {
    for (let id = from; id < upTo; id++) if (!events[id]!.isWanted) counted.filtered += 1
  }
  const firstWanted = (from: number): number => {
    const found = events.findIndex(({ isWanted }, id) => id >= from && isWanted)
    return found === -1 ? events.length : found
  }
  const lookOn = (from: number): void => {
    next = firstWanted(from)
    pass(from, next)
  }

  /** The open batch is forgotten: its events are ahead again. */
  const forgetBatch = (): void => {
    for (const id of batch) {
      if (events[id]!.fate === "settled") counted.repeated += 1
      events[id]!.fate = "ahead"
    }
    batch = []
  }

  const isLeft = (): boolean => todo().length > 0
  const isOpen = (): boolean => standing.state.open !== null

  /** Each does a step, and says whether it was possible. */
  const kinds = {
    look: () => {
      // The feed is ahead of an open batch, and the lane stands before it all the same.
      if (!isOpen()) lookOn(next)
      change(Transitions.lookedUpTo(placeAt(isOpen() ? events.length : next)))
      return true
    },
    open: (by: number, how: number) => {
      const start = firstWanted(next)
      if (isOpen() || start === events.length) return false
      pass(next, start)
      next = start
      const wanted = events.flatMap(({ isWanted }, id) => (isWanted && id >= start ? [id] : []))
      const taken = wanted.slice(0, 1 + (by % 12))
      const buckets = 1 + (how % 3)
      const dealt = Array.from({ length: buckets }, (_, at) => taken.filter((id) => id % buckets === at))
      batch = dealt.flat()
      const ranges: Array<Range> = []
      for (const { length } of dealt) {
        const from = ranges.at(-1)?.[1] ?? 0
        if (length > 0) ranges.push([from, from + length])
      }
      for (const id of batch) events[id]!.fate = "left"
      const last = taken.at(-1)!
      const open: Transitions.Open = {
        count: batch.length,
        buckets,
        last: [positionOf(last), events[last]!.index],
        todo: ranges,
      }
      change(Transitions.batchOpened(placeAt(start), open))
      return true
    },
    openAgain: () => {
      const { open } = standing.state
      if (open === null) return false
      // As it is gathered once more: nothing of it is settled, by what is read of the log.
      change(Transitions.batchOpened(placeAt(next), { ...open, todo: [[0, open.count]] }))
      return true
    },
    deliver: (by: number, how: number) => {
      if (!isLeft()) return false
      const part = partOf(by, how)
      settle(idsIn(part), "delivered")
      marked = null
      change(Transitions.partDelivered(part))
      return true
    },
    split: (by: number, how: number) => {
      if (!isLeft()) return false
      const part = partOf(by, how)
      const parts = pick([halve(part), cut(part, 1 + (by % 3)), firstAlone(part)], how)
      if (parts.length === 0) return false
      change(Transitions.rangeSplit(part, parts))
      return true
    },
    hold: (by: number, how: number) => {
      if (!isLeft()) return false
      const [at] = partOf(by, how)
      const id = batch[at]!
      events[id]!.fate = "held"
      clock += 1
      change(Transitions.suspectHeld(at, suspectOf(id)))
      return true
    },
    mark: () => {
      if (!isLeft()) return false
      marked = { todo: todo(), suspects: held().length }
      return true
    },
    putBack: () => {
      if (marked === null || !isOpen()) return false
      for (const suspect of held().slice(marked.suspects)) events[idOf(suspect)]!.fate = "left"
      change(Transitions.putBack(marked))
      return true
    },
    giveUp: (by: number, how: number) => {
      if (!isLeft()) return false
      const part = partOf(by, how)
      const kept = cut(part, 1).filter((_, at) => ((by >> (at % 8)) & 1) === 0)
      const lost = idsIn(part).filter(
        (_, at) => !kept.some((one) => isWithin([part[0] + at, part[0] + at + 1], one)),
      )
      const dead = how % (lost.length + 1)
      settle(lost.slice(0, dead), "dead")
      settle(lost.slice(dead), "trimmed")
      marked = null
      change(Transitions.partGivenUp(part, kept, { dead, trimmed: lost.length - dead }))
      return true
    },
    settle: () => {
      if (!isOpen() || isLeft()) return false
      const behind = Math.max(...batch) + 1
      pass(next, behind)
      batch = []
      marked = null
      lookOn(behind)
      change(Transitions.batchSettled(placeAt(next)))
      return true
    },
    reopen: () => {
      if (!isOpen()) return false
      forgetBatch()
      marked = null
      change(Transitions.reopened(placeAt(next)))
      return true
    },
    leaveOut: (_by: number, how: number) => {
      const id = firstWanted(next)
      if (id === events.length || (isOpen() && id !== next)) return false
      forgetBatch()
      marked = null
      pass(next, id)
      settle([id], how % 2 === 0 ? "dead" : "trimmed")
      lookOn(id + 1)
      const loss = { dead: 1 - (how % 2), trimmed: how % 2 }
      change(Transitions.eventLeftOut(placeAt(id), placeAt(next), loss))
      return true
    },
    trim: (by: number) => {
      const before = next
      const ends = entries
        .map((_, at) => at + 1)
        .filter((end) => Position.fromNumber(end) > standing.place.position)
      if (ends.length === 0) return false
      const end = pick(ends, by)
      const resumeAt = Position.fromNumber(end)
      const upTo = events.findIndex(({ at }) => at >= end)
      const to = upTo === -1 ? events.length : upTo
      if (batch.length > 0 && positionOf(Math.max(...batch)) > resumeAt) forgetBatch()
      const settled = batch.filter((id) => events[id]!.fate !== "left").length
      counted.trimmed += to - before - settled
      for (let id = before; id < to; id++) {
        if (events[id]!.fate === "ahead" || events[id]!.fate === "left") events[id]!.fate = "settled"
      }
      change(Transitions.cutOffAt(placeAt(before), resumeAt))
      const missing = to - standing.state.from - LaneState.looked(standing.state)
      change(Transitions.trimmedUpTo(resumeAt, missing))
      batch = []
      marked = null
      scannedLess += to - before
      next = to
      return true
    },
    restart: () => {
      const stored = Transitions.recordOf(standing)
      standing = deepFreeze(Transitions.begun(stored, LaneState.decode(stored.state)!))
      scannedLess = next - stored.index
      return true
    },
    suspectDelivered: (by: number) => {
      if (held().length === 0) return false
      const suspect = pick(held(), by)
      settle([idOf(suspect)], "delivered")
      marked = null
      change(Transitions.suspectDelivered(suspect))
      return true
    },
    suspectLost: (by: number, how: number) => {
      if (held().length === 0) return false
      const suspect = pick(held(), by)
      settle([idOf(suspect)], how % 2 === 0 ? "dead" : "trimmed")
      marked = null
      change(Transitions.suspectLost(suspect, { dead: 1 - (how % 2), trimmed: how % 2 }))
      return true
    },
    suspectFails: (by: number, how: number) => {
      if (held().length === 0) return false
      const suspect = pick(held(), by)
      const failed = Transitions.suspectFailedAgain(suspect, how % 2 === 0 ? 503 : null, how)
      change(pick([Transitions.suspectStruck(suspect), failed, Transitions.suspectFailedAlone(by)], how))
      return true
    },
    destination: (by: number, how: number) => {
      const { attemptFailed, fitsLearned, probingBegun, ranUntil, requestSent, strikesForgotten } =
        Transitions
      const learned = [fitsLearned(by), fitsLearned(null), ranUntil(by)]
      change(pick([...learned, attemptFailed(by, how), probingBegun, requestSent(by), strikesForgotten], how))
      return true
    },
  } satisfies Readonly<Record<string, (by: number, how: number) => boolean>>

  const idsOf = (fate: Fate): ReadonlyArray<number> =>
    events.flatMap((one, id) => (one.fate === fate ? [id] : []))

  return {
    step: (kind: Kind, by: number, how: number): boolean => kinds[kind](by, how),
    standing: () => standing,
    /** What was done, by the walk's own account. */
    counted: () => counted,
    /** How many events stand before the place. */
    before: () => next,
    events: events.length,
    /** Events that are due and not settled yet, by the walk's own account. */
    pending: () => {
      const settledAhead = batch.filter((id) => events[id]!.fate === "settled").length
      const heldBehind = idsOf("held").filter((id) => !batch.includes(id)).length
      return events.length - next - settledAhead + heldBehind
    },
    heldByAccount: () => idsOf("held"),
    leftByAccount: () => idsOf("left"),
    held: () => held().map(idOf),
    left: () => todo().flatMap(idsIn),
  }
}
