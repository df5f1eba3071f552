import type { StoreError } from "@millrace/core"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection } from "./Connection.ts"
import { subjectsOf } from "./Schema.ts"

/** Who has appended up to which sequence number. */
type Receive = (seq: number, process: string) => void

/** What the processes of one store tell each other when they have appended: not stored, and lost with a connection. */
export interface Announcements {
  readonly announce: (partition: number, seq: number) => void
  /** Those of the others. */
  readonly onEach: (partition: number, receive: Receive) => void
}

/** Fails when this user may not listen. */
export const make = Effect.fnUntraced(function* (
  connection: Connection,
  prefix: string,
): Effect.fn.Return<Announcements, StoreError, Scope.Scope> {
  const subjects = subjectsOf(prefix)
  const receivers = new Map<string, Receive>()
  yield* connection.listen(subjects.wake("*"), (subject, text) => {
    const [seq = "", process = ""] = text.split(" ")
    receivers.get(subject)?.(Number(seq), process)
  })
  return {
    announce: (partition, seq) => connection.notify(subjects.wake(partition), `${seq} ${connection.id}`),
    onEach: (partition, receive) => {
      receivers.set(subjects.wake(partition), receive)
    },
  }
})
