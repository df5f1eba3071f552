import { Codec } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import type { ZSTDDecoder } from "zstddec"
import type { Survey } from "./zstdSurvey.ts"

/**
 * Zstandard's own decoder, compiled to WebAssembly: for Node below 22.15, whose zlib has none.
 * Loaded when the first body asks for it.
 */
let loading: Promise<ZSTDDecoder> | undefined

const load = async (): Promise<ZSTDDecoder> => {
  const { ZSTDDecoder } = await import("zstddec")
  const decoder = new ZSTDDecoder()
  await decoder.init()
  return decoder
}

/**
 * Inflates on the spot, at some 500 MB a second. It keeps the memory of the largest body it has
 * seen with its content: at most twice the limit of bodies.
 *
 * @param surveyed how much room the content needs
 */
export const decompress = (
  bytes: Uint8Array,
  { mostContent }: Survey,
  maxBytes: number,
): Effect.Effect<Uint8Array, Codec.CodecError> =>
  Effect.flatMap(
    Effect.promise(() => {
      loading ??= load()
      return loading
    }),
    (decoder) => {
      const content = decoder.decode(bytes, Math.max(Math.min(mostContent, maxBytes), 1))
      // It gives no bytes for what it cannot inflate, and does not say why.
      if (content.length > 0 || mostContent === 0) return Effect.succeed(content)
      return new Codec.CodecError({ reason: mostContent > maxBytes ? "TooLarge" : "Malformed" })
    },
  )
