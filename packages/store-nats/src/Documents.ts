import { Buffer } from "node:buffer"
import { Documents, type StoreError } from "@millrace/core/store"
import { nuid } from "@nats-io/nats-core"
import * as Effect from "effect/Effect"
import { corrupt } from "./errors.ts"
import type { Stream } from "./Stream.ts"
import { type Table, tokenOf } from "./Table.ts"

/** Stands for a document. Its bytes are messages of their own: one holds 1 MB by default. */
export interface DocumentRow {
  readonly name: string
  readonly savedAt: number
  readonly meta: string
  /** A part of the subjects of its pieces that no other one has. */
  readonly version: string
  readonly pieces: number
}

/** Bytes of a message, which is half of what servers take by default. */
const pieceBytes = 512 * 1024

/** Left to the protocol and to headers. */
const overhead = 1024

/** Pieces on their way at once. */
const concurrency = 8

/** Between two looks at it a document may have been replaced. */
const maxTries = 20

/**
 * A table of documents, and pieces beside it. The row is written behind its pieces and points to
 * them, and only then those of the one before go: whoever reads a row whose pieces are gone reads
 * the row again.
 *
 * @param base of the pieces' subjects
 * @param maxPayload of a message, in bytes
 */
export const make = (
  table: Table<DocumentRow>,
  bucket: Stream,
  base: string,
  maxPayload: () => number,
): Documents.Documents["Service"] => {
  const subjectsOf = (token: string, version = "*"): string => `${base}.${token}.${version}`

  const read = Effect.fnUntraced(function* (token: string, { version, pieces }: DocumentRow) {
    const found = yield* Effect.forEach(
      Array.from({ length: pieces }, (_, piece) => `${subjectsOf(token, version)}.${piece}`),
      (subject) => bucket.last(subject),
      { concurrency },
    )
    const parts = found.flatMap((message) => (message === null ? [] : [message.data]))
    return parts.length === pieces ? new Uint8Array(Buffer.concat(parts)) : null
  })

  const get = Effect.fnUntraced(function* (
    name: string,
  ): Effect.fn.Return<Documents.Document | null, StoreError> {
    const token = tokenOf(name)
    for (let tries = 0; tries < maxTries; tries++) {
      const row = yield* table.get(token)
      if (row === null) return null
      const body = yield* read(token, row.value)
      if (body !== null) return { name, savedAt: row.value.savedAt, meta: row.value.meta, body }
    }
    return yield* Effect.fail(corrupt("a part of a document is missing"))
  })

  const remove = Effect.fnUntraced(function* (name: string) {
    const token = tokenOf(name)
    yield* table.remove(token)
    yield* bucket.purgeSubject(`${subjectsOf(token)}.*`)
  })

  const put = Effect.fnUntraced(function* ({ name, savedAt, meta, body }: Documents.Document) {
    const token = tokenOf(name)
    const version = nuid.next()
    const size = Math.min(pieceBytes, maxPayload() - overhead)
    const pieces = Math.ceil(body.length / size)
    const writing = Effect.forEach(
      Array.from({ length: pieces }).keys(),
      (piece) =>
        bucket.publish({
          subject: `${subjectsOf(token, version)}.${piece}`,
          data: body.subarray(piece * size, (piece + 1) * size),
        }),
      { concurrency, discard: true },
    )
    // Nobody knows of them if they do not all get there.
    yield* Effect.onError(writing, () =>
      Effect.ignore(bucket.purgeSubject(`${subjectsOf(token, version)}.*`)),
    )
    const before = yield* table.get(token)
    const row = { name, savedAt, meta, version, pieces }
    const replaced = yield* table.replace(token, row, before?.revision ?? 0)
    // Another process has put one meanwhile, which is as new; or this very row is there already.
    const isLost = replaced === null && (yield* table.get(token))?.value.version !== version
    const stale = isLost ? version : before?.value.version
    if (stale !== undefined) yield* bucket.purgeSubject(`${subjectsOf(token, stale)}.*`)
    const rows = yield* table.rows
    for (const surplus of Documents.surplus(rows.map(({ value }) => value))) yield* remove(surplus.name)
  })

  return { get, put, remove }
}
