import type { Destinations } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { byText, fromText, fromTextOrNull, toText, toTextOrNull } from "../text.ts"

interface Row {
  readonly id: string
  readonly config: string | null
  readonly disabled_at: number | null
  readonly disabled_reason: string | null
  readonly created_at: number
  readonly selection: string | null
}

const recordOf = (row: Row): Destinations.DestinationRecord => ({
  id: fromText(row.id),
  config: fromTextOrNull(row.config),
  disabled:
    row.disabled_at === null
      ? null
      : { at: row.disabled_at, reason: row.disabled_reason as Destinations.Disabled["reason"] },
  createdAt: row.created_at,
  ...(row.selection === null ? {} : { selection: JSON.parse(row.selection) as Destinations.SelectionNote }),
})

export const destinations = (database: Database): Destinations.Destinations["Service"] => {
  const { schema } = database
  return {
    get: (id) =>
      Effect.map(
        database.query<Row>(`SELECT * FROM ${schema}.destinations WHERE id = $1`, [toText(id)]),
        ([row]) => (row === undefined ? null : recordOf(row)),
      ),

    list: Effect.map(database.query<Row>(`SELECT * FROM ${schema}.destinations`), (rows) =>
      rows.map(recordOf).sort((a, b) => byText(a.id, b.id)),
    ),

    put: ({ id, config, disabled, createdAt, selection }) =>
      Effect.asVoid(
        database.query(
          `INSERT INTO ${schema}.destinations (id, config, disabled_at, disabled_reason, created_at, selection)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (id) DO UPDATE SET config = excluded.config, disabled_at = excluded.disabled_at,
             disabled_reason = excluded.disabled_reason, created_at = excluded.created_at, selection = excluded.selection`,
          [
            ...[toText(id), toTextOrNull(config), disabled?.at ?? null, disabled?.reason ?? null, createdAt],
            selection === undefined ? null : JSON.stringify(selection),
          ],
        ),
      ),

    remove: (id) =>
      Effect.asVoid(database.query(`DELETE FROM ${schema}.destinations WHERE id = $1`, [toText(id)])),
  }
}
