import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { JsonObject } from "../base/json.ts"
import { timeUUIDs } from "../entry/TimeUUID.ts"
import type { Ingest, IngestError } from "./Ingest.ts"

/** An event of the program itself. */
export interface NewEvent {
  readonly event: string
  readonly user?: JsonObject
  readonly value?: string | number
  readonly metadata?: JsonObject
  /** ms since the epoch; now by default. */
  readonly timestamp?: number
}

const encoder = new TextEncoder()

/** Through intake, as a request of the event webhook whose key has been checked. */
export const logEvent = Effect.fnUntraced(function* (
  ingest: Ingest["Service"],
  { event, user = {}, value, metadata = {}, timestamp }: NewEvent,
): Effect.fn.Return<string | null, IngestError> {
  const receivedAt = yield* Clock.currentTimeMillis
  const time = timestamp ?? receivedAt
  const head = {
    dialect: "event_webhook",
    receivedAt,
    keyId: null,
    clientTimeHeader: null,
    clientTimeQuery: null,
    sdkType: null,
    sdkVersion: null,
    sessionID: null,
  } as const
  const body = encoder.encode(JSON.stringify({ user, event, value, metadata, timestamp: time }))
  const { entryId } = yield* ingest.accept(head, body)
  return entryId === null ? null : timeUUIDs(entryId)(time, 0)
})
