import type { Counters } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Limits } from "../limits.ts"
import { byText, number, text } from "../row.ts"

export const counters = (connection: Connection, limits: Limits["counters"]) => {
  const countNames = (hour: number): number =>
    number(connection.get("SELECT count(*) AS names FROM counters WHERE hour = ?", hour) ?? {}, "names")

  return {
    add(counts: ReadonlyArray<Counters.HourlyCount>, now: number): void {
      const oldest = now - limits.maxAge
      // Counted once a call: nobody else writes during it.
      const names = new Map<number, number>()
      const addOne = (hour: number, eventName: string, count: number): void => {
        const changes = connection.run(
          "UPDATE counters SET count = count + ? WHERE hour = ? AND event_name = ?",
          count,
          hour,
          eventName,
        )
        if (changes === 1) return
        const known = names.get(hour) ?? countNames(hour)
        if (known >= limits.maxNamesPerHour && eventName !== limits.otherNames) {
          addOne(hour, limits.otherNames, count)
          return
        }
        if (known === 0) connection.run("DELETE FROM counters WHERE hour < ?", oldest)
        connection.run(
          "INSERT INTO counters (hour, event_name, count) VALUES (?, ?, ?)",
          hour,
          eventName,
          count,
        )
        names.set(hour, known + 1)
      }
      for (const { hour, eventName, count } of counts) {
        if (hour >= oldest) addOne(hour, eventName, count)
      }
    },

    list: (from: number, to: number): ReadonlyArray<Counters.HourlyCount> =>
      connection
        .all("SELECT * FROM counters WHERE hour >= ? AND hour < ?", from, to)
        .map((row) => ({
          hour: number(row, "hour"),
          eventName: text(row, "event_name"),
          count: number(row, "count"),
        }))
        .sort((a, b) => a.hour - b.hour || byText(a.eventName, b.eventName)),
  }
}

export type CountersTable = ReturnType<typeof counters>
