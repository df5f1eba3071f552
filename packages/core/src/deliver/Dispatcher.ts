import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { StoreError } from "../ports/StoreError.ts"

/** Why events that are stored do not go out: not for the sake of a destination. */
export interface Halt {
  /** `null` when it is a mistake of this program. */
  readonly error: StoreError | null
  /** For operators: no event, no key, no password. */
  readonly detail: string
}

/** Delivers from a store. */
export class Dispatcher extends Context.Service<
  Dispatcher,
  {
    /**
     * The destinations that are this process's to deliver to, and to which it does not: another one
     * has taken them over, or its own lease has ended.
     */
    readonly undelivered: Effect.Effect<ReadonlyArray<string>, StoreError>
    /** Why what is stored does not go out, though it is this process's to deliver. */
    readonly halted: Effect.Effect<Halt | null>
    /**
     * Returns once the store has lost what it had acknowledged as safe: then it takes nothing any
     * more, and says what to do.
     */
    readonly lost: Effect.Effect<StoreError>
    /**
     * Sends what is pending without waiting for batches to fill; returns when nothing is left to
     * send now: every lane of this process has reached the head or waits to try again. When other
     * processes deliver from the store it leaves what is pending to them, and returns once what was
     * under way is settled. To be called once, before the end.
     */
    readonly drain: Effect.Effect<"drained" | "handed-over">
  }
>()("@millrace/core/Dispatcher") {}
