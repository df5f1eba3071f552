import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import * as LaneState from "../../../src/deliver/LaneState.ts"
import * as Transitions from "../../../src/deliver/lane/transitions.ts"
import * as Position from "../../../src/ports/Position.ts"
import { type Kind, makeWalker, type Walk, walk } from "../../support/laneWalk.ts"

type Walker = ReturnType<typeof makeWalker>

/** Holds for whatever a lane goes through, after each step of it. */
const always = (holds: (walker: Walker) => void) =>
  fc.assert(
    fc.property(walk, ({ entries, steps }) => {
      const walker = makeWalker({ entries })
      for (const step of steps) {
        walker.step(...step)
        holds(walker)
      }
    }),
    { numRuns: 100 },
  )

const sorted = (ids: ReadonlyArray<number>) => ids.toSorted((a, b) => a - b)

test("an event is left of the open batch, held as a suspect or settled, and never two of them", () => {
  always((walker) => {
    expect(sorted(walker.left())).toEqual(walker.leftByAccount())
    expect(sorted(walker.held())).toEqual(walker.heldByAccount())
  })
})

test("what is delivered, filtered, dead and trimmed is counted once, and again only when it is due again", () => {
  always((walker) => {
    const { delivered, filtered, dead, trimmed, from } = walker.standing().state
    const { repeated, ...counted } = walker.counted()
    expect({ delivered, filtered, dead, trimmed }).toEqual(counted)
    expect(from).toBe(repeated === 0 ? 0 : -repeated)
  })
})

test("due = delivered + filtered + dead + trimmed + pending, wherever the lane stands", () => {
  always((walker) => {
    const { state } = walker.standing()
    const due = walker.events - state.from
    const { delivered, filtered, dead, trimmed } = state
    expect(delivered + filtered + dead + trimmed + walker.pending()).toBe(due)
    // As whoever reads the cursor counts, who knows the log's running sum at the place only.
    expect(state.from + LaneState.looked(state) - LaneState.settledAhead(state)).toBe(walker.before())
  })
})

test("the place never goes back", () => {
  fc.assert(
    fc.property(walk, ({ entries, steps }) => {
      const walker = makeWalker({ entries })
      for (const step of steps) {
        const before = walker.standing().place
        walker.step(...step)
        const after = walker.standing().place
        const isAhead =
          after.position > before.position ||
          (after.position === before.position && after.index >= before.index)
        expect(isAhead).toBe(true)
      }
    }),
    { numRuns: 100 },
  )
})

test("what is saved is read as it was, and counted on from there", () => {
  always((walker) => {
    const { place, state } = walker.standing()
    const record = Transitions.recordOf(walker.standing())
    const stored = LaneState.decode(record.state)!
    const again = Transitions.begun(record, stored)
    expect(again.state).toEqual(state)
    expect({ ...again.place, scanned: null }).toEqual({ ...place, scanned: null })
    const saved = (one: typeof record) => ({ ...one, state: JSON.parse(one.state) as unknown })
    expect(saved(Transitions.recordOf(again))).toEqual(saved(record))
    // It counts on from there: what is scanned next and not let through is filtered.
    const next = { ...again.place, scanned: again.place.scanned + 1 }
    if (state.open === null) {
      expect(Transitions.lookedUpTo(next)(again).state.filtered).toBe(state.filtered + 1)
    }
  })
})

test("failures in a row end with the first event that passes, of a batch or held", () => {
  fc.assert(
    fc.property(walk, ({ entries, steps }) => {
      const walker = makeWalker({ entries })
      for (const step of steps) {
        const { delivered } = walker.standing().state
        walker.step(...step)
        const { state } = walker.standing()
        if (state.delivered > delivered) {
          expect(state).toMatchObject({ failures: 0, failingSince: null, probing: false })
          expect(state.failingFrom).toBeUndefined()
          expect(state.nothingPassedFrom).toBeUndefined()
        }
        if (state.failures > 0) expect(state.failingSince).not.toBeNull()
      }
    }),
    { numRuns: 100 },
  )
})

