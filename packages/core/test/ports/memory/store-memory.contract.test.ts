import { Store } from "@millrace/core"
import { type StoreBinding, storeContract, storeFaultsContract } from "@millrace/testkit/vitest"
import { rewindablePlace } from "../../support/rewindable.ts"
import { sharedPlace } from "../../support/sharedStore.ts"

storeContract("memory", {
  place: () => ({ open: Store.layerMemory }),
  reopens: false,
  shared: false,
  capped: true,
  probesRoom: true,
})

const shared: StoreBinding = {
  place: sharedPlace,
  rewindablePlace,
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
  outside: false,
}

storeContract("memory, shared", shared)
storeFaultsContract("memory, shared", shared)

const partitions = 3

storeContract("memory, in partitions", {
  // Each partition may fill its part of the cap only.
  place: () => ({
    open: ({ maxBytes, ...options }) =>
      Store.layerMemory({
        ...options,
        partitions,
        ...(maxBytes === undefined ? {} : { maxBytes: maxBytes * partitions }),
      }),
  }),
  reopens: false,
  shared: false,
  capped: true,
  probesRoom: true,
  partitioned: true,
})
