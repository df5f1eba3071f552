import { join } from "node:path"
import { layer } from "@millrace/store-sqlite"
import { lackingDisk, smallDisk } from "@millrace/test-servers"
import { accountingContract, type StoreBinding, storeFaultsContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"
import { rewindablePlaces } from "./support/rewindable.ts"

const smallPlace = () => {
  const disk = smallDisk(40)
  return {
    open: () => layer({ path: join(disk.directory, "millrace.db") }),
    remove: () => disk.remove(),
  }
}

const binding: StoreBinding = {
  place: newPlace,
  ...(lackingDisk() === undefined ? { smallPlace } : {}),
  rewindablePlace: rewindablePlaces,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
}

storeFaultsContract("sqlite", binding)
// Every story takes a second and more on a disk.
accountingContract("sqlite", binding, { runs: 3 })
