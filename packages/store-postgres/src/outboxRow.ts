import { Ingest } from "@millrace/core"
import { Entry, Wire } from "@millrace/core/host"
import { DeadLetters, type EventLog, timeUUIDs } from "@millrace/core/store"
import * as Result from "effect/Result"

/** What somebody has put into the outbox: `outboxInsert`, or plain SQL. */
export interface OutboxRow {
  readonly number: number
  /** 32 hex digits. */
  readonly id: EventLog.EntryId
  readonly envelope: string
  readonly body: Uint8Array
}

/**
 * What comes of a row: an entry, if any of its events can be read, and letters of those that
 * cannot.
 */
export interface Checked {
  readonly entry: EventLog.NewEntry | null
  readonly letters: ReadonlyArray<DeadLetters.DeadLetter>
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A row that says nothing of itself is what a request of a server SDK would be. */
const headOf = (envelope: Entry.Envelope): Wire.WireHead => {
  const { dialect, mode, receivedAt, offset, keyId, sdkType, sdkVersion, sessionID } = envelope
  return {
    dialect,
    // There is no header that could be missing.
    validation: dialect === "log_event" ? "lenient" : mode,
    receivedAt,
    clientTimeHeader: offset === undefined ? null : String(receivedAt - offset),
    clientTimeQuery: null,
    sdkType: sdkType ?? null,
    sdkVersion: sdkVersion ?? null,
    sessionID: sessionID ?? null,
    keyId: keyId ?? null,
  }
}

/**
 * Takes a row as intake takes a request: its events are counted, cleaned of private attributes and
 * checked, whatever the row says of itself. What intake has made itself stays as it is.
 */
export const checkRow = ({ id, envelope, body }: OutboxRow, now: number): Checked => {
  const letter = ({ index, message, eventName, event }: Wire.RejectedEvent): DeadLetters.DeadLetter => ({
    destination: DeadLetters.intake,
    eventId: timeUUIDs(id)(now, index),
    reason: "invalid",
    message: `outbox: ${message}`,
    status: null,
    deadAt: now,
    receivedAt: now,
    eventName,
    event,
    replayedAt: null,
  })
  // Nothing of it is kept, since nobody can tell what must not be.
  const unreadable = (message: string): Checked => ({
    entry: null,
    letters: [letter({ index: 0, message, eventName: "", event: "" })],
  })
  const facts = parsed(envelope) as Parameters<typeof Entry.isEnvelope>[0]
  if (!Entry.isEnvelope(facts)) return unreadable("envelope: not one that Millrace has written")
  const decoded = Wire.decode(headOf(facts), body, id, Ingest.defaultLimits)
  if (Result.isFailure(decoded)) return unreadable(decoded.failure.message)
  const { entry, rejected } = decoded.success
  // What lanes could not read, they would wait for.
  const readable = entry === null ? null : Entry.decode(entry)
  if (readable !== null && Result.isFailure(readable)) return unreadable(readable.failure.message)
  return { entry, letters: rejected.map(letter) }
}
