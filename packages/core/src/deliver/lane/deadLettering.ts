import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { makeSparingly } from "../../base/logOncePerMinute.ts"
import * as LetterEvent from "../../entry/deadLetterEvent.ts"
import { eventIds } from "../../entry/Entry.ts"
import type { DeadLetter, DeadLetters, DeadReason } from "../../ports/DeadLetters.ts"
import { retryStore } from "../../ports/retryStore.ts"
import type { StoreError } from "../../ports/StoreError.ts"
import type { Destination } from "../../select/Destination.ts"
import type { ExportRule } from "../../select/Export.ts"
import type { Verdict } from "../Delivery.ts"
import type { Sender } from "../send/Sender.ts"
import type { Reading, Source } from "./catchUp.ts"
import type { Loss } from "./transitions.ts"

interface Options {
  readonly destination: Destination
  readonly exportRule: ExportRule
  readonly deadLetters: DeadLetters["Service"]
  readonly sender: Pick<Sender, "health">
}

/**
 * Makes dead letters of events. Returns how many that are, and how many the log no longer has: the
 * caller counts and saves.
 */
export type Bury = (
  sources: ReadonlyArray<Source>,
  reason: DeadReason,
  why: Pick<Verdict, "status" | "error">,
) => Effect.Effect<Loss, StoreError>

export const makeBury = (
  { destination, exportRule, deadLetters, sender }: Options,
  { load }: Reading,
): Bury => {
  const isSent = exportRule.form === "sent"
  const sparingly = makeSparingly()
  const say = (events: number, reason: DeadReason, status: number | null) =>
    sparingly(
      Effect.annotateLogs(Effect.logWarning("events of a destination became dead letters"), {
        destination: destination.id,
        reason,
        ...(status === null ? {} : { status }),
        events,
      }),
    )
  return Effect.fnUntraced(function* (sources, reason, { status, error }) {
    const deadAt = yield* Clock.currentTimeMillis
    const letters = (yield* load(sources)).map(({ item: { entry }, index }): DeadLetter => {
      const event = entry.events[index]!
      return {
        destination: destination.id,
        eventId: eventIds(entry)(index),
        reason,
        message: error ?? reason,
        status,
        deadAt,
        receivedAt: entry.receivedAt,
        eventName: event.eventName,
        event: isSent ? LetterEvent.writeSent(entry, event, index) : LetterEvent.write(entry, event),
        replayedAt: null,
      }
    })
    if (letters.length > 0) {
      yield* retryStore(deadLetters.put(letters))
      yield* say(letters.length, reason, status)
      yield* sender.health.died(letters.length, status === null ? reason : `${reason}, answered ${status}`)
    }
    return { dead: letters.length, trimmed: sources.length - letters.length }
  })
}
