import type * as Context from "effect/Context"
import { type Promises, promises } from "./Action.ts"
import { actions } from "./actions.ts"
import type { Operator } from "./Operator.ts"

/**
 * What an operator asks and does, as promises. Everything rejects with a `StoreError` when the
 * store does not answer; what names a destination rejects with `UnknownDestination` when there is
 * none of this id.
 */
export interface Operations extends Promises<typeof actions> {}

/**
 * @param operator asked for anew with every call
 * @param context where it runs: its clock, its logger
 */
export const of = (operator: () => Operator["Service"], context: Context.Context<never>): Operations =>
  promises(actions, operator, context)
