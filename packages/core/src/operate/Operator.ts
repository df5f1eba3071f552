/**
 * The room of operating: what a person, or a program in a person's place, asks and does.
 *
 * What comes in is an action of the table in `actions.ts`: a destination added, disabled, rewound,
 * dead letters listed or replayed, events watched. What goes out is a record (a destination's row,
 * an attempt, a dead letter, a report), a Schema beside its port. Nothing here is on the way of an
 * event: the room works on the store through the ports, on cursors through `cursorMove` and
 * `replayCursor`, and on what runs through a `Deliverer`.
 *
 * Each action is done in one place, `operating.ts`. The one that delivers makes the difference:
 *
 *              ┌ liveOperator   beside the dispatcher of this process: lanes stop and begin at once
 *   Operator ──┤
 *              └ Maintenance    on a store nobody runs: it takes effect when somebody does
 *
 * What only looks on is in `watch/`: one tail of the log and one reading of the ledger for all
 * views of a process, and none while nobody looks.
 *
 * Those who may call it: a program, through the promises that `Millrace` and `Maintenance` give;
 * hosts that let an operator in, such as the admin API of `millrace serve`; never intake or
 * delivery. It asks nobody who they are. Actions that change something are done one after the
 * other, to their end. No room below calls it.
 * Words: an *action* is a row of the table; a *replay* sends a stretch of the log once more, beside
 * what is live; a *rewind* puts the live cursor itself back.
 */
import * as Context from "effect/Context"
import type { Attempts } from "../ports/Attempts.ts"
import type { Counters } from "../ports/Counters.ts"
import type { Cursors } from "../ports/Cursors.ts"
import type { DeadLetters } from "../ports/DeadLetters.ts"
import type { Destinations } from "../ports/Destinations.ts"
import type { EventLog } from "../ports/EventLog.ts"
import type { Keys } from "../ports/Keys.ts"
import type { StoreHealth } from "../ports/StoreHealth.ts"
import type { Service } from "./Action.ts"
import type { actions } from "./actions.ts"

export interface OperatorService extends Service<typeof actions> {}

/** Everything an operator can do. */
export class Operator extends Context.Service<Operator, OperatorService>()("@millrace/core/Operator") {}

/** What every operator needs of the store. */
export type OperatorPorts =
  | EventLog
  | Cursors
  | Destinations
  | DeadLetters
  | Attempts
  | Counters
  | Keys
  | StoreHealth
