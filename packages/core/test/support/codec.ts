import { createHash, createHmac } from "node:crypto"
import { crc32, gunzipSync, gzipSync } from "node:zlib"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Codec, CodecError } from "../../src/ports/Codec.ts"

const inflate = (bytes: Uint8Array, maxOutputLength: number): Uint8Array =>
  gunzipSync(bytes, { maxOutputLength })

const zstdMagic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** Only frames of one uncompressed block, with their size in one byte. */
const zstdRaw = (bytes: Uint8Array): Uint8Array => {
  if (Buffer.compare(bytes.subarray(0, 4), zstdMagic) !== 0) throw new Error("no zstd")
  return bytes.subarray(9)
}

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"

/**
 * Enough of a codec for tests of what stands before and behind it; adapters bring the real ones.
 */
export const layerTest: Layer.Layer<Codec> = Layer.succeed(Codec, {
  decompress: (compression, bytes, maxBytes) =>
    Effect.try({
      try: () => (compression === "gzip" ? inflate(bytes, maxBytes) : zstdRaw(bytes)),
      catch: (error) => new CodecError({ reason: isTooLarge(error) ? "TooLarge" : "Malformed" }),
    }),
  gzip: (bytes) => Effect.sync(() => gzipSync(bytes)),
  crc32: (data) => crc32(data),
  sha256: (data) => createHash("sha256").update(data).digest(),
  hmacSha256: (key, ...parts) => {
    const hmac = createHmac("sha256", key)
    for (const part of parts) hmac.update(part)
    return hmac.digest()
  },
})
