import { createHmac, hash } from "node:crypto"
import * as zlib from "node:zlib"
import { Codec as Port } from "@millrace/core/host"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"
import { youngMemory } from "./internal/YoungMemory.ts"
import * as Zstd from "./internal/zstdSurvey.ts"
import * as ZstdWasm from "./internal/zstdWasm.ts"

type Options = { readonly maxOutputLength: number; readonly chunkSize: number }
type Callback = (error: Error | null, result: Uint8Array) => void

interface Inflater {
  readonly sync: (bytes: Uint8Array, options: Options) => Uint8Array
  readonly async: (bytes: Uint8Array, options: Options, callback: Callback) => void
}

/**
 * As much as is inflated on the spot: some 0.3 ms of the event loop, less than handing it to a
 * thread and back.
 */
const inline = { input: 32 * 1024, output: 256 * 1024 }

const isTooLarge = (error: unknown) =>
  error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE"

const codecError = (error: unknown) =>
  new Port.CodecError({ reason: isTooLarge(error) ? "TooLarge" : "Malformed" })

/** A small result in a large buffer would keep much more than it counts. */
const exact = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength - bytes.length <= spare ? bytes : new Uint8Array(bytes)

/**
 * In bytes, of a buffer for what is inflated at once: zlib asks for another one when it has filled
 * one to its end.
 */
const spare = 64

/**
 * Bytes of content that may be on their way out of zlib's threads at one time: six bodies of the
 * largest kind, or two hundred and fifty of a thousand events. What is inflated on the spot, as
 * nearly all bodies are, takes none of it.
 */
const maxInflating = 64 * 1024 * 1024
let inflating = 0

/** What a byte of deflate can hold at most. */
const greatestRatio = 1032

/**
 * In bytes, for what claims more than it may hold. Memory of buffers up to the largest one that has
 * been freed is put together with that of others, as glibc's `malloc` has it, and goes back to the
 * system late.
 */
const doubtfulChunk = 1024 * 1024

/**
 * Up to `maxOutputLength` bytes, in one buffer where the body holds what it declares: zlib's own
 * buffers of 16 KB would be put together into another one, and each is a way to a thread and back.
 *
 * @param smallest a body that lies about its content costs a call for each of so many bytes
 */
const optionsFor = (
  bytes: Uint8Array,
  declared: number,
  maxOutputLength: number,
  smallest: number,
): Options => {
  const most = declared <= maxOutputLength ? declared : Math.min(maxOutputLength, doubtfulChunk)
  const content = Math.min(most, bytes.length * greatestRatio)
  return { maxOutputLength, chunkSize: Math.max(content + spare, smallest) }
}

/** In bytes: of what is inflated on the spot at most 128. */
const smallestAtOnce = 2 * 1024

/** In bytes: as zlib has it by itself. */
const smallestOnThread = 16 * 1024

/** What could not be inflated is garbage. */
const wasteOn = (error: unknown, { maxOutputLength, chunkSize }: Options): void =>
  youngMemory.waste(isTooLarge(error) ? maxOutputLength : chunkSize)

const onThread = (
  inflater: Inflater,
  bytes: Uint8Array,
  declared: number,
  maxBytes: number,
): Effect.Effect<Uint8Array, Port.CodecError> =>
  Effect.callback((resume) => {
    const options = optionsFor(bytes, declared, maxBytes, smallestOnThread)
    inflater.async(bytes, options, (error, result) => {
      if (error === null) return resume(Effect.succeed(exact(result)))
      wasteOn(error, options)
      resume(Effect.fail(codecError(error)))
    })
  })

/** Within {@link maxInflating}; past it, `Overloaded`. */
const withinBudget = (
  inflater: Inflater,
  bytes: Uint8Array,
  size: number,
): Effect.Effect<Uint8Array, Port.CodecError> =>
  Effect.suspend(() => {
    if (inflating + size > maxInflating) return Effect.fail(new Port.CodecError({ reason: "Overloaded" }))
    inflating += size
    return Effect.ensuring(
      onThread(inflater, bytes, size, size),
      Effect.sync(() => {
        inflating -= size
      }),
    )
  })

/**
 * Bodies that claim more than they may hold, or hold more than they claim, wait for one another and
 * for nobody else.
 */
const doubtful = Semaphore.makeUnsafe(1)

/** @param declared how much content the body says it has */
const inflate = (
  inflater: Inflater,
  bytes: Uint8Array,
  maxBytes: number,
  declared: number,
): Effect.Effect<Uint8Array, Port.CodecError> =>
  Effect.suspend(() => {
    if (bytes.length <= inline.input) {
      const options = optionsFor(bytes, declared, Math.min(maxBytes, inline.output), smallestAtOnce)
      try {
        return Effect.succeed(exact(inflater.sync(bytes, options)))
      } catch (error) {
        wasteOn(error, options)
        // A small body can hold a large one; that is for a thread to find out.
        if (!isTooLarge(error) || options.maxOutputLength === maxBytes) return Effect.fail(codecError(error))
      }
    }
    const alone = doubtful.withPermits(1)(onThread(inflater, bytes, declared, maxBytes))
    if (declared > maxBytes) return alone
    return Effect.catch(withinBudget(inflater, bytes, Math.max(declared, 1)), (error) =>
      error.reason === "TooLarge" ? alone : Effect.fail(error),
    )
  })

/** What a gzip body says it holds (RFC 1952, ISIZE): its last member, in the lower 32 bits. */
const declaredByGzip = (bytes: Uint8Array): number =>
  bytes.length < 18 ? 0 : Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32LE(bytes.length - 4)

