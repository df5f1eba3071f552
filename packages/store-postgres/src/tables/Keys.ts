import type { Keys } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { byText, fromText, toText } from "../text.ts"

interface Row {
  readonly hash: string
  readonly kind: string
  readonly created_at: number
}

const keyOf = ({ hash, kind, created_at }: Row): Keys.KeyRecord => ({
  hash: fromText(hash),
  kind: kind as Keys.KeyKind,
  createdAt: created_at,
})

export const keys = (database: Database): Keys.Keys["Service"] => {
  const { schema } = database
  return {
    list: Effect.map(database.query<Row>(`SELECT * FROM ${schema}.keys`), (rows) =>
      rows.map(keyOf).sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),
    ),

    put: ({ hash, kind, createdAt }) =>
      Effect.asVoid(
        database.query(
          `INSERT INTO ${schema}.keys (hash, kind, created_at) VALUES ($1, $2, $3)
           ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, created_at = excluded.created_at`,
          [toText(hash), kind, createdAt],
        ),
      ),

    remove: (hash) =>
      Effect.asVoid(database.query(`DELETE FROM ${schema}.keys WHERE hash = $1`, [toText(hash)])),
  }
}
