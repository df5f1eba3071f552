import type { StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Connection } from "./Connection.ts"
import { headersOf, type RecordIndex, readIndex } from "./LogRecord.ts"
import { subjectsOf } from "./Schema.ts"

export interface Listener {
  /** Another process has appended. */
  readonly onAppended: (record: RecordIndex, process: string) => void
  /**
   * Another process is about to append in several messages, and asks for so many ms without others.
   */
  readonly onClaim: (duration: number, process: string) => void
  /** Another process has found that the log has come back with less than it had given. */
  readonly onBegan: () => void
}

/**
 * What the processes of one store tell each other of their appends: not stored, and lost with a
 * connection.
 */
export interface Announcements {
  readonly appended: (partition: number, record: RecordIndex) => void
  readonly claim: (partition: number, duration: number) => void
  readonly began: (partition: number) => void
  /** The server has no room left, and the reserve is gone. */
  readonly outOfRoom: () => void
  /** To those of the others. */
  readonly listen: (partition: number, listener: Listener) => void
  readonly onOutOfRoom: (hear: () => void) => void
}

interface Announcement {
  readonly process: string
  readonly seq?: number
  /** Headers of the record that ends there: they are all one needs to append after it. */
  readonly headers?: Readonly<Record<string, string>>
  readonly claim?: number
  readonly isOutOfRoom?: true
  readonly hasBegun?: true
}

/** `null` for what somebody else has sent. */
const read = (text: string): Announcement | null => {
  try {
    return JSON.parse(text) as Announcement
  } catch {
    return null
  }
}

/** Fails when this user may not listen. */
export const make = Effect.fnUntraced(function* (
  connection: Connection,
  prefix: string,
): Effect.fn.Return<Announcements, StoreError, Scope.Scope> {
  const subjects = subjectsOf(prefix)
  const listeners = new Map<string, Listener>()
  let hearOutOfRoom = (): void => {}
  const tell = (partition: number, message: Announcement): void =>
    connection.notify(subjects.wake(partition), JSON.stringify(message))

  yield* connection.listen(subjects.wake("*"), (subject, text) => {
    const message = read(text)
    const listener = listeners.get(subject)
    if (message === null || listener === undefined) return
    const { process, seq, headers, claim, isOutOfRoom, hasBegun } = message
    if (isOutOfRoom === true) hearOutOfRoom()
    if (hasBegun === true) listener.onBegan()
    if (claim !== undefined) listener.onClaim(claim, process)
    const record = seq === undefined || headers === undefined ? null : readIndex((name) => headers[name], seq)
    if (record !== null) listener.onAppended(record, process)
  })
  return {
    appended: (partition, record) =>
      tell(partition, { process: connection.id, seq: record.seq, headers: headersOf(record) }),
    claim: (partition, claim) => tell(partition, { process: connection.id, claim }),
    began: (partition) => tell(partition, { process: connection.id, hasBegun: true }),
    outOfRoom: () => tell(0, { process: connection.id, isOutOfRoom: true }),
    onOutOfRoom: (hear) => {
      hearOutOfRoom = hear
    },
    listen: (partition, listener) => {
      listeners.set(subjects.wake(partition), listener)
    },
  }
})
