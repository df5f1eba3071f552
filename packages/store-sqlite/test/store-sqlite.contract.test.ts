import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import { lackingDisk, smallDisk } from "@millrace/test-servers"
import { accountingContract, type StoreBinding, storeContract } from "@millrace/testkit"
import { rewindablePlaces } from "./support/rewindable.ts"

const smallPlace = () => {
  const disk = smallDisk(40)
  return {
    open: () => layer({ path: join(disk.directory, "millrace.db") }),
    remove: () => disk.remove(),
  }
}

const binding: StoreBinding = {
  place: () => {
    const directory = mkdtempSync(join(tmpdir(), "millrace-sqlite-"))
    return {
      open: (options) => layer({ path: join(directory, "millrace.db"), ...options }),
      remove: () => rmSync(directory, { recursive: true }),
    }
  },
  ...(lackingDisk() === undefined ? { smallPlace } : {}),
  rewindablePlace: rewindablePlaces,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
}

storeContract("sqlite", binding)
// Every story takes a second and more on a disk.
accountingContract("sqlite", binding, { runs: 3 })
