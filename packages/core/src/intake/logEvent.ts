import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Time } from "../base/scalars.ts"
import { timeUUIDs } from "../entry/TimeUUID.ts"
import type { Ingest, IngestError } from "./Ingest.ts"

/** An event of the program itself. */
export const NewEvent = Schema.Struct({
  event: Schema.NonEmptyString,
  user: Schema.optionalKey(Schema.JsonObject),
  value: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
  metadata: Schema.optionalKey(Schema.JsonObject),
  /** Now by default. */
  timestamp: Schema.optionalKey(Time),
})

export type NewEvent = typeof NewEvent.Type

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
    validation: ingest.validation,
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
