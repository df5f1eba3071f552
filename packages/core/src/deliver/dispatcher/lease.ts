import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { makeSparingly } from "../../base/logOncePerMinute.ts"
import { defectSummary } from "../../ports/defectSummary.ts"
import type { Members } from "../../ports/Members.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import { dealtTo } from "./rendezvous.ts"

/** ms from one beat to the next: two may be lost before a lease ends. */
const beatEvery = 2_000

/**
 * ms that a process counts as there after a beat: one that is killed is replaced after this and one
 * beat of another, within 10 s.
 */
const leaseFor = 6_000

/** ms that a store which is going down may keep a process that leaves. */
const leaveWithin = 2_000

/**
 * A stretch of membership without a gap. What was begun in it may send for as long as it holds;
 * once over, it is over for good.
 */
export interface Tenure {
  readonly holds: () => boolean
}

/** Which lanes are this process's to run, by the names of their live cursors. */
export interface Ownership {
  readonly tenure: () => Tenure
  readonly isMine: (lane: string) => boolean
  /**
   * Nobody else can be running it any more: its earlier owner is gone, or has had the time to let
   * go of it.
   */
  readonly isFree: (lane: string) => boolean
  /** There are other processes that go on with what this one lets go of. */
  readonly hasOthers: () => boolean
  /**
   * From now on nothing is this process's; the others are told once it has let go of what it runs.
   */
  readonly leave: (letGo: Effect.Effect<void>) => Effect.Effect<void>
}

/** For a store that only one process can deliver from: nothing beats. */
export const sole: Ownership = {
  tenure: () => ({ holds: () => true }),
  isMine: () => true,
  isFree: () => true,
  hasOthers: () => false,
  leave: (letGo) => letGo,
}

/**
 * Both clocks: the wall's counts on while a machine is suspended, the monotonic one is not set
 * back.
 */
interface Moment {
  readonly wall: number
  readonly monotonic: number
}

const momentOf = (clock: Clock.Clock): Moment => ({
  wall: clock.currentTimeMillisUnsafe(),
  monotonic: Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
})

const elapsed = (from: Moment, to: Moment): number =>
  Math.max(to.wall - from.wall, to.monotonic - from.monotonic)

/** The members at a beat, and whom they deal to: asked for every lane at every beat. */
const makeView = (members: ReadonlyArray<string>) => {
  const dealt = new Map<string, string | undefined>()
  const known = new Set(members)
  return {
    members,
    has: (member: string) => known.has(member),
    ownerOf: (lane: string): string | undefined => {
      if (!dealt.has(lane)) dealt.set(lane, dealtTo(lane, members))
      return dealt.get(lane)
    },
  }
}

type View = ReturnType<typeof makeView>

const isSame = (one: View, other: View): boolean =>
  one.members.length === other.members.length && one.members.every(other.has)

/**
 * Makes this process a member and keeps it one; its scope's end lets the others know.
 *
 * ```
 *              beat                        6 s without a beat
 *   no member ──────► leased, in a term ──────────────────────► lapsed: no attempt starts
 *                       ▲    │                                     │
 *                       │    │ leave: nothing is dealt to it,      │ beat: another term, and
 *                       │    ▼ what it runs is let go              │ tenures of the last are over
 *                       │  gone                                    │
 *                       └──────────────────────────────────────────┘
 * ```
 *
 * This process's lease is counted from before its beat was sent, so it ends before the others may
 * see it end. After a gap the process is as new: what it ran may have been taken over and given
 * back meanwhile.
 *
 * @param onBeat called whenever the members are known anew
 * @param onLost called when the store says that it has lost what it had acknowledged
 */
export const join = Effect.fnUntraced(function* (
  members: Members["Service"],
  id: string,
  onBeat: () => void,
  onLost: (error: StoreError) => void,
) {
  const clock = yield* Clock.Clock
  let renewed: Moment = { wall: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY }
  let term = 0
  let isLeaving = false
  /** At the last beat and the two before it. */
  let views: readonly [View, View, View] | null = null

  const isLeased = () => elapsed(renewed, momentOf(clock)) < leaseFor

  const beat = Effect.gen(function* () {
    const sent = momentOf(clock)
    const present = makeView(yield* members.beat(id, leaseFor))
    if (!isLeased()) {
      term += 1
      // Whoever was there before is taken for the owner of everything that is dealt here now.
      const before = makeView(present.members.filter((member) => member !== id))
      views = [before, before, before]
    }
    const [, older, last] = views!
    renewed = sent
    views = [older, last, isSame(last, present) ? last : present]
    onBeat()
    if (isSame(last, present)) return
    yield* Effect.logInfo("the processes that deliver from this store have changed").pipe(
      Effect.annotateLogs({ processes: present.members.length }),
    )
  })

  const sayFailed = makeSparingly()
  const failed = (reason: string) =>
    sayFailed(Effect.logWarning("the store was not told that this process is there", reason))

  const beating = Effect.gen(function* () {
    const began = momentOf(clock)
    // A beat that takes longer is worth nothing.
    yield* Effect.timeout(beat, leaseFor).pipe(
      Effect.catchTags({
        StoreError: (error) => {
          if (error.reason._tag === "Closed") return Effect.never
          if (error.reason._tag === "Lost") onLost(error)
          return failed(error.message)
        },
        TimeoutError: (error) => failed(error.message),
      }),
      Effect.catchDefect((defect) => failed(defectSummary(Cause.die(defect)))),
    )
    yield* Effect.sleep(Math.max(beatEvery - elapsed(began, momentOf(clock)), 0))
  })

  const sayLeaving = Effect.ignore(Effect.timeout(members.leave(id), leaveWithin))
  yield* Effect.addFinalizer(() => sayLeaving)
  yield* beat
  const heart = yield* Effect.forkScoped(Effect.andThen(Effect.sleep(beatEvery), Effect.forever(beating)))

  const ownership: Ownership = {
    tenure: () => {
      const own = term
      return { holds: () => own === term && isLeased() }
    },
    isMine: (lane) => !isLeaving && views![2].ownerOf(lane) === id,
    isFree: (lane) => {
      const [older, last, now] = views!
      return [older, last].every((view) => {
        const owner = view.ownerOf(lane)
        return owner === undefined || owner === id || !now.has(owner)
      })
    },
    hasOthers: () => views![2].members.some((member) => member !== id),
    leave: Effect.fnUntraced(function* (letGo) {
      isLeaving = true
      yield* letGo
      // No beat may come after it.
      yield* Fiber.interrupt(heart)
      yield* sayLeaving
    }),
  }
  return ownership
})