test("what is seen of one suspect is noted of that one alone", () => {
  always((walker) => {
    const standing = walker.standing()
    const { suspects } = standing.state
    for (const [at, suspect] of suspects.entries()) {
      const noted = (transition: Transitions.Transition) =>
        transition(standing).state.suspects.with(at, suspect)
      expect(noted(Transitions.suspectStruck(suspect))).toEqual(suspects)
      expect(noted(Transitions.suspectFailedAgain(suspect, 503, 7))).toEqual(suspects)
      const struck = Transitions.suspectStruck(suspect)(standing).state.suspects[at]!
      expect(struck).toEqual({ ...suspect, open: false, strikes: suspect.strikes + 1 })
      const again = Transitions.suspectFailedAgain(struck, 503, 7)(standing).state.suspects[at]!
      const tries = Transitions.triesOf(struck) + 1
      expect(again).toEqual({ ...suspect, open: true, tries, status: 503, due: 7 })
    }
    const forgotten = Transitions.strikesForgotten(standing).state.suspects
    expect(forgotten).toEqual(suspects.map((one) => ({ ...one, open: false })))
  })
})

/** What is done with a lane beside its own work: by an operator, or by a log that has lost some. */
describe("wherever a lane stands", () => {
  const anywhere = (holds: (standing: Transitions.Standing, walker: Walker, by: number) => void) =>
    fc.assert(
      fc.property(walk, fc.nat(1_000), ({ entries, steps }, by) => {
        const walker = makeWalker({ entries })
        for (const step of steps) walker.step(...step)
        holds(walker.standing(), walker, by)
      }),
      { numRuns: 100 },
    )
  const counts = ({ delivered, filtered, dead, trimmed }: LaneState.LaneState) => ({
    ...{ delivered, filtered, dead, trimmed },
  })
  const sumAt = (state: LaneState.LaneState) =>
    state.from + LaneState.looked(state) - LaneState.settledAhead(state)

  test("a rewind makes due again what lies behind the new place, and leaves counted what was done", () => {
    anywhere(({ state, place }, { before }, by) => {
      const events = by % (before() + 1)
      const moved = LaneState.rewound(state, Position.origin, events)
      expect(sumAt(moved)).toBe(events)
      expect(counts(moved)).toEqual(counts(state))
      expect(moved).toMatchObject({ suspects: [], open: null })
      const here = LaneState.rewound(state, place.position, events)
      expect(here.suspects).toEqual(state.suspects.filter(({ after }) => after < place.position))
    })
  })

  test("a skip leaves nothing due that lies before the new place, and leaves counted what was done", () => {
    anywhere(({ state }, { events }) => {
      const moved = LaneState.skipped(state, events)
      expect(sumAt(moved)).toBe(events)
      expect(counts(moved)).toEqual(counts(state))
      expect(moved).toMatchObject({ suspects: [], open: null })
    })
  })

  test("a log that comes back with less leaves counted what was done with the rest", () => {
    anywhere((standing, { before }, by) => {
      const events = by % (before() + 1)
      const cut = Transitions.cutOffAt(standing.place, Position.origin)(standing)
      const missing = events - cut.state.from - LaneState.looked(cut.state)
      const { state, place } = Transitions.cameBackAt(Position.origin, missing)(cut)
      expect(sumAt(state)).toBe(events)
      expect(counts(state)).toEqual(counts(standing.state))
      expect(state.open).toBeNull()
      expect(place).toMatchObject({ position: Position.origin, index: 0, within: null })
    })
  })
})

test("the walks do every step often, and from every state that matters", () => {
  const done = new Map<Kind | "trim open" | "restart open" | "many held", number>()
  const note = (what: Kind | "trim open" | "restart open" | "many held") =>
    done.set(what, (done.get(what) ?? 0) + 1)
  const all: ReadonlyArray<Walk> = fc.sample(walk, { numRuns: 500, seed: 1 })
  for (const { entries, steps } of all) {
    const walker = makeWalker({ entries })
    for (const [kind, by, how] of steps) {
      const isOpen = walker.standing().state.open !== null
      if (!walker.step(kind, by, how)) continue
      note(kind)
      if (isOpen && (kind === "trim" || kind === "restart")) note(`${kind} open`)
      if (walker.held().length > 3) note("many held")
    }
  }
  expect(done.size).toBe(21)
  expect(Math.min(...done.values())).toBeGreaterThan(50)
})
