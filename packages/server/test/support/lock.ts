import { DatabaseSync } from "@photostructure/sqlite"
import { onTestFinished } from "vitest"

/** Holds the file's one lock for writing, as a backup tool might. */
export const lockDatabase = (path: string): { readonly release: () => void } => {
  // The server may be writing just now.
  const database = new DatabaseSync(path, { timeout: 10_000 })
  database.exec("BEGIN IMMEDIATE")
  const release = () => {
    if (database.isOpen) database.close()
  }
  onTestFinished(release)
  return { release }
}
