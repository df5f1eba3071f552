import type * as Effect from "effect/Effect"
import type { Outcome } from "./Attempts.ts"
import type { TransportError } from "./Transport.ts"

/** What a request said for all of its events, where that has to go on with them. */
export interface RequestOrigin {
  /** Names the key that the request showed; `null` when it showed none. */
  readonly keyId: string | null
  readonly sdkType: string | null
  readonly sdkVersion: string | null
  /** The client's address, or the network it is in, where intake was told to keep that. */
  readonly ip: string | null
  /** In JSON. */
  readonly statsigMetadata: string
  /** The processes that have relayed it before it came here, as their header had it. */
  readonly relayedBy: string | null
}

/** What one attempt carries: consecutive events of a batch, in the bytes that are sent. */
export interface SinkBatch {
  /**
   * `msg_` and 32 hex digits. The same for every attempt at the same events in the same bytes, also
   * after a restart, and of nothing else: a repeat is known by it.
   */
  readonly id: string
  /** The `timeUUID`s of the first and the last event's places in the log. */
  readonly first: string
  readonly last: string
  /** How many events there are. */
  readonly count: number
  readonly body: Uint8Array
  /** Which all events share, where the kind writes them as they were sent; else `null`. */
  readonly origin: RequestOrigin | null
}

/** What came of one attempt, as far as the lane that waits for it has to know. */
export interface SinkReply {
  readonly outcome: Outcome
  /** The status of the receiver's reply; `null` when there was none. */
  readonly status: number | null
  /** Why there was no complete reply; `null` when there was one. */
  readonly noReply: TransportError["reason"] | null
  /** What a person needs to know of a failure, without a secret; `null` when delivered. */
  readonly error: string | null
  /** ms that the receiver asked to wait, an hour at most. */
  readonly retryAfter: number | null
  /** As {@link TransportReply.isBodyFree} has it. */
  readonly isBodyFree?: boolean
  /** As {@link TransportError.neverLeft} has it. */
  readonly neverLeft?: true
}

/**
 * Where the batches of one destination go. What a reply means is the sink's to say: whether it is
 * delivered, not now, set up wrongly, refused, too large, or gone. The lane above it does the rest,
 * the same for every kind: order, retries, dead letters, attempts.
 *
 * Its contract is `sinkContract` of the test kit.
 */
export interface Sink {
  /**
   * Makes one attempt within the destination's time-out. It never fails, and retries nothing; it
   * stops at once when interrupted. The receiver may keep either of two batches with one `id`.
   */
  readonly send: (batch: SinkBatch) => Effect.Effect<SinkReply>
}
