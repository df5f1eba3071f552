import type { Transform } from "node:stream"
import { TextDecoder } from "node:util"
import * as zlib from "node:zlib"
import { Transport as Port } from "@millrace/core"

export type Headers = Readonly<Record<string, string | Array<string> | undefined>>

/** A character takes 3 bytes of UTF-8 at most, and one that begins may end behind them. */
export const maxTextBytes = Port.maxReplyLength * 3 + 4

/** As they are shown to a person. */
export const headersOf = (headers: Headers): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers)
      .slice(0, Port.maxReplyHeaders.count)
      .map(([name, value = ""]) => {
        const text = typeof value === "string" ? value : value.join(", ")
        return [name, text.slice(0, Port.maxReplyHeaders.length)]
      }),
  )

const headerOf = (headers: Headers, name: string): string => {
  const value = headers[name]
  return (typeof value === "string" ? value : (value?.[0] ?? "")).trim().toLowerCase()
}

const textOf = (bytes: Uint8Array, headers: Headers): string => {
  const charset = /charset="?([\w-]{1,40})/.exec(headerOf(headers, "content-type"))?.[1] ?? "utf-8"
  return decoderOf(charset).decode(bytes).slice(0, Port.maxReplyLength)
}

const decoderOf = (charset: string): TextDecoder => {
  try {
    return new TextDecoder(charset)
  } catch {
    return new TextDecoder()
  }
}

// The end may be missing, since only the beginning was kept.
const flushed = { finishFlush: zlib.constants.Z_SYNC_FLUSH }

const decompressors: ReadonlyMap<string, () => Transform> = new Map([
  ["gzip", () => zlib.createGunzip(flushed)],
  ["x-gzip", () => zlib.createGunzip(flushed)],
  ["deflate", () => zlib.createInflate(flushed)],
  ["br", () => zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH })],
])

/** As much as is needed of what the bytes inflate to, however much that is. */
const inflateBeginning = (bytes: Uint8Array, stream: Transform): Promise<Uint8Array> =>
  new Promise((resolve) => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    const end = (): void => {
      stream.destroy()
      resolve(Buffer.concat(chunks).subarray(0, maxTextBytes))
    }
    stream.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk)
      length += chunk.length
      if (length >= maxTextBytes) end()
    })
    // What came before an error is worth reading.
    stream.on("error", end)
    stream.on("end", end)
    stream.end(bytes)
  })

/**
 * The beginning of a reply's body as text: inflated where it is compressed, which nobody asked for
 * and some do all the same, and in the character set that it names. What cannot be read is
 * described.
 *
 * @param bytes the first {@link maxTextBytes} at least, if there are so many
 * @returns the text, or how to get it where that takes time
 */
export const beginningOf = (bytes: Uint8Array, headers: Headers): string | (() => Promise<string>) => {
  const encoding = headerOf(headers, "content-encoding")
  if (encoding === "" || encoding === "identity" || bytes.length === 0) return textOf(bytes, headers)
  const decompressor = decompressors.get(encoding)
  if (decompressor === undefined) {
    // A word that is none, such as "utf-8", says that nothing is compressed.
    const isText = /^(utf-?8|none|text|ascii|binary|iso-8859-1)$/.test(encoding)
    if (isText) return textOf(bytes, headers)
    const name = /^[\w.+-]{1,20}$/.test(encoding) ? encoding : "another"
    return `(its body is in the content encoding ${name})`
  }
  return async () => {
    const inflated = await inflateBeginning(bytes, decompressor())
    if (inflated.length > 0) return textOf(inflated, headers)
    return isPlain(bytes) ? textOf(bytes, headers) : `(its body says that it is ${encoding}, and is not)`
  }
}

/** A proxy may have inflated a body and left the header. */
const isPlain = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d)
