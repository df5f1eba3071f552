import { Counters } from "@millrace/core/store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Database } from "../Database.ts"
import { byText, fromText, toText } from "../text.ts"

interface Row {
  readonly hour: number
  readonly event_name: string
  readonly count: number
}

const countOf = ({ hour, event_name, count }: Row): Counters.HourlyCount => ({
  hour,
  eventName: fromText(event_name),
  count,
})

export const counters = (database: Database): Counters.Counters["Service"] => {
  const { schema } = database
  return {
    add: Effect.fnUntraced(function* (counts) {
      if (counts.length === 0) return
      const now = yield* Clock.currentTimeMillis
      const { maxAge, maxNamesPerHour } = Counters.limits
      const rows = [...counts]
        .sort((a, b) => a.hour - b.hour)
        .map(({ hour, eventName, count }) => ({ hour, event_name: toText(eventName), count }))
      yield* database.query(`SELECT ${schema}.add_counts($1, $2, $3, $4)`, [
        JSON.stringify(rows),
        now - maxAge,
        maxNamesPerHour,
        Counters.otherNames,
      ])
    }),

    list: (from, to) =>
      Effect.map(
        database.query<Row>(`SELECT * FROM ${schema}.counters WHERE hour >= $1 AND hour < $2`, [from, to]),
        (rows) => rows.map(countOf).sort((a, b) => a.hour - b.hour || byText(a.eventName, b.eventName)),
      ),
  }
}
