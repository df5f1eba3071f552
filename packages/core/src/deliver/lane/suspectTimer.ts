import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Destination } from "../../select/Destination.ts"
import * as Delivery from "../Delivery.ts"
import type { Book } from "./progress.ts"

/**
 * While nothing else comes, suspects are tried now and then, ever more rarely: when is the next
 * time.
 */
export interface Probes {
  /** When an idle lane tries a suspect, on the monotonic clock; `null` when it has none. */
  readonly next: (now: number) => Effect.Effect<number | null>
  readonly wasInVain: () => void
  /** The next time is now. */
  readonly hurry: () => void
  /** An event has passed. */
  readonly forget: () => void
}

export const makeProbes = ({ retry }: Destination, book: Book): Probes => {
  let inVain = 0
  let at: number | null = null
  return {
    next: Effect.fnUntraced(function* (now) {
      if (book.state.suspects.length === 0) return null
      if (at === null) {
        const random = yield* Random.next
        at = now + Delivery.waitAfter(retry, inVain + 1, null, random).millis
      }
      return at
    }),
    wasInVain: () => {
      inVain += 1
      at = null
    },
    hurry: () => {
      if (book.state.suspects.length > 0) at = Number.NEGATIVE_INFINITY
    },
    forget: () => {
      inVain = 0
      at = null
    },
  }
}
