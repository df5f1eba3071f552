import { randomUUID } from "node:crypto"
import { layer } from "@millrace/store-redis"
import { describeStore, servers } from "@millrace/test-servers"
import { accountingContract, type StoreBinding, storeContract } from "@millrace/testkit"
import { removeKeys } from "./support/server.ts"

const binding = (partitions: number): StoreBinding => ({
  place: () => {
    const prefix = `test-${randomUUID()}`
    return {
      open: (options) => layer({ url: servers.redis, prefix, partitions, ...options }),
      remove: () => removeKeys(prefix),
    }
  },
  reopens: true,
  shared: true,
  capped: true,
  partitioned: partitions > 1,
})

await describeStore("redis", servers.redis, () => {
  storeContract("redis", binding(1))
  accountingContract("redis", binding(1), { runs: 3 })
})
