import type { Keys } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row } from "../driver.ts"
import { byText, number, text } from "../row.ts"

export const keyOf = (row: Row): Keys.KeyRecord => ({
  hash: text(row, "hash"),
  kind: text(row, "kind") as Keys.KeyKind,
  createdAt: number(row, "created_at"),
  ...(row["name"] === null || row["name"] === undefined ? {} : { name: text(row, "name") }),
  ...(row["hint"] === null || row["hint"] === undefined ? {} : { hint: text(row, "hint") }),
})

export const keys = (connection: Connection) => ({
  list: (): ReadonlyArray<Keys.KeyRecord> =>
    connection
      .all("SELECT * FROM keys")
      .map(keyOf)
      .sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),

  put({ hash, kind, createdAt, name, hint }: Keys.KeyRecord): void {
    connection.run(
      "INSERT OR REPLACE INTO keys (hash, kind, created_at, name, hint) VALUES (?, ?, ?, ?, ?)",
      hash,
      kind,
      createdAt,
      name ?? null,
      hint ?? null,
    )
  },

  remove(hash: string): void {
    connection.run("DELETE FROM keys WHERE hash = ?", hash)
  },
})

export type KeysTable = ReturnType<typeof keys>
