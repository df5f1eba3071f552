/**
 * The room of delivery: from the log to the receiver.
 *
 * What comes in are entries, read from the log's head once for all destinations; what goes out are
 * requests to receivers, and what became of each event: cursors, attempts, dead letters.
 *
 *     log ─┬─ HeadReader ─ Router ─┬─► Feed ─► Lane: batch ─► send ─► settle ─┐
 *          └─ a lane that lags ────┘             ▲                            │
 *                                                └───────── save the cursor ◄─┘
 *
 * `Dispatcher` is what others see of it, `dispatching` makes it. `dispatcher/` knows which lanes
 * are this process's to run (`lease`, `assignment`), runs them (`laneSet`), and keeps and trims the
 * log (`retention`). `read/` reads, `lane/` makes batches and finds out whose fault a failure is,
 * `send/` chooses a sink by the destination's kind, and sends. `LaneState` is what a cursor
 * remembers of a lane; `Ledger` adds all of them up; `Delivery` judges an answer.
 *
 * `Millrace` and servers build the layer and call `drain` in the end; operators steer it through
 * `Steering`. Intake never calls it: the log is all that the two share.
 * Words: a *lane* is the program of one destination on one partition; a *suspect* is an event that
 * failed alone; a *tenure* is a stretch of one lease; a *circuit* is open while a receiver fails.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { InvalidOptions } from "../base/InvalidOptions.ts"
import type { StoreError } from "../ports/StoreError.ts"
import type { Destination } from "../select/Destination.ts"
import type { Reconfigured } from "./dispatcher/registry.ts"
import type { SinkKind } from "./send/SinkKind.ts"

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
    /**
     * Goes on by other destinations than those it was started with: what is as before goes on as if
     * nothing had happened, what is changed goes on where it stands, and what is gone keeps its
     * place in the store. Fails with `InvalidOptions`, and nothing changed, when one of them cannot
     * be run.
     *
     * @param sinks kinds of destinations besides webhooks; `null` for those that there are
     */
    readonly reconfigure: (
      destinations: ReadonlyArray<Destination>,
      sinks: ReadonlyArray<SinkKind> | null,
    ) => Effect.Effect<Reconfigured, InvalidOptions | StoreError>
  }
>()("@millrace/core/Dispatcher") {}
