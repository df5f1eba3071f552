import type { IncomingMessage } from "node:http"
import { gunzipSync } from "node:zlib"
import { Codec as Port } from "@millrace/core/host"
import { Codec } from "@millrace/node"
import * as Effect from "effect/Effect"

const maxBytes = 64 * 1024 * 1024

/** Node 20 has no zstd of its own. */
const unzstd = (bytes: Uint8Array): Promise<Uint8Array> =>
  Effect.runPromise(
    Effect.provide(
      Effect.flatMap(Port.Codec, (codec) => codec.decompress("zstd", bytes, maxBytes)),
      Codec.layer,
    ),
  )

const beginsWith = (bytes: Uint8Array, ...begin: ReadonlyArray<number>) =>
  begin.every((byte, index) => bytes[index] === byte)

export const readBody = async (req: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The text of a body; what it begins with tells how it is compressed, whatever its headers say. */
export const textOf = async (bytes: Uint8Array): Promise<string> => {
  if (beginsWith(bytes, 0x1f, 0x8b)) return gunzipSync(bytes).toString("utf8")
  if (beginsWith(bytes, 0x28, 0xb5, 0x2f, 0xfd)) return Buffer.from(await unzstd(bytes)).toString("utf8")
  return Buffer.from(bytes).toString("utf8")
}

/**
 * SDKs in browsers send base64, backwards: one says so with `se=1` in the query, the older one in a
 * header.
 */
export const decodedText = (
  text: string,
  query: URLSearchParams,
  headers: IncomingMessage["headers"],
): string =>
  query.get("se") === "1" || headers["statsig-encoded"] === "1"
    ? Buffer.from([...text].reverse().join(""), "base64").toString("utf8")
    : text
