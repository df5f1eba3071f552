import type { Members } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { byText } from "./order.ts"
import { type Row, type Table, tokenOf } from "./Table.ts"

export interface MemberRow {
  readonly id: string
  /** How long after it was written it holds, in ms. */
  readonly lease: number
}

/** Rows of those who have gone without a word are removed so long after their lease, in ms. */
const forgetAfter = 60_000

export const make = (table: Table<MemberRow>): Members.Members["Service"] => {
  const idsOf = (rows: ReadonlyArray<Row<MemberRow>>, now: number): ReadonlyArray<string> =>
    rows
      .filter(({ value, writtenAt }) => writtenAt + value.lease > now)
      .map(({ value }) => value.id)
      .sort(byText)

  const forget = (rows: ReadonlyArray<Row<MemberRow>>, now: number) =>
    Effect.forEach(
      rows.filter(({ value, writtenAt }) => writtenAt + value.lease + forgetAfter < now),
      ({ key }) => table.remove(key),
      { discard: true },
    )

  return {
    shared: true,
    beat: Effect.fnUntraced(function* (id, lease) {
      const key = tokenOf(id)
      yield* table.put(key, { id, lease })
      const rows = yield* table.rows
      // The server's clock is read off what was just written.
      const now = rows.find((row) => row.key === key)?.writtenAt ?? 0
      yield* forget(rows, now)
      return [...new Set([...idsOf(rows, now), id])].sort(byText)
    }),
    list: Effect.gen(function* () {
      // Nobody's clock but the server's: a row that is nobody's tells what it says now.
      yield* table.put(clockKey, { id: "", lease: 0 })
      const rows = yield* table.rows
      const now = rows.find(({ key }) => key === clockKey)?.writtenAt ?? 0
      return idsOf(rows, now)
    }),
    leave: (id) => table.remove(tokenOf(id)),
  }
}

/** No id's token begins like this. */
const clockKey = "=clock"
