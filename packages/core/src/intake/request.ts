import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

/** A request as far as it comes before its body. */
export interface RequestHead {
  readonly method: string
  /**
   * Path and query as on the request line, with or without the prefix under which the host mounted
   * it.
   */
  readonly url: string
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** The address at the other end of the connection, where the host knows it. */
  readonly peer?: string | undefined
}

/** A request of any HTTP server, in neutral form. */
export interface IngestRequest extends RequestHead {
  /**
   * Reads the whole body, failing with `TooLarge` as soon as it passes `maxBytes`. Called once at
   * most, and not at all when the head alone decides the reply: the host then discards what still
   * comes.
   */
  readonly body: (maxBytes: number, share?: BodyShare) => Effect.Effect<IngestBody, BodyError>
  /**
   * The same for a host that reads by callbacks: `promiseHandler` prefers it, since a fiber
   * that waits costs more than the reading.
   */
  readonly read?: (
    maxBytes: number,
    done: (body: Effect.Effect<IngestBody, BodyError>) => void,
    share?: BodyShare,
  ) => void
}

/**
 * Whose room in memory a body takes.
 *
 * - `keyed`: of senders whose key was right.
 * - `unproven`: the little that those have who have yet to prove by their body's signature who they
 *   are.
 * - `unkept`: none. Its bytes are counted and forgotten as they come, and it is empty to whoever
 *   asked for it.
 */
export type BodyShare = "keyed" | "unproven" | "unkept"

/** A request whose head alone does not decide the reply. */
export interface Awaiting {
  readonly maxBytes: number
  readonly share: BodyShare
  /** What is left to do, with the body or what reads it. Never fails. */
  readonly finish: (body: Effect.Effect<IngestBody, BodyError>) => Effect.Effect<IngestReply>
}

export interface IngestBody {
  readonly bytes: Uint8Array
  /**
   * True when the host's own parser has already inflated it while the `content-encoding` header
   * remains: only magic bytes count then.
   */
  readonly inflated: boolean
  /** True when a parser of the host's has read it, and left nothing but what it has made of it. */
  readonly parsed?: boolean
}

/**
 * - `TooLarge`: more than `maxBytes`.
 * - `Aborted`: the client went away.
 * - `TimedOut`: it came too slowly.
 * - `Overloaded`: too many bytes of other requests are in memory.
 * - `Consumed`: somebody in front of us read the stream and left no body: a mistake in the host's
 *   set-up.
 * - `FormParsed`: a parser of forms read JSON text as a form, which cannot be undone: a mistake in
 *   the host's set-up.
 */
export class BodyError extends Data.TaggedError("BodyError")<{
  readonly reason: "TooLarge" | "Aborted" | "TimedOut" | "Overloaded" | "Consumed" | "FormParsed"
}> {}

export interface IngestReply {
  readonly status: number
  /** By lower-case name; `content-type` and the like, never `content-length`. */
  readonly headers: Readonly<Record<string, string>>
  /**
   * JSON text, or empty with a 204 or a 304. Bytes are what somebody else has answered, and passed
   * on as they are.
   */
  readonly body: string | Uint8Array
}