const gzip: Inflater = { sync: zlib.gunzipSync, async: zlib.gunzip }

// Since Node 22.15; the types are those of Node 20.
const native = zlib as typeof zlib & {
  readonly zstdDecompressSync?: Inflater["sync"]
  readonly zstdDecompress?: Inflater["async"]
}
const zstd: Inflater | undefined =
  native.zstdDecompressSync && native.zstdDecompress
    ? { sync: native.zstdDecompressSync, async: native.zstdDecompress }
    : undefined

/** Inflates no more than honest compression comes to. */
const honestly = (
  compression: Port.Compression,
  bytes: Uint8Array,
  maxBytes: number,
  inflateUpTo: (maxBytes: number) => Effect.Effect<Uint8Array, Port.CodecError>,
): Effect.Effect<Uint8Array, Port.CodecError> => {
  const honest = Math.max(anyRatio, bytes.length * greatestHonestRatio[compression])
  return honest >= maxBytes
    ? inflateUpTo(maxBytes)
    : Effect.mapError(inflateUpTo(honest), (error) =>
        error.reason === "TooLarge" ? new Port.CodecError({ reason: "RatioTooLarge" }) : error,
      )
}

/**
 * The fastest there is: a higher level makes events hardly smaller. A smaller window makes zlib
 * move what it holds more often than it saves memory for.
 */
const gzipOptions = { level: 1, windowBits: 15 } as const satisfies zlib.ZlibOptions

/**
 * How many times smaller a batch becomes at least, as a rule: where it does not, its bytes are put
 * together from several buffers. Larger ones are garbage that has V8 collect everything.
 */
const usualRatio = 8

/** In bytes: from here on Node 20 and 22 make a buffer of its own. */
const smallestPacked = 4 * 1024

/**
 * Node puts small buffers together in one that it keeps for as long as any of them: 8 KB, from Node
 * 24 on 64.
 */
const outOfPool = (bytes: Uint8Array): Uint8Array =>
  bytes.buffer.byteLength === Buffer.poolSize ? new Uint8Array(bytes) : bytes

/**
 * Bytes up to which a thread costs more than it spares: as many as a batch has at most by default,
 * and takes a millisecond for.
 */
const gzipAtOnce = 1024 * 1024

const gzipOptionsFor = ({ length }: Uint8Array): zlib.ZlibOptions => ({
  ...gzipOptions,
  chunkSize: Math.max(smallestPacked, Math.ceil(length / usualRatio)),
})

const gzipped = (bytes: Uint8Array): Effect.Effect<Uint8Array> => {
  const packing: Effect.Effect<Uint8Array> =
    bytes.length <= gzipAtOnce
      ? Effect.sync(() => outOfPool(zlib.gzipSync(bytes, gzipOptionsFor(bytes))))
      : Effect.callback((resume) => {
          // It fails for a mistake of ours only: of memory there is enough, or the process ends.
          zlib.gzip(bytes, gzipOptionsFor(bytes), (error, packed) =>
            resume(error === null ? Effect.succeed(outOfPool(packed)) : Effect.die(error)),
          )
        })
  return Effect.tap(packing, (packed) => Effect.sync(() => youngMemory.spend(packed.buffer.byteLength)))
}

const toCodecError = (error: unknown) =>
  error instanceof Port.CodecError ? error : new Port.CodecError({ reason: "Malformed" })

/**
 * How many times its size a body may have as content, once that is more than {@link anyRatio}. The
 * most repetitive batches come to 250 in gzip, whose matches end after 258 bytes; in zstd, whose
 * matches do not end, a batch that repeats a large object comes to 700.
 */
const greatestHonestRatio = { gzip: 300, zstd: 1_000 } as const satisfies Record<Port.Compression, number>

/** Bytes of content that any body may have, however small it is. */
const anyRatio = 1024 * 1024

const inflateZstd = (bytes: Uint8Array, maxBytes: number): Effect.Effect<Uint8Array, Port.CodecError> => {
  try {
    const surveyed = Zstd.survey(bytes, maxBytes)
    return honestly("zstd", bytes, maxBytes, (most) =>
      // zlib's own leaves out, without a word, what comes after the first frame.
      zstd === undefined || surveyed.frames > 1
        ? ZstdWasm.decompress(bytes, surveyed, most)
        : inflate(zstd, bytes, most, Math.min(surveyed.mostContent, most)),
    )
  } catch (error) {
    return Effect.fail(toCodecError(error))
  }
}

/**
 * Decompression by `node:zlib`, on a thread when it is much; zstd by its own decoder in WebAssembly
 * below Node 22.15. Hashing by `node:crypto`.
 *
 * gzip may have several members, zstd several frames. What zstd's headers say is looked at before
 * anything is allocated: see {@link Zstd.survey}.
 */
export const codec: Port.Codec["Service"] = {
  decompress: (compression, bytes, maxBytes) =>
    Effect.map(
      compression === "gzip"
        ? honestly("gzip", bytes, maxBytes, (most) => inflate(gzip, bytes, most, declaredByGzip(bytes)))
        : inflateZstd(bytes, maxBytes),
      (content) => {
        youngMemory.spend(content.buffer.byteLength)
        return content
      },
    ),
  gzip: gzipped,
  crc32: (data) => zlib.crc32(data),
  sha256: (data) => hash("sha256", data, "buffer"),
  hmacSha256: (key, ...parts) => {
    const hmac = createHmac("sha256", key)
    for (const part of parts) hmac.update(part)
    return hmac.digest()
  },
}

export const layer: Layer.Layer<Port.Codec> = Layer.succeed(Port.Codec, codec)
