import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"

export type Compression = "gzip" | "zstd"

/**
 * - `Malformed`: not what it claims to be.
 * - `TooLarge`: the content passes the limit (found without inflating it all).
 * - `RatioTooLarge`: the content would be larger than honest compression makes it.
 * - `WindowTooLarge`: zstd, with a window that so much content does not need.
 * - `Wasteful`: zstd, in more pieces than its content needs.
 * - `Overloaded`: too much of other bodies is being inflated. It passes.
 */
export class CodecError extends Data.TaggedError("CodecError")<{
  readonly reason: "Malformed" | "TooLarge" | "RatioTooLarge" | "WindowTooLarge" | "Wasteful" | "Overloaded"
}> {}

/** What the platform does better than JavaScript: decompression, hashes and checksums. */
export class Codec extends Context.Service<
  Codec,
  {
    /** Never holds more than `maxBytes` of output. A truncated stream is `Malformed`. */
    readonly decompress: (
      compression: Compression,
      bytes: Uint8Array,
      maxBytes: number,
    ) => Effect.Effect<Uint8Array, CodecError>
    /** The same bytes for the same bytes, on every attempt. */
    readonly gzip: (bytes: Uint8Array) => Effect.Effect<Uint8Array>
    /**
     * As in gzip (RFC 1952): tells bytes that differ apart, where nobody means to deceive, in a
     * tenth of the time of a hash.
     */
    readonly crc32: (data: Uint8Array) => number
    readonly sha256: (data: Uint8Array | string) => Uint8Array
    /** Reads the parts one after the other, as if they were one. */
    readonly hmacSha256: (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array | string>) => Uint8Array
  }
>()("@millrace/core/Codec") {}
