/**
 * Sign-ins that were ended before their time, until that has come. A browser forgets its cookie;
 * this is for one that was copied. All processes of a store know of it: the one that was asked at
 * once, the others {@link freshFor} later at most.
 */
import type { Documents } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as SharedRecord from "../admin/sharedRecord.ts"
import type { Session } from "./session.ts"

const EndedSession = Schema.Struct({
  id: Schema.String,
  /** When it was ended, and when it would have been. */
  at: Schema.Finite,
  until: Schema.Finite,
})

/** Far more people than sign out in twelve hours. The one that was ended first gives way. */
const maxEnded = 2_000

/** ms. How long what the store has said is taken for what it says now. */
const freshFor = 1_000

/** ms. A store that takes longer keeps nobody waiting: the page has to say that it is down. */
const answerWithin = 500

export interface Ended {
  readonly add: (session: Session) => Effect.Effect<void>
  readonly has: (session: Session) => Effect.Effect<boolean>
}

export const make = (documents: Documents.Documents["Service"]): Ended => {
  const record = SharedRecord.make(documents, {
    name: "console/signed-out",
    row: EndedSession,
    keep: (rows, now) => rows.filter(({ until }) => until > now).slice(-maxEnded),
  })
  let known: ReadonlySet<string> = new Set()
  let readAt = Number.NEGATIVE_INFINITY

  const read = Effect.map(record.list, (rows) => {
    known = new Set(rows.map(({ id }) => id))
  })
  /** A store that does not answer says nothing new: what was known holds. */
  const look = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (now - readAt < freshFor && now >= readAt) return
    readAt = now
    // A call that hangs is left behind: waiting for its interruption would take as long.
    const reading = yield* Effect.forkDetach(Effect.ignore(read), { startImmediately: true })
    yield* Effect.timeoutOption(Fiber.await(reading), answerWithin)
  })

  return {
    add: Effect.fnUntraced(function* ({ id, until }) {
      known = new Set([...known, id])
      const at = yield* Clock.currentTimeMillis
      yield* Effect.catch(record.add({ id, at, until }), ({ message }) =>
        Effect.annotateLogs(
          Effect.logWarning("a sign-out is not in the store yet: other processes do not know of it"),
          { reason: message },
        ),
      )
    }),
    has: ({ id }) => Effect.map(look, () => known.has(id)),
  }
}
