import * as Schema from "effect/Schema"
import { isObject } from "../base/json.ts"
import { Whole } from "../base/scalars.ts"

/**
 * An event as Statsig's Generic Webhook sends it (Event Webhook document, "Event Format"): every
 * field is always present.
 */
export const WebhookEvent = Schema.Struct({
  eventName: Schema.String,
  user: Schema.JsonObject,
  userID: Schema.String,
  timestamp: Whole.annotate({ description: "ms since the epoch" }),
  value: Schema.String,
  metadata: Schema.JsonObject,
  statsigMetadata: Schema.JsonObject,
  timeUUID: Schema.String,
}).annotate({ identifier: "WebhookEvent", description: "An event as it is sent." })

export type WebhookEvent = typeof WebhookEvent.Type

export const isWebhookEvent = (event: unknown): event is WebhookEvent =>
  isObject(event) &&
  typeof event["eventName"] === "string" &&
  isObject(event["user"]) &&
  typeof event["userID"] === "string" &&
  Number.isInteger(event["timestamp"]) &&
  typeof event["value"] === "string" &&
  isObject(event["metadata"]) &&
  isObject(event["statsigMetadata"]) &&
  typeof event["timeUUID"] === "string"
