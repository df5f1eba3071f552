import { describeStore, servers } from "@millrace/test-servers"
import { type StoreBinding, storeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./place.ts"

await describeStore("nats", servers.nats, () => {
  const binding: StoreBinding = {
    place: () => newPlace(3),
    reopens: true,
    shared: true,
    capped: true,
    probesRoom: true,
    partitioned: true,
  }
  storeContract("nats in three partitions", binding)
})
