import type { Keys } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { byText, fromText, toText } from "../text.ts"

interface Row {
  readonly hash: string
  readonly kind: string
  readonly created_at: number
  readonly name: string | null
  readonly hint: string | null
}

const keyOf = ({ hash, kind, created_at, name, hint }: Row): Keys.KeyRecord => ({
  hash: fromText(hash),
  kind: kind as Keys.KeyKind,
  createdAt: created_at,
  ...(name === null ? {} : { name: fromText(name) }),
  ...(hint === null ? {} : { hint: fromText(hint) }),
})

export const keys = (database: Database): Keys.Keys["Service"] => {
  const { schema } = database
  return {
    list: Effect.map(database.query<Row>(`SELECT * FROM ${schema}.keys`), (rows) =>
      rows.map(keyOf).sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),
    ),

    put: ({ hash, kind, createdAt, name, hint }) =>
      Effect.asVoid(
        database.query(
          `INSERT INTO ${schema}.keys (hash, kind, created_at, name, hint) VALUES ($1, $2, $3, $4, $5)
           ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, created_at = excluded.created_at,
             name = excluded.name, hint = excluded.hint`,
          [
            toText(hash),
            kind,
            createdAt,
            name === undefined ? null : toText(name),
            hint === undefined ? null : toText(hint),
          ],
        ),
      ),

    remove: (hash) =>
      Effect.asVoid(database.query(`DELETE FROM ${schema}.keys WHERE hash = $1`, [toText(hash)])),
  }
}
