import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Result from "effect/Result"
import { ByteWriter } from "../bytes/ByteWriter.ts"
import * as Batch from "../deliver/lane/Batch.ts"
import type { Layout } from "../deliver/lane/layout.ts"
import type { Parcel, Sender } from "../deliver/send/Sender.ts"
import * as LetterEvent from "../entry/deadLetterEvent.ts"
import type { DeadLetter, DeadLetterPage, DeadLetters, DeadReason } from "../ports/DeadLetters.ts"
import type { RequestOrigin } from "../ports/Sink.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { Destination } from "../select/Destination.ts"
import type { ExportRule } from "../select/Export.ts"
import { originOf, writerOf } from "../select/sentEvents.ts"
import type { DeadLetterReplay, DeadLetterReplayRequest } from "./DeadLetterReplay.ts"

export interface ReplayOptions {
  readonly destination: Destination
  readonly exportRule: ExportRule
  readonly layout: Layout
  readonly sender: Sender
  readonly deadLetters: DeadLetters["Service"]
  /** Tells the requests of this replay from all others: they get `webhook-id`s of their own. */
  readonly name: string
  /** Asked before every request. */
  readonly isDisabled: Effect.Effect<boolean, StoreError>
}

/** A replay in the background: somebody else counts what comes of it, and may stop it. */
export interface ReplayWatch {
  /** Chooses among the letters that are asked for. */
  readonly isMeant: (letter: DeadLetter) => boolean
  readonly onReplayed: (count: number) => void
  readonly onFailed: (failure: DeadLetterReplay["failed"][number]) => void
  /** Opens when nothing more is to be sent; what is in flight is settled. */
  readonly stop: Latch.Latch
}

const stoppedByHand = "stopped by hand"

/**
 * Sends, unless the replay is stopped before the request has started: it may have to wait for as
 * long as a receiver is down.
 */
const sendUnlessStopped = (sender: Sender, parcel: Parcel, stop: Latch.Latch) => {
  let hasStarted = false
  const mayStart = Effect.suspend(() => {
    if (stop.isOpen()) return Effect.fail(stoppedByHand)
    hasStarted = true
    return Effect.void
  })
  const stopped = Effect.andThen(
    stop.await,
    Effect.suspend(() => (hasStarted ? Effect.never : Effect.fail(stoppedByHand))),
  )
  return Effect.result(Effect.raceFirst(sender.send(parcel, mayStart), stopped))
}

/** A page of letters is in memory at a time, and a batch does not reach over its end. */
const maxPage = 500

/**
 * After this many refusals with no success, blame the destination, not the events: splitting one
 * batch may cost a lane as many.
 */
const maxRefusals = 32

interface Exported {
  readonly letter: DeadLetter
  readonly json: ByteWriter
  readonly origin: RequestOrigin | null
}

const matcher = ({ eventIds, before }: DeadLetterReplayRequest): ((letter: DeadLetter) => boolean) => {
  const ids = eventIds === undefined ? null : new Set(eventIds)
  return ({ eventId, deadAt, replayedAt }) =>
    (ids === null ? replayedAt === null : ids.has(eventId)) && (before === undefined || deadAt < before)
}

/**
 * Exports by the destination's rules of today, but with the id by which receivers know the event.
 * Says why when it cannot be exported.
 */
const exportLetter = (
  { eventId, event: stored, receivedAt }: DeadLetter,
  rule: ExportRule,
): Omit<Exported, "letter"> | { readonly error: string } => {
  const entry = LetterEvent.readEntry(stored, receivedAt)
  if (entry === null) return { error: "the letter's event cannot be read" }
  const into = new ByteWriter(0)
  const error = writerOf(entry, rule, () => eventId)(entry.events[0]!, 0, into)
  return error === null ? { json: into, origin: originOf(entry, rule) } : { error: error.message }
}

/**
 * Sends dead letters of a destination once more, newest page first, in batches within the
 * destination's limits. One attempt a batch: what is not the events' own fault ends it, and whoever
 * began it decides when to try again. A batch that is refused is split; an event refused alone
 * stays a letter, with what was said of it this time. The filter is not asked: it let the event
 * pass when it died.
 *
 * A letter is marked after its delivery, so a crash in between may send it again, with the same
 * `timeUUID`.
 */
