import type { Keys } from "@millrace/core/store"
import type { Connection } from "../Connection.ts"
import type { Row } from "../driver.ts"
import { byText, number, text } from "../row.ts"

export const keyOf = (row: Row): Keys.KeyRecord => ({
  hash: text(row, "hash"),
  kind: text(row, "kind") as Keys.KeyKind,
  createdAt: number(row, "created_at"),
})

export const keys = (connection: Connection) => ({
  list: (): ReadonlyArray<Keys.KeyRecord> =>
    connection
      .all("SELECT * FROM keys")
      .map(keyOf)
      .sort((a, b) => a.createdAt - b.createdAt || byText(a.hash, b.hash)),

  put({ hash, kind, createdAt }: Keys.KeyRecord): void {
    connection.run(
      "INSERT OR REPLACE INTO keys (hash, kind, created_at) VALUES (?, ?, ?)",
      hash,
      kind,
      createdAt,
    )
  },

  remove(hash: string): void {
    connection.run("DELETE FROM keys WHERE hash = ?", hash)
  },
})

export type KeysTable = ReturnType<typeof keys>
