import { isObject, type JsonObject } from "../base/json.ts"

/** An event as Statsig's Generic Webhook sends it (Event Webhook document, "Event Format"): every field is always present. */
export interface WebhookEvent {
  readonly eventName: string
  readonly user: JsonObject
  readonly userID: string
  /** ms since the epoch, an integer. */
  readonly timestamp: number
  readonly value: string
  readonly metadata: JsonObject
  readonly statsigMetadata: JsonObject
  readonly timeUUID: string
}

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
