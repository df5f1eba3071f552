import { layer } from "@millrace/store-postgres"
import {
  available,
  describeStore,
  endpointOf,
  servers,
  startPostgres,
  tcpProxy,
} from "@millrace/test-servers"
import {
  accountingContract,
  type EmptiablePlace,
  type FaultyPlace,
  type StoreBinding,
  storeFaultsContract,
} from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"
import { rewindablePlace } from "./support/rewindable.ts"
import { dropSchema, freshSchema } from "./support/server.ts"

/** For a request, in ms: long for a busy machine, short for a test that waits for it. */
const patience = 4000

const faultyPlace = async (): Promise<FaultyPlace> => {
  const schema = freshSchema()
  const proxy = await tcpProxy(endpointOf(servers.postgres))
  return {
    open: (options) =>
      layer({ url: proxy.url(servers.postgres), schema, requestTimeout: patience, ...options }),
    faults: proxy,
    remove: async () => {
      await proxy.close()
      await dropSchema(schema)
    },
  }
}

const emptiablePlace = async (level: "memory" | "disk"): Promise<EmptiablePlace> => {
  const server = await startPostgres(level === "memory" ? { fsync: "off" } : {})
  return {
    open: (options) => layer({ url: server.url, ...options }),
    empty: () => dropSchema("millrace", server.url),
    remove: () => server.dispose(),
  }
}

const binding: StoreBinding = {
  place: newPlace,
  faultyPlace,
  rewindablePlace,
  ...(available("postgres") ? { emptiablePlace } : {}),
  reopens: true,
  shared: true,
  capped: true,
  probesRoom: true,
}

await describeStore("postgres", servers.postgres, () => {
  storeFaultsContract("postgres", binding)
  accountingContract("postgres", binding, { runs: 3 })
})
