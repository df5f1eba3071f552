import { describeStore, servers } from "@millrace/test-servers"
import { storeContract } from "@millrace/testkit/vitest"
import { newPlace } from "./support/place.ts"

await describeStore("postgres", servers.postgres, () => {
  storeContract("postgres", {
    place: newPlace,
    reopens: true,
    shared: true,
    capped: true,
    probesRoom: true,
  })
})
