import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import type { StorePlace } from "@millrace/testkit"

/** A directory of its own. */
export const newPlace = (): StorePlace => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"))
  return {
    open: (options) => layer({ path: join(directory, "millrace.db"), ...options }),
    remove: () => rmSync(directory, { recursive: true }),
  }
}
