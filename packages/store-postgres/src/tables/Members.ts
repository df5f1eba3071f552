import type { Members } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { byText, fromText, toText } from "../text.ts"

export const members = (database: Database): Members.Members["Service"] => {
  const { schema } = database
  return {
    shared: true,

    beat: (id, lease) =>
      Effect.map(
        database.query<{ id: string }>(
          `WITH beat AS (
             INSERT INTO ${schema}.members VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
             ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
           ), gone AS (
             DELETE FROM ${schema}.members WHERE id IN (
               SELECT id FROM ${schema}.members WHERE expires_at <= clock_timestamp() AND id <> $1
               FOR UPDATE SKIP LOCKED
             )
           )
           SELECT id FROM ${schema}.members WHERE expires_at > clock_timestamp() AND id <> $1`,
          [toText(id), lease],
        ),
        (others) => [id, ...others.map((other) => fromText(other.id))].sort(byText),
      ),

    list: Effect.map(
      database.query<{ id: string }>(`SELECT id FROM ${schema}.members WHERE expires_at > clock_timestamp()`),
      (found) => found.map(({ id }) => fromText(id)).sort(byText),
    ),

    leave: (id) => Effect.asVoid(database.query(`DELETE FROM ${schema}.members WHERE id = $1`, [toText(id)])),
  }
}
