import type { Cursors, Position, StoreError } from "@millrace/core/store"
import * as Effect from "effect/Effect"
import { type Database, list } from "../Database.ts"
import { byText, fromText, toText } from "../text.ts"

interface Row {
  readonly name: string
  readonly epoch: number
  readonly position: string | null
  readonly event_index: number
  readonly state: string
}

const cursorOf = ({ name, epoch, position, event_index, state }: Row): Cursors.Cursor => ({
  name: fromText(name),
  epoch,
  record:
    position === null
      ? null
      : {
          position: fromText(position) as Position.Position,
          index: event_index,
          state: fromText(state),
        },
})

const keyOf = ({ name, epoch }: Cursors.CursorSave): string => `${epoch} ${name}`

export const cursors = (database: Database): Cursors.Cursors["Service"] => {
  const { schema, lineage } = database
  return {
    acquire: (name) =>
      Effect.map(
        // A server that takes over enters first: what was given before is not given again.
        database.use((client) =>
          client.query<Row>(`SELECT * FROM ${schema}.acquire_cursor(${schema}.entered($1, $2, $3::text))`, [
            ...lineage.known,
            toText(name),
          ]),
        ),
        ({ rows }) => cursorOf(rows[0]!),
      ),

    save: Effect.fnUntraced(function* (saves): Effect.fn.Return<
      ReadonlyArray<Cursors.SaveOutcome>,
      StoreError
    > {
      if (saves.length === 0) return []
      // The last one of several by one owner stands.
      const last = new Map(saves.map((save) => [keyOf(save), save]))
      const keys = [...last.keys()]
      const written = [...last.values()]
      const rows = yield* database.query<{ number: number }>(
        `SELECT number FROM ${schema}.save_cursors($1, $2, $3, $4, $5) AS number`,
        [
          written.map(({ name }) => toText(name)),
          list(written.map(({ epoch }) => epoch)),
          written.map(({ record }) => toText(record.position)),
          list(written.map(({ record }) => record.index)),
          written.map(({ record }) => toText(record.state)),
        ],
      )
      const saved = new Set(rows.map(({ number }) => keys[number - 1]))
      return saves.map((save) => (saved.has(keyOf(save)) ? "saved" : "fenced"))
    }),

    list: Effect.map(database.query<Row>(`SELECT * FROM ${schema}.cursors`), (rows) =>
      rows.map(cursorOf).sort((a, b) => byText(a.name, b.name)),
    ),

    remove: (name) =>
      Effect.asVoid(database.query(`DELETE FROM ${schema}.cursors WHERE name = $1`, [toText(name)])),
  }
}