export const replayDeadLetters = Effect.fnUntraced(function* (
  { destination, exportRule, layout, sender, deadLetters, name, isDisabled }: ReplayOptions,
  request: DeadLetterReplayRequest,
  watch?: ReplayWatch,
): Effect.fn.Return<DeadLetterReplay, StoreError> {
  const failed: Array<DeadLetterReplay["failed"][number]> = []
  const noteFailure = watch?.onFailed ?? ((failure) => failed.push(failure))
  const stop = watch?.stop ?? Latch.makeUnsafe(false)
  let replayed = 0
  let refusals = 0
  const report = (stopped: string | null): DeadLetterReplay => ({ replayed, failed, stopped })

  const fail = (letter: DeadLetter, reason: DeadReason, message: string, status: number | null) => {
    noteFailure({ eventId: letter.eventId, message })
    return deadLetters.put([{ ...letter, reason, message, status }])
  }

  /** Returns why the replay cannot go on; `null` when it can. */
  const send = Effect.fnUntraced(function* (letters: ReadonlyArray<DeadLetter>, batch: Batch.Batch) {
    const todo: Array<Batch.Range> = [[0, letters.length]]
    for (let range = todo.pop(); range !== undefined; range = todo.pop()) {
      if (stop.isOpen()) return stoppedByHand
      if (yield* isDisabled) return "the destination is disabled"
      const [from, to] = range
      const [first, last] = [letters[from]!, letters[to - 1]!]
      const count = to - from
      const ids = { first: first.eventId, last: last.eventId }
      const parcel = { body: batch.body(range), ...ids, count, origin: batch.origin(range), replay: name }
      const sent = yield* sendUnlessStopped(sender, parcel, stop)
      if (Result.isFailure(sent)) return sent.failure
      const { verdict, record } = sent.success
      record(null)
      const said = verdict.error ?? verdict.outcome
      switch (verdict.outcome) {
        case "delivered": {
          const eventIds = letters.slice(from, to).map(({ eventId }) => eventId)
          const now = yield* Clock.currentTimeMillis
          yield* deadLetters.markReplayed({ destination: destination.id, eventIds }, now)
          replayed += count
          watch?.onReplayed(count)
          break
        }
        case "refused":
        case "too-large":
          refusals += 1
          if (count === 1) yield* fail(first, verdict.outcome, said, verdict.status)
          // The first half is the last on the stack.
          else todo.push(...Batch.halve(range).toReversed())
          if (replayed === 0 && refusals >= maxRefusals) return `nothing passes: ${said}`
          break
        default:
          return said
      }
    }
    return null
  })

  const matchesRequest = matcher(request)
  const matches = (letter: DeadLetter): boolean =>
    matchesRequest(letter) && (watch === undefined || watch.isMeant(letter))
  const missing = new Set(request.eventIds)
  const limit = Math.min(destination.batch.maxEvents, maxPage)
  let after: string | null = null
  do {
    const page: DeadLetterPage = yield* deadLetters.list({
      destination: destination.id,
      limit,
      ...(after === null ? {} : { after }),
    })
    const exported: Array<Exported> = []
    // Oldest first, as far as a page reaches.
    for (const letter of page.letters.filter(matches).reverse()) {
      missing.delete(letter.eventId)
      const result = exportLetter(letter, exportRule)
      if ("json" in result) exported.push({ letter, ...result })
      else yield* fail(letter, "unexportable", result.error, null)
    }
    while (exported.length > 0) {
      const builder = Batch.make(destination.batch, layout)
      const fitting = exported.findIndex(({ json, origin }) => {
        const into = builder.begin(origin)
        if (into === null) return true
        into.copy(json, 0, json.length)
        return !builder.commit()
      })
      const batch = exported.splice(0, fitting === -1 ? exported.length : fitting)
      const stopped = yield* send(
        batch.map(({ letter }) => letter),
        builder.close(),
      )
      if (stopped !== null) return report(stopped)
    }
    after = request.eventIds !== undefined && missing.size === 0 ? null : page.next
  } while (after !== null)
  for (const eventId of missing) {
    noteFailure({ eventId, message: "there is no such dead letter" })
  }
  return report(null)
})
