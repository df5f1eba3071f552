import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Count } from "../base/scalars.ts"
import {
  type DeadLetter,
  type DeadLetterPage,
  DeadLetterSelection,
  type DeadLetters,
} from "../ports/DeadLetters.ts"
import type { StoreError } from "../ports/StoreError.ts"
import { matcherOf } from "./letters/choosing.ts"
import { CauseChoice } from "./rows/jobs.ts"

/** Which dead letters, and how many of them. */
export const DeadLetterSearch = Schema.Struct({
  ...DeadLetterSelection.fields,
  /** Only letters of this cause: see `causes`. */
  cause: Schema.optionalKey(CauseChoice),
  /** 100 by default. */
  limit: Schema.optionalKey(Count),
  /** The `next` of the page before. */
  after: Schema.optionalKey(Schema.String),
})

export type DeadLetterSearch = typeof DeadLetterSearch.Type

/** Letters that are looked through at once. */
const window = 1000

/**
 * Lists dead letters. The store lists them by destination; what else is asked for is picked out of
 * its pages, until there is one more than was asked for, so that `next` says truly whether there
 * are more.
 */
export const searchDeadLetters = Effect.fnUntraced(function* (
  deadLetters: DeadLetters["Service"],
  { eventIds, cause, before, limit = 100, after, ...query }: DeadLetterSearch,
): Effect.fn.Return<DeadLetterPage, StoreError> {
  const pageAfter = (place: string | undefined, count: number) =>
    deadLetters.list({ ...query, limit: count, ...(place === undefined ? {} : { after: place }) })
  if (eventIds === undefined && cause === undefined && before === undefined) {
    return yield* pageAfter(after, limit)
  }
  const isChosen = matcherOf({
    ...(eventIds === undefined ? {} : { eventIds }),
    ...(cause === undefined ? {} : { cause }),
  })
  const isMeant = (letter: DeadLetter): boolean =>
    isChosen(letter) && (before === undefined || letter.deadAt < before)
  const letters: Array<DeadLetter> = []
  let place = after
  /** Behind the last letter that is listed: the store gives places behind pages only. */
  let next: string | null = null
  for (;;) {
    const page = yield* pageAfter(place, window)
    for (const [index, letter] of page.letters.entries()) {
      if (!isMeant(letter)) continue
      if (letters.length === limit) return { letters, next }
      letters.push(letter)
      if (letters.length < limit) continue
      next = (yield* pageAfter(place, index + 1)).next
      if (next === null) return { letters, next }
    }
    if (page.next === null) return { letters, next: null }
    place = page.next
  }
})
