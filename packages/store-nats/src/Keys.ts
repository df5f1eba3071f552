import type { Keys } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { byText } from "./order.ts"
import { type Table, tokenOf } from "./Table.ts"

export const make = (table: Table<Keys.KeyRecord>): Keys.Keys["Service"] => ({
  list: Effect.map(table.rows, (rows) =>
    rows.map(({ value }) => value).sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),
  ),
  put: (record) => Effect.asVoid(table.put(tokenOf(record.hash), record)),
  remove: (hash) => table.remove(tokenOf(hash)),
})
