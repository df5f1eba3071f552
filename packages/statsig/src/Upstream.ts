import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

export interface UpstreamRequest {
  readonly origin: string
  /** With its query. */
  readonly path: string
  readonly method: "GET" | "POST"
  readonly headers: Readonly<Record<string, string>>
  /** `null` where there is none. */
  readonly body: Uint8Array | null
  /** How many bytes the reply's body may have. */
  readonly maxBytes: number
}

export interface UpstreamReply {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** As it came: compressed, if it came so. */
  readonly body: Uint8Array
}

/**
 * - `NoConnection`: nothing was sent.
 * - `Unanswered`: the connection ended before a reply began. It may have been kept too long.
 * - `Broken`: it ended within the reply.
 * - `TooLarge`: the reply passes the limit. The connection is closed.
 * - `Overloaded`: replies to others fill the room there is. It passes.
 * - `Timeout`: it took longer than whoever asks can wait.
 */
export class UpstreamError extends Data.TaggedError("UpstreamError")<{
  readonly reason: "NoConnection" | "Unanswered" | "Broken" | "TooLarge" | "Overloaded" | "Timeout"
  /** A code of the platform's, for people; nothing of the request. */
  readonly code: string | null
}> {}

/** Sends one request to Statsig, and reads the whole reply within its bounds. */
export class Upstream extends Context.Service<
  Upstream,
  {
    /** Interrupted, it closes the connection. It has no time-out of its own. */
    readonly send: (request: UpstreamRequest) => Effect.Effect<UpstreamReply, UpstreamError>
  }
>()("@millrace/statsig/Upstream") {}
