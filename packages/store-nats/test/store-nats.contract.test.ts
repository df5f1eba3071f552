import { describeStore, servers } from "@millrace/test-servers"
import { accountingContract, type StoreBinding, storeContract } from "@millrace/testkit"
import { newPlace } from "./place.ts"

const binding: StoreBinding = { place: () => newPlace(), reopens: true, shared: true, capped: true }

await describeStore("nats", servers.nats, () => {
  storeContract("nats", binding)
  // Every story takes a second and more on a server.
  accountingContract("nats", binding, { runs: 3 })
})
