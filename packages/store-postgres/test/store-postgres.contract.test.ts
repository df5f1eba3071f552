import { layer } from "@millrace/store-postgres"
import { accountingContract, type StoreBinding, storeContract } from "@millrace/testkit"
import { it } from "vitest"
import { dropSchema, freshSchema, serverUrl, whyNot } from "./support/server.ts"

const binding: StoreBinding = {
  place: () => {
    const schema = freshSchema()
    return {
      open: (options) => layer({ url: serverUrl, schema, ...options }),
      remove: () => dropSchema(schema),
    }
  },
  reopens: true,
  shared: true,
  capped: true,
}

const reason = await whyNot()
if (reason === null) {
  storeContract("postgres", binding)
  accountingContract("postgres", binding, { runs: 3 })
} else {
  it.skip(`keeps the contract of stores (skipped: ${reason})`)
}
