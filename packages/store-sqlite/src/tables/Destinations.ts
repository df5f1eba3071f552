import type { Destinations } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row } from "../driver.ts"
import { byText, number, numberOrNull, text, textOrNull } from "../row.ts"

export const recordOf = (row: Row): Destinations.DestinationRecord => {
  const selection = textOrNull(row, "selection")
  const disabledAt = numberOrNull(row, "disabled_at")
  return {
    id: text(row, "id"),
    config: textOrNull(row, "config"),
    disabled:
      disabledAt === null
        ? null
        : { at: disabledAt, reason: text(row, "disabled_reason") as Destinations.Disabled["reason"] },
    createdAt: number(row, "created_at"),
    ...(selection === null ? {} : { selection: JSON.parse(selection) as Destinations.SelectionNote }),
  }
}

export const destinations = (connection: Connection) => ({
  get(id: string): Destinations.DestinationRecord | null {
    const row = connection.get("SELECT * FROM destinations WHERE id = ?", id)
    return row === undefined ? null : recordOf(row)
  },

  list: (): ReadonlyArray<Destinations.DestinationRecord> =>
    connection
      .all("SELECT * FROM destinations")
      .map(recordOf)
      .sort((a, b) => byText(a.id, b.id)),

  put({ id, config, disabled, createdAt, selection }: Destinations.DestinationRecord): void {
    connection.run(
      `INSERT OR REPLACE INTO destinations (id, config, disabled_at, disabled_reason, created_at, selection)
       VALUES (?, ?, ?, ?, ?, ?)`,
      id,
      config,
      disabled?.at ?? null,
      disabled?.reason ?? null,
      createdAt,
      selection === undefined ? null : JSON.stringify(selection),
    )
  },

  remove(id: string): void {
    connection.run("DELETE FROM destinations WHERE id = ?", id)
  },
})

export type DestinationsTable = ReturnType<typeof destinations>
