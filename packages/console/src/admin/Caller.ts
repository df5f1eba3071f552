import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"

/** `read`: sees what there is but the values of users, and changes nothing. */
export type Role = "full" | "read"

/** Somebody who asks for an action, as the record of changes names them. */
export interface Caller {
  readonly name: string
  readonly role: Role
  /** Returns once they may ask no longer: what they are told ends then. */
  readonly over?: Effect.Effect<void>
}

/** Whoever reaches the server's socket, or has opened the store. */
const command: Caller = { name: "command", role: "full" }

/** The one who asks for what is done now. */
export const Caller: Context.Reference<Caller> = Context.Reference("@millrace/console/Caller", {
  defaultValue: () => command,
})
