import { Documents } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { fromText, toText } from "../text.ts"

interface Row {
  readonly name: string
  readonly saved_at: number
  readonly meta: string
  readonly body: Buffer
}

export const documents = (database: Database): Documents.Documents["Service"] => {
  const { schema } = database
  return {
    get: (name) =>
      Effect.map(
        database.query<Row>(`SELECT * FROM ${schema}.documents WHERE name = $1`, [toText(name)]),
        ([row]) =>
          row === undefined
            ? null
            : {
                name: fromText(row.name),
                savedAt: row.saved_at,
                meta: fromText(row.meta),
                body: new Uint8Array(row.body.buffer, row.body.byteOffset, row.body.byteLength),
              },
      ),

    put: ({ name, savedAt, meta, body }) =>
      Effect.andThen(
        database.query(
          `INSERT INTO ${schema}.documents (name, saved_at, meta, body) VALUES ($1, $2, $3, $4)
           ON CONFLICT (name) DO UPDATE SET saved_at = excluded.saved_at, meta = excluded.meta,
             body = excluded.body`,
          [toText(name), savedAt, toText(meta), body],
        ),
        Effect.asVoid(
          database.query(
            `DELETE FROM ${schema}.documents WHERE name IN (
               SELECT name FROM ${schema}.documents ORDER BY saved_at DESC, name OFFSET $1
             )`,
            [Documents.limits.maxDocuments],
          ),
        ),
      ),

    remove: (name) =>
      Effect.asVoid(database.query(`DELETE FROM ${schema}.documents WHERE name = $1`, [toText(name)])),
  }
}
