import type { Event } from "./Event.ts"
import type { JsonObject } from "./json.ts"

/**
 * Where an event keeps itself with its numbers as they were written: only for writing it (see
 * `exactJson.ts`).
 */
export const exact: unique symbol = Symbol("exact")

interface Exact {
  readonly [exact]?: Event
}

/** The event with its numbers as they were written, as far as it knows. */
export const exactOf = (event: Event): Event => (event as Event & Exact)[exact] ?? event

/** What an entry's events share, likewise. */
export interface Shared {
  readonly statsigMetadata: JsonObject
  readonly exactStatsigMetadata?: JsonObject
}

export const exactStatsigMetadataOf = ({ statsigMetadata, exactStatsigMetadata }: Shared): JsonObject =>
  exactStatsigMetadata ?? statsigMetadata
