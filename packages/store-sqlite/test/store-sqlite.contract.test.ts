import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import { accountingContract, type StoreBinding, storeContract } from "@millrace/testkit"

const binding: StoreBinding = {
  place: () => {
    const directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"))
    return {
      open: (options) => layer({ path: join(directory, "millrace.db"), ...options }),
      remove: () => rmSync(directory, { recursive: true }),
    }
  },
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
}

storeContract("sqlite", binding)
// Every story takes a second and more on a disk.
accountingContract("sqlite", binding, { runs: 3 })
