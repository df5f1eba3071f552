import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Batch from "../../Batch.ts"
import * as Delivery from "../../Delivery.ts"
import type { Destination } from "../../Destination.ts"
import type { ExportError, ExportRule } from "../../Export.ts"
import type { Fenced, Released } from "../../LaneEnd.ts"
import type { Suspect } from "../../LaneState.ts"
import type { Position } from "../../Position.ts"
import type { StoreError } from "../../StoreError.ts"
import { placeId } from "../collector.ts"
import { exportedEvents } from "../Feed.ts"
import type { Sent } from "../Sender.ts"
import type { Book } from "./book.ts"
import type { Bury } from "./burying.ts"
import type { Probes } from "./probes.ts"
import type { Reading, Source } from "./reading.ts"
import type { Round } from "./round.ts"

/** At most so many events are held as suspects; then they are tried again in turn rather than new ones. */
const maxSuspects = 64

/** A lone event dies of 500 or 501 only after so many failures, each with a neighbour passing just before and just after. */
const maxStrikes = 5

/** Saves the lane as it stands, whatever it has in hand. */
export type Keep = Effect.Effect<void, Fenced | Released | StoreError>

/**
 * Events that failed alone. They are out of the way of the others, and whether it was the event or the destination is what the others show:
 * no event dies of a refusal or a breakage unless another has passed.
 */
export interface Suspects {
  readonly count: () => number
  readonly hold: (source: Source, kind: Suspect["kind"]) => void
  /** Suspects none but the so many first: the others were held during an outage. */
  readonly clearAfter: (count: number) => void
  /** No neighbour passed just after a suspect: it may have been an outage's beginning, or a receiver that flaps. */
  readonly noStrike: () => void
  /**
   * Another event has passed, so the destination takes events: each suspect that is due is sent once more. Refused again, or broken on
   * often enough, it dies. Ends early when the destination fails meanwhile: those left wait for the next event that passes.
   */
  readonly retry: (keep: Keep) => Effect.Effect<void, Fenced | Released | StoreError>
  /** As many suspects as may be held, and nothing passes: they are tried in turn, rather than new events. */
  readonly makeRoom: (keep: Keep) => Effect.Effect<void, Fenced | Released | StoreError>
  /** No other event comes that could show whose fault it was. It may pass by now; if not, it stays a suspect. */
  readonly probe: Effect.Effect<void, Fenced | Released | StoreError>
}

interface Options {
  readonly destination: Destination
  readonly exportRule: ExportRule
}

interface Parts {
  readonly book: Book
  readonly reading: Reading
  readonly bury: Bury
  readonly round: Round
  readonly probes: Probes
}

const sourceOf = ({ after, entry, index }: Suspect): Source => ({
  after: after as Position,
  position: (entry ?? null) as Position | null,
  index,
})

const isSame = (one: Suspect, other: Suspect): boolean =>
  one.after === other.after && one.index === other.index

/** It could be exported when it was held, and cannot be any more. */
const unexportable = ({ message }: ExportError): Sent => ({
  verdict: { outcome: "refused", status: null, error: message, retryAfter: null },
  isBodyFree: true,
  record: () => {},
})

