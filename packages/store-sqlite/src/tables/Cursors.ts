import type { Cursors, Position } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row } from "../driver.ts"
import { byText, number, text, textOrNull } from "../row.ts"

export const cursorOf = (row: Row): Cursors.Cursor => {
  const position = textOrNull(row, "position")
  return {
    name: text(row, "name"),
    epoch: number(row, "epoch"),
    record:
      position === null
        ? null
        : {
            position: position as Position.Position,
            index: number(row, "event_index"),
            state: text(row, "state"),
          },
  }
}

export const cursors = (connection: Connection) => ({
  acquire(name: string): Cursors.Cursor {
    connection.run("UPDATE epochs SET last = last + 1")
    connection.run(
      `INSERT INTO cursors (name, epoch) VALUES (?, (SELECT last FROM epochs))
       ON CONFLICT (name) DO UPDATE SET epoch = excluded.epoch`,
      name,
    )
    return cursorOf(connection.get("SELECT * FROM cursors WHERE name = ?", name) ?? {})
  },

  save: (saves: ReadonlyArray<Cursors.CursorSave>): ReadonlyArray<Cursors.SaveOutcome> =>
    saves.map(({ name, epoch, record }) => {
      const changes = connection.run(
        "UPDATE cursors SET position = ?, event_index = ?, state = ? WHERE name = ? AND epoch = ?",
        record.position,
        record.index,
        record.state,
        name,
        epoch,
      )
      return changes === 1 ? "saved" : "fenced"
    }),

  list: (): ReadonlyArray<Cursors.Cursor> =>
    connection
      .all("SELECT * FROM cursors")
      .map(cursorOf)
      .sort((a, b) => byText(a.name, b.name)),

  remove(name: string): void {
    connection.run("DELETE FROM cursors WHERE name = ?", name)
  },
})

export type CursorsTable = ReturnType<typeof cursors>
