import { available, describeStore, servers } from "@millrace/test-servers"
import {
  accountingContract,
  type StoreBinding,
  storeContract,
  storeFaultsContract,
} from "@millrace/testkit/vitest"
import { newEmptiablePlace, newFaultyPlace, newPlace, newRewindablePlace, newSmallPlace } from "./place.ts"

await describeStore("nats", servers.nats, () => {
  const binding: StoreBinding = {
    place: () => newPlace(),
    faultyPlace: newFaultyPlace,
    ...(available("nats")
      ? {
          rewindablePlace: newRewindablePlace,
          emptiablePlace: newEmptiablePlace,
          smallPlace: newSmallPlace,
        }
      : {}),
    reopens: true,
    shared: true,
    capped: true,
    probesRoom: true,
  }
  storeFaultsContract("nats", binding)
  // Every story takes a second and more on a server.
  accountingContract("nats", binding, { runs: 3 })
  // That of three partitions runs with the usual tests.
  storeContract("nats", binding)
})