export const makeSuspects = ({ destination, exportRule }: Options, parts: Parts): Suspects => {
  const { book, reading, bury, round, probes } = parts

  const release = (suspect: Suspect): void =>
    book.update({ suspects: book.state.suspects.filter((one) => !isSame(one, suspect)) })

  const replace = (suspect: Suspect): void =>
    book.update({ suspects: book.state.suspects.map((one) => (isSame(one, suspect) ? suspect : one)) })

  const noStrike = (): void => {
    const { suspects } = book.state
    if (suspects.some(({ open }) => open)) {
      book.update({ suspects: suspects.map((suspect) => ({ ...suspect, open: false })) })
    }
  }

  /** `null` when the log no longer has the event: then it is no suspect any more. */
  const send = Effect.fnUntraced(function* (suspect: Suspect) {
    const [loaded] = yield* reading.load([sourceOf(suspect)])
    if (loaded === undefined) {
      release(suspect)
      book.update({ trimmed: book.state.trimmed + 1 })
      return null
    }
    const { item, index } = loaded
    const builder = Batch.make(destination.batch, destination.format)
    const error = exportedEvents(item, exportRule).write(index, builder.begin())
    if (error !== null) return unexportable(error)
    builder.commit()
    const id = placeId({ entryId: item.entry.id, time: item.entry.events[index]!.time, index })
    return yield* round.send(builder.close().body([0, 1]), id, id, 1)
  })

  const delivered = (suspect: Suspect): void => {
    release(suspect)
    round.passed(1)
  }

  /** The last failure of a poison suspect, and now a neighbour has passed after it. */
  const strike = Effect.fnUntraced(function* (suspect: Suspect, now: number) {
    const strikes = suspect.strikes + 1
    const { millis } = Delivery.waitAfter(destination.retry, strikes, null, 1)
    const struck = { ...suspect, open: false, strikes, due: now + millis }
    replace(struck)
    if (strikes < maxStrikes) return
    release(struck)
    const error = `the receiver broke ${maxStrikes} times on this event alone, while others passed`
    yield* bury([sourceOf(struck)], "poison", { status: 500, error })
  })

  /** The destination fails, whatever it is sent. */
  const waitOut = Effect.fnUntraced(function* ({ verdict, record }: Sent, keep: Keep) {
    yield* book.failed
    const pause = yield* round.backOff(verdict.retryAfter)
    record(pause)
    yield* keep
    yield* round.wait(pause)
  })

  const retry = Effect.fnUntraced(function* (keep: Keep) {
    const now = yield* Clock.currentTimeMillis
    for (const suspect of book.state.suspects) {
      if (suspect.open) {
        yield* strike(suspect, now)
        yield* keep
        continue
      }
      if (suspect.due > now) continue
      const sent = yield* send(suspect)
      if (sent === null) continue
      const { verdict, record } = sent
      if (verdict.outcome !== "delivered") noStrike()
      if (verdict.outcome === "delivered") delivered(suspect)
      else if (verdict.outcome === "refused" || verdict.outcome === "too-large") {
        release(suspect)
        yield* bury([sourceOf(suspect)], verdict.outcome, verdict)
      } else if (suspect.kind === "poison" && Delivery.isBreakage(verdict)) {
        replace({ ...suspect, open: true })
        record(null)
        return yield* keep
      } else return yield* waitOut(sent, keep)
      record(null)
      yield* keep
    }
  })

  return {
    count: () => book.state.suspects.length,
    hold: ({ after, position, index }, kind) =>
      book.update({
        suspects: [
          ...book.state.suspects,
          {
            after,
            ...(position === null ? {} : { entry: position }),
            index,
            kind,
            strikes: 0,
            open: kind === "poison",
            due: 0,
          },
        ],
      }),
    clearAfter: (count) => book.update({ suspects: book.state.suspects.slice(0, count) }),
    noStrike,
    retry,
    makeRoom: Effect.fnUntraced(function* (keep) {
      while (book.state.probing && book.state.suspects.length >= maxSuspects) {
        const [suspect, ...others] = book.state.suspects
        const sent = yield* send(suspect!)
        if (sent === null) continue
        if (sent.verdict.outcome === "delivered") {
          delivered(suspect!)
          sent.record(null)
          yield* keep
          return yield* retry(keep)
        }
        book.update({ suspects: [...others, suspect!] })
        noStrike()
        yield* waitOut(sent, keep)
      }
    }),
    probe: Effect.gen(function* () {
      const [suspect] = book.state.suspects
      if (suspect === undefined) return
      const sent = yield* send(suspect)
      if (sent === null) return yield* book.saveHere
      sent.record(null)
      if (sent.verdict.outcome === "delivered") {
        delivered(suspect)
        yield* book.saveHere
        return yield* retry(book.saveHere)
      }
      noStrike()
      // Breaking on the same event again says nothing of its neighbours.
      const open = suspect.open && Delivery.isBreakage(sent.verdict)
      release(suspect)
      book.update({ suspects: [...book.state.suspects, { ...suspect, open }] })
      probes.wasInVain()
      yield* book.saveHere
    }),
  }
}
