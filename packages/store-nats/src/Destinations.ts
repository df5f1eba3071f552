import type { Destinations } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { byText } from "./order.ts"
import { type Table, tokenOf } from "./Table.ts"

export const make = (table: Table<Destinations.DestinationRecord>): Destinations.Destinations["Service"] => ({
  get: (id) => Effect.map(table.get(tokenOf(id)), (row) => row?.value ?? null),
  list: Effect.map(table.rows, (rows) => rows.map(({ value }) => value).sort((a, b) => byText(a.id, b.id))),
  put: (record) => Effect.asVoid(table.put(tokenOf(record.id), record)),
  remove: (id) => table.remove(tokenOf(id)),
})
